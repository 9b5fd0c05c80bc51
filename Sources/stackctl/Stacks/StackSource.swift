import Compose
import Diagnostics
import JSONText
import Linux
import StackModel

/// Where a command's document comes from: a manifest, or compose files.
enum StackSource: Sendable {
    /// A folder with a Stack.swift; the path is as the user wrote it.
    case manifest(folder: String)
    case compose(ComposeSource)

    /// What the options and the operand of a command name.
    ///
    /// - Throws: a `Diagnostic` when they name nothing, or two things.
    static func chosen(by invocation: Invocation) throws -> StackSource {
        if let named = try ComposeSelectionOptions.source(invocation) {
            try ComposeSelectionOptions.refuse(invocation.arguments.operand(0))
            return .compose(named)
        }
        switch try StackSelection.source(invocation.arguments.operand(0)) {
        case .folder(let folder):
            try ComposeSelectionOptions.refuseAll(invocation, of: folder)
            invocation.output.show(StackSelection.notes(on: folder))
            return .manifest(folder: folder)
        case .compose(let files): return .compose(try ComposeSelectionOptions.source(invocation, files: files))
        case .file, .name: throw StackSelection.missing(invocation.arguments.operand(0) ?? ".")
        }
    }

    /// The document, what deserves attention, and how long it took.
    ///
    /// - Parameter daemon: seals the secrets of compose files; without one they are left out.
    func evaluate(
        _ invocation: Invocation, daemon: DaemonClient? = nil
    ) async throws -> StackEvaluation.Evaluated {
        switch self {
        case .manifest(let folder): return try await StackEvaluation.evaluate(folder: folder, invocation)
        case .compose(let source):
            try ComposeSelectionOptions.refuseManifestOptions(invocation)
            let began = Clock.monotonic()
            let project = try await source.load()
            var options = LoweringOptions()
            options.apiSocket = invocation.location.socket
            options.onlyLooks = daemon == nil
            let document = try await source.document(of: project, options, daemon: daemon)
            var timings = Timings()
            timings.add("compose", nanoseconds: Clock.monotonic() - began)
            let own = Set(document.diagnostics)
            return StackEvaluation.Evaluated(
                document: document, warnings: project.diagnostics.filter { !own.contains($0) }, timings: timings,
                origin: project.directory)
        }
    }
}

/// Options that name compose files in place of a manifest.
enum ComposeSelectionOptions {
    static let file = OptionDeclaration.list(
        "file", "f", .path("FILE"), "Take a compose file, - for standard input; later ones override earlier ones")
    static let projectName = OptionDeclaration.value(
        "project-name", "p", .text("NAME"), "Name of the compose project, which is the stack's")
    static let profile = OptionDeclaration.list(
        "profile", nil, .text("NAME"), "Take in the services of a profile; * is all of them")
    static let environmentFile = OptionDeclaration.list(
        "env-file", nil, .path("FILE"), "Read variables of compose files from it in place of .env")

    static let group = OptionGroup("Compose options", [file, projectName, profile, environmentFile])

    /// What the options name; nil when none of them names a file.
    static func source(_ invocation: Invocation) throws -> ComposeSource? {
        let files = invocation.arguments.values(of: file)
        guard !files.isEmpty else { return nil }
        return try source(invocation, files: files)
    }

    /// The files with the other options applied.
    static func source(_ invocation: Invocation, files: [String]) throws -> ComposeSource {
        let arguments = invocation.arguments
        return try ComposeSource(
            files: files, projectName: arguments.value(of: projectName), profiles: arguments.values(of: profile),
            environmentFiles: arguments.values(of: environmentFile))
    }

    /// Files that are named leave no place for a stack.
    static func refuse(_ operand: String?) throws(Diagnostic) {
        guard let operand else { return }
        throw Diagnostic(
            code: "SC0146", summary: "-f and -p name the stack already, so `\(operand)` cannot name one too",
            hint: "leave out one of them")
    }

    /// A manifest knows none of these options.
    static func refuseAll(_ invocation: Invocation, of folder: String) throws(Diagnostic) {
        guard let option = group.options.first(where: { invocation.arguments.isSet($0) }) else { return }
        throw Diagnostic(
            code: "SC0147", summary: "--\(option.long) is for compose files, and `\(folder)` has a Stack.swift",
            hint: "leave it out, or name the compose file with -f")
    }

    /// Compose files have no inputs and no lock.
    static func refuseManifestOptions(_ invocation: Invocation) throws(Diagnostic) {
        let arguments = invocation.arguments
        if arguments.isSet(SharedOptions.variable) || arguments.isSet(SharedOptions.variableFile) {
            throw Diagnostic(
                code: "SC0176", summary: "a compose project has no inputs: --var and --var-file are for a Stack.swift",
                hint: "set the variable in the environment, or in a file given as --env-file")
        }
        if arguments.isSet(SharedOptions.upgrade) {
            throw Diagnostic(
                code: "SC0177", summary: "a compose project has no Stack.lock: --upgrade has nothing to lift",
                hint: "`stackctl compose pull` takes the newest images")
        }
    }
}
