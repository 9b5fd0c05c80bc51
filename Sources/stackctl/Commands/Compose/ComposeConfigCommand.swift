import Compose
import Diagnostics
import JSONText
import Linux

/// `stackctl compose config`: the project as it is understood.
enum ComposeConfigCommand {
    private static let format = OptionDeclaration.value("format", nil, .choice(["yaml", "json"]), "`yaml` or `json`")
    private static let output = OptionDeclaration.value("output", "o", .path("FILE"), "Write to this file")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only say what is wrong")
    private static let services = OptionDeclaration.flag("services", nil, "The names of the services, one a line")
    private static let volumes = OptionDeclaration.flag("volumes", nil, "The names of the volumes, one a line")
    private static let networks = OptionDeclaration.flag("networks", nil, "The names of the networks, one a line")
    private static let models = OptionDeclaration.flag("models", nil, "The names of the models, one a line")
    private static let images = OptionDeclaration.flag("images", nil, "The names of the images, one a line")
    private static let profiles = OptionDeclaration.flag("profiles", nil, "The names of the profiles, one a line")
    private static let hash = OptionDeclaration.value(
        "hash", nil, .text("SERVICES"), "The configuration's hash of services, with commas between; * is all")
    private static let variables = OptionDeclaration.flag("variables", nil, "The variables that the files name")
    private static let environment = OptionDeclaration.flag("environment", nil, "The values that variables have")
    private static let noInterpolate = OptionDeclaration.flag("no-interpolate", nil, "Leave variables as they are")
    private static let noNormalize = OptionDeclaration.flag("no-normalize", nil, "Do not fill in defaults")
    private static let noPaths = OptionDeclaration.flag("no-path-resolution", nil, "Leave relative paths as they are")
    private static let noConsistency = OptionDeclaration.flag(
        "no-consistency", nil, "Do not check names against each other")
    private static let resolve = OptionDeclaration.flag(
        "resolve-image-digests", nil, "Name images by their digests, which registries are asked for")
    private static let lock = OptionDeclaration.flag(
        "lock-image-digests", nil, "Print a file of the images' digests alone, to put on top of this one")

    static let declaration = CommandDeclaration(
        "config", summary: "Check a project and print it in canonical form",
        discussion: "No daemon is needed, but for digests of images.",
        operands: [ComposeOptions.services],
        options: [
            environment, format, hash, images, lock, models, networks, noConsistency, noInterpolate, noNormalize,
            noPaths, output, profiles, quiet, resolve, services, variables, volumes,
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        if arguments.isSet(variables) {
            try await ComposeVariables.show(session, format: arguments.value(of: format))
            return .success
        }
        let loaded = try await session.project { request in
            request.interpolates = !arguments.isSet(noInterpolate)
            request.normalizes = !arguments.isSet(noNormalize)
            request.resolvesPaths = !arguments.isSet(noPaths)
            request.checksConsistency = !arguments.isSet(noConsistency)
        }
        if let lines = try lines(loaded, arguments) {
            if !arguments.isSet(quiet) { for line in lines { session.output.print(line) } }
            return .success
        }
        var project = try loaded.selecting(arguments.operands)
        if arguments.isSet(resolve) || arguments.isSet(lock) {
            project = try await ImageDigests(daemon: try await session.daemon(), output: session.output).pinned(project)
        }
        if arguments.isSet(lock) { project = imagesOnly(project) }
        guard !arguments.isSet(quiet) else { return .success }
        try write(text(project, arguments), arguments, session)
        return .success
    }

    private static func text(_ project: ComposeProject, _ arguments: ParsedArguments) -> String {
        arguments.value(of: format) == "json" ? project.json.serialized(.pretty) + "\n" : project.yaml()
    }

    private static func write(_ text: String, _ arguments: ParsedArguments, _ session: ComposeSession) throws {
        guard let path = arguments.value(of: output) else {
            session.output.write(text)
            return
        }
        do {
            try Files.write(path, Array(text.utf8))
        } catch {
            throw Diagnostic(code: "SC0265", summary: "\(path) cannot be written", detail: "\(error)")
        }
    }

    // MARK: Lists

    /// What one of the options asks for instead of the project; nil where none was given.
    private static func lines(
        _ project: ComposeProject, _ arguments: ParsedArguments
    ) throws -> [String]? {
        if arguments.isSet(services) { return project.startOrder }
        if arguments.isSet(volumes) { return project.volumes.keys }
        if arguments.isSet(networks) { return project.networks.keys }
        if arguments.isSet(models) {
            return project.models.entries.compactMap { $0.value["model"]?.string }
        }
        if let names = arguments.value(of: hash) { return try hashes(project, names) }
        if arguments.isSet(profiles) {
            let all = (project.services.entries + project.disabledServices.entries).flatMap { entry in
                (entry.value["profiles"]?.list ?? []).compactMap(\.string)
            }
            return Set(all).sorted()
        }
        if arguments.isSet(images) {
            return try project.selecting(arguments.operands).services.entries.flatMap { service in
                imageNames(service, of: project)
            }
        }
        if arguments.isSet(environment) {
            return project.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        }
        return nil
    }

    private static func hashes(_ project: ComposeProject, _ names: String) throws(DiagnosticList) -> [String] {
        let chosen = names == "*" ? [] : names.split(separator: ",").map(String.init)
        let selected = try project.selecting(chosen, withDependencies: false)
        return selected.services.entries.sorted { $0.key < $1.key }.map { entry in
            "\(entry.key) \(ComposeHash.service(entry.value))"
        }
    }

    /// The image of a service, those of its steps before the start, and those that it mounts.
    private static func imageNames(_ service: ComposeMap.Entry, of project: ComposeProject) -> [String] {
        let own = service.value["image"]?.string ?? "\(project.name)-\(service.key)"
        let steps = (service.value["pre_start"]?.list ?? []).compactMap { $0["image"]?.string }
        let mounted = (service.value["volumes"]?.list ?? []).filter { $0["type"]?.string == "image" }
            .compactMap { $0["source"]?.string }
        return [own] + steps + mounted
    }

    // MARK: Digests

    /// A project that says nothing but which images its services have.
    private static func imagesOnly(_ project: ComposeProject) -> ComposeProject {
        var result = ComposeProject(name: "", directory: project.directory, files: project.files)
        for service in project.services.entries {
            var members = ComposeMap()
            members["image"] = service.value["image"]
            let mounts = (service.value["volumes"]?.list ?? []).filter { $0["type"]?.string == "image" }
            if !mounts.isEmpty, let location = service.value["volumes"]?.location {
                members["volumes"] = ComposeNode(.list(mounts), at: location)
            }
            result.services.set(
                ComposeMap.Entry(
                    key: service.key, value: ComposeNode(.map(members), at: service.value.location),
                    location: service.location))
        }
        return result
    }
}
