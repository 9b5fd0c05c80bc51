import Builder
import Diagnostics
import Dockerfile
import HTTP
import JSONText
import Linux
import Registry

/// `stackctl build`: builds an image of a Dockerfile.
enum BuildCommand {
    static let declaration = CommandDeclaration(
        "build", aliases: ["b"], summary: "Build an image of a Dockerfile",
        discussion: """
            PATH is a directory with the files to build, the address of a repository or an archive, or -
            for a Dockerfile or a tar on standard input. What its .dockerignore names is not sent.

            The same files give the same image, digest for digest. Steps that were run before are not
            run again; `stackctl builder du` and `prune` look after what is kept for that.
            """,
        operands: [OperandDeclaration("PATH", "A directory, an address, or -", completion: .path)],
        optionGroups: [
            OptionGroup("Options", BuildOptions.names + [BuildOptions.file] + BuildOptions.shown),
            OptionGroup("Cache options", BuildOptions.cache),
            OptionGroup("Result options", BuildOptions.results),
            OptionGroup("Step options", BuildOptions.steps),
            OptionGroup("Docker's other options", BuildOptions.others),
        ],
        action: run)

    static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let directory = try CurrentProcess.workingDirectory()
        let place = arguments.operand(0) ?? "."
        let file = arguments.value(of: BuildOptions.file)
        let known = Set(arguments.values(of: BuildOptions.argument).map { CommaSeparated.cut($0).key })
        let body = try BuildBody(
            arguments, environment: { Environment.get($0) }, directory: directory,
            proxies: UserFiles.proxyVariables(for: invocation.location.address, known: known))
        for case .tar(nil) in body.destinations { try refuseTerminal("tar") }
        for case .dockerArchive(nil) in body.destinations { try refuseTerminal("docker") }
        for case .ociArchive(nil) in body.destinations { try refuseTerminal("oci") }
        let context = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try BuildContext(place, file: file)
        }
        let call = arguments.isSet(BuildOptions.check) ? "check" : arguments.value(of: BuildOptions.call) ?? "build"
        if call != "build" {
            return try DockerfileReport(context, body, invocation.output).run(call)
        }
        return try await build(context, body, invocation)
    }

    private static func refuseTerminal(_ type: String) throws(Diagnostic) {
        try ReceivedArchive.refuseTerminal(nil, "write the result", hint: "--output type=\(type),dest=FILE")
    }

    private static func build(
        _ context: BuildContext, _ body: BuildBody, _ invocation: Invocation
    ) async throws -> ExitCode {
        let (arguments, output) = (invocation.arguments, invocation.output)
        let isQuiet = arguments.isSet(BuildOptions.quiet)
        let mode = isQuiet ? .quiet : try progress(arguments)
        let secrets = try await BlockingExecutor.shared.run { () throws(Diagnostic) in try Self.secrets(body) }
        let agents = try await BlockingExecutor.shared.run { () throws(Diagnostic) in try Self.agents(body) }
        let daemon = try await invocation.daemon()
        let display = BuildDisplay(mode, output: output.onStandardError)
        let isLive = await display.isLive
        let session = BuildSession(daemon: daemon, display: display, output: output)
        let result = try await Interruption.shared.guarding {
            if isLive { output.writeError(ProgressPainter.showCursor) }
        } _: {
            try await display.showing { try await session.run(context, body, secrets, agents: agents) }
        }
        if mode != .rawjson, !isQuiet {
            output.show((result["warnings"]?.arrayValue ?? []).compactMap { Diagnostic(json: $0) })
        }
        try await BuildResults(daemon: daemon).fetch(result, to: body.destinations)
        try writeFiles(result, arguments, tags: body.tags)
        let id = result["imageID"]?.stringValue
        if isQuiet || mode == .quiet, let id { output.print(id) }
        return .success
    }

    private static func progress(_ arguments: ParsedArguments) throws(Diagnostic) -> BuildProgressMode {
        guard let text = arguments.value(of: BuildOptions.progress) ?? Environment.get("BUILDKIT_PROGRESS"),
            !text.isEmpty
        else { return .auto }
        guard let mode = BuildProgressMode(rawValue: text) else {
            throw FlagProblem.sentence(
                "invalid progress mode \(text)",
                hint:
                    "BUILDKIT_PROGRESS is one of \(BuildProgressMode.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return mode
    }

    static func secrets(_ body: BuildBody) throws(Diagnostic) -> JSONObject {
        var secrets = JSONObject()
        for secret in body.secrets {
            do throws(Reason) {
                secrets[secret.id] = .string(Base64.encode(try secret.read { Environment.get($0) }))
            } catch {
                throw FlagProblem.sentence(error.text, hint: error.hint)
            }
        }
        return secrets
    }

    static func agents(_ body: BuildBody) throws(Diagnostic) -> [String: String] {
        var agents: [String: String] = [:]
        for agent in body.agents {
            do throws(Reason) {
                agents[agent.id] = try agent.path { Environment.get($0) }
            } catch {
                throw FlagProblem.sentence(error.text, hint: error.hint)
            }
        }
        return agents
    }

    private static func writeFiles(_ result: JSONValue, _ arguments: ParsedArguments, tags: [String]) throws {
        if let path = arguments.value(of: BuildOptions.idFile), let id = result["imageID"]?.stringValue {
            try write(path, Array(id.utf8))
        }
        if let path = arguments.value(of: BuildOptions.metadataFile) {
            let metadata = JSONValue.object(BuildResults.metadata(result, tags: tags))
            try write(path, metadata.serializedBytes(.pretty) + [0x0A])
        }
    }

    private static func write(_ path: String, _ bytes: [UInt8]) throws {
        do {
            try Files.writeAtomically(path, bytes, mode: 0o644)
        } catch {
            throw Diagnostic(
                code: "SC0204", summary: "\(path) cannot be written", detail: "\(error)",
                hint: "the image was built all the same")
        }
    }
}
