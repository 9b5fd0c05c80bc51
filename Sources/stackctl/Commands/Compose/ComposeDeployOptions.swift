import Diagnostics
import Linux

/// The options of `up`, `create` and `scale` that say how a project is made.
enum ComposeDeployOptions {
    static let build = OptionDeclaration.flag("build", nil, "Build images first, as without it where something changed")
    static let noBuild = OptionDeclaration.flag("no-build", nil, "Do not build images, even those that are missing")
    static let pull = OptionDeclaration.value(
        "pull", nil, .choice(["always", "missing", "never", "policy"]), "When images are pulled (default: policy)")
    static let quietPull = OptionDeclaration.flag("quiet-pull", nil, "Do not show how pulls go")
    static let quietBuild = OptionDeclaration.flag("quiet-build", nil, "Do not show how builds go")
    static let force = OptionDeclaration.flag(
        "force-recreate", nil, "Make containers anew although nothing changed")
    static let forceDependencies = OptionDeclaration.flag(
        "always-recreate-deps", nil, "Make what the services depend on anew, too")
    static let keep = OptionDeclaration.flag(
        "no-recreate", nil, "Leave containers that are there as they are, whatever the file says")
    static let noStart = OptionDeclaration.flag("no-start", nil, "Make containers without starting them")
    static let renew = OptionDeclaration.flag(
        "renew-anon-volumes", "V", "Let anonymous volumes of containers that are made anew begin empty")
    static let scale = OptionDeclaration.list(
        "scale", nil, .pair("SERVICE=N"), "Have N containers of a service, whatever the file says")

    static let making = [
        build, noBuild, pull, quietPull, quietBuild, force, keep, ComposeOptions.removeOrphans, scale,
    ]

    /// What the options ask for.
    ///
    /// - Throws: `Diagnostic` with Docker's sentence for those that cannot stand together.
    static func request(_ arguments: ParsedArguments) throws(Diagnostic) -> ComposeDeployment.Request {
        try expectOne(arguments, build, noBuild)
        try expectOne(arguments, force, keep)
        try expectOne(arguments, forceDependencies, keep)
        var request = ComposeDeployment.Request()
        request.scale = try scale(arguments.pairs(of: scale))
        request.pullPolicy = arguments.value(of: pull).flatMap { $0 == "policy" ? nil : $0 }
        request.pullsQuietly = arguments.isSet(quietPull)
        request.builds = !arguments.isSet(noBuild)
        request.forcesRecreation = arguments.isSet(force)
        request.recreatesDependencies = arguments.isSet(forceDependencies)
        request.keepsExisting = arguments.isSet(keep)
        request.ignoresDependencies = arguments.isSet(ComposeOptions.noDependencies)
        request.starts = !arguments.isSet(noStart)
        request.renewsVolumes = arguments.isSet(renew)
        request.removesOrphans = removesOrphans(arguments)
        return request
    }

    /// `--remove-orphans`, or `COMPOSE_REMOVE_ORPHANS`.
    static func removesOrphans(_ arguments: ParsedArguments) -> Bool {
        if arguments.isRefused(ComposeOptions.removeOrphans) { return false }
        let isUsual = Environment.given("COMPOSE_REMOVE_ORPHANS").map { ["1", "true"].contains($0) } ?? false
        return arguments.isSet(ComposeOptions.removeOrphans) || isUsual
    }

    /// `web=3`.
    static func scale(_ pairs: [(key: String, value: String)]) throws(Diagnostic) -> [String: Int] {
        var scale: [String: Int] = [:]
        for (service, text) in pairs {
            guard let number = Int(text), number >= 0 else {
                throw FlagProblem.sentence(
                    "invalid scale: \(service)=\(text)", hint: "write a number that is zero or more: \(service)=2")
            }
            scale[service] = number
        }
        return scale
    }

    private static func expectOne(
        _ arguments: ParsedArguments, _ first: OptionDeclaration, _ second: OptionDeclaration
    ) throws(Diagnostic) {
        guard arguments.isSet(first), arguments.isSet(second) else { return }
        throw FlagProblem.sentence(
            "--\(first.long) and --\(second.long) are incompatible", hint: "leave out one of them")
    }
}
