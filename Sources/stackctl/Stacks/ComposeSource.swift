import Compose
import Diagnostics
import JSONText
import Linux
import StackModel

/// Compose files on their way to a stack's document.
struct ComposeSource: Sendable {
    /// What is to be loaded.
    let request: ComposeRequest

    /// A source of what a request names.
    init(_ request: ComposeRequest) { self.request = request }

    /// A source of files as the user wrote them: relative to the working directory, `-` for standard input.
    ///
    /// Blocking where standard input is read.
    init(
        files: [String] = [], projectName: String? = nil, profiles: [String] = [], environmentFiles: [String] = [],
        projectDirectory: String? = nil
    ) throws {
        let here = try CurrentProcess.workingDirectory()
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(here)/\(path)" }
        var request = ComposeRequest(workingDirectory: here)
        request.files = files.map { $0 == "-" ? $0 : absolute($0) }
        request.projectName = projectName
        request.profiles = profiles
        request.environmentFiles = environmentFiles.isEmpty ? nil : environmentFiles.map(absolute)
        request.projectDirectory = projectDirectory.map(absolute)
        request.environment = Environment.all
        if files.contains("-") { request.texts["-"] = try Self.standardInput() }
        self.request = request
    }

    /// Reads and checks the files.
    ///
    /// - Throws: `DiagnosticList` with everything that is wrong with them.
    func load() async throws -> ComposeProject {
        let loader = ComposeLoader(request, files: UserComposeFiles())
        return try await BlockingExecutor.shared.run { () throws in try loader.load() }
    }

    /// The document of a project, with its secrets sealed by the daemon.
    ///
    /// - Parameter daemon: nil leaves secrets out; such a document is to be looked at, not to be applied.
    /// - Throws: `DiagnosticList` with everything that cannot be done.
    func document(
        of project: ComposeProject, _ options: LoweringOptions = LoweringOptions(), daemon: DaemonClient?
    ) async throws -> StackDocument {
        let seal = try await sealed(project.valuesToSeal, daemon)
        return try await BlockingExecutor.shared.run { () throws in
            try project.document(options, seal: seal, files: UserComposeFiles())
        }
    }

    /// The texts that only the daemon can open; nil where there is none to seal them.
    private func sealed(_ values: [String: String], _ daemon: DaemonClient?) async throws -> [String: String]? {
        guard let daemon else { return nil }
        guard !values.isEmpty else { return [:] }
        let names = values.keys.sorted()
        let body: JSONValue = ["values": .object(JSONObject(names.map { ($0, .string(values[$0] ?? "")) }))]
        let answer = try await daemon.post("/stacks/seal", body)
        return answer["sealed"]?.objectValue?.strings ?? [:]
    }

    private static func standardInput() throws -> [UInt8] {
        guard !Terminal.isTerminal(0) else {
            throw Diagnostic(
                code: "SC0145", summary: "a compose file is to be read from standard input, which is a terminal",
                hint: "name the file, or redirect it: stackctl plan -f - < compose.yaml")
        }
        return try FileDescriptor.duplicating(0).readAll(limit: UserComposeFiles.sizeLimit)
    }
}
