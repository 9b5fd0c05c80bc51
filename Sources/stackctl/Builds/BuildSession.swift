import Builder
import Diagnostics
import Dockerfile
import HTTP
import JSONText
import Linux
import OCI
import Registry
import Synchronization

/// One build: sends what it needs, follows it, and says how it ended.
struct BuildSession: Sendable {
    let daemon: DaemonClient
    let display: BuildDisplay
    let output: Output
    private let handed = HandedFiles()

    /// Builds; steps of our own have numbers below 1, where the daemon's begin.
    ///
    /// - Returns: the result as the daemon tells it.
    /// - Throws: `DiagnosticList` with what went wrong.
    func run(_ context: BuildContext, _ given: BuildBody, _ secrets: JSONObject, agents: [String: String])
        async throws -> JSONValue
    {
        var body = given
        defer { handed.end() }
        try await send(context, &body)
        if !secrets.isEmpty { body.set("secrets", .object(secrets)) }
        var names = JSONObject()
        var forwarders: [Task<Void, Never>] = []
        defer { for forwarder in forwarders { forwarder.cancel() } }
        for (name, path) in agents.sorted(by: { $0.key < $1.key }) {
            let id = try Random.hexID()
            let stream = try await daemon.hijack(Target("builds", "agents").with("id", id).text)
            forwarders.append(Task { await AgentForwarding(stream: stream, path: path).run() })
            names[name] = .string(id)
        }
        if !names.isEmpty { body.set("agents", .object(names)) }
        let headers = await credentials(context, body)
        return try await follow(body, headers)
    }

    // MARK: Contexts

    private static let contextTitle = "[internal] load build context"

    private func send(_ context: BuildContext, _ body: inout BuildBody) async throws {
        switch context.instructions {
        case .text(let bytes, let name):
            body.set("dockerfile", ["text": .string(Base64.encode(bytes)), "name": .string(name)])
        case .path(let path): body.set("dockerfile", ["path": .string(path)])
        }
        if var source = try await send(context.files, title: Self.contextTitle, step: 0) {
            if let ignored = context.ignored { source["ignored"] = .strings(ignored) }
            body.set("context", .object(source))
        }
        var named = body.json["namedContexts"]?.objectValue ?? JSONObject()
        for (index, (name, place)) in body.contexts.enumerated() {
            let files: BuildContext.Files =
                BuildContext.isRemote(place)
                ? .remote(place)
                : try await BlockingExecutor.shared.run { () throws(Diagnostic) in try BuildContext.named(place) }
            let source = try await send(files, title: "[context \(name)] load", step: -1 - index)
            named[name] = source.map { .object($0) }
        }
        body.set("namedContexts", .object(named))
    }

    /// Sends files.
    ///
    /// - Returns: how the body of the build names them; nil where there are none.
    private func send(_ files: BuildContext.Files, title: String, step: Int) async throws -> JSONObject? {
        switch files {
        case .none: return nil
        case .remote(let address): return ["remote": .string(address)]
        case .archive(let file, let begun):
            let rest = SentArchive.pieces(of: file)
            let first = Once(begun)
            return try await send(title, step) {
                if let begun = first.take() { return begun }
                return try await rest()
            }
        case .directory(let path, let rules): return try await synchronize(path, rules, title, step)
        }
    }

    private func send(
        _ title: String, _ step: Int, _ pieces: @escaping @Sendable () async throws -> [UInt8]?
    ) async throws -> JSONObject {
        try await during(title, step) { sent in
            let answer = try await daemon.post("/builds/contexts", streaming: counted(pieces, sent, step))
            return ["id": answer["id"] ?? .null]
        }
    }

    /// Sends a listing of a directory, and the contents that the daemon does not have.
    private func synchronize(
        _ path: String, _ rules: IgnoreRules, _ title: String, _ step: Int
    ) async throws -> JSONObject {
        try await during(title, step) { sent in
            let source = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                try ContextSource(path, ignoring: rules)
            }
            var target = Target("builds", "contexts").with("key", source.key(title))
            if daemon.http.carriesDescriptors { target = target.with("open", "1") }
            let response = try await daemon.send(
                "POST", target.text, headers: ["Content-Type": "application/vnd.stackctl.context-listing"],
                body: source.listing.encoded())
            let bytes = try await response.collect()
            guard response.status < 400 else {
                throw DaemonClient.failure(status: response.status, body: bytes, of: target.text)
            }
            let answer = try JSONValue.parse(bytes)
            var needed = Self.places(answer["needed"])
            let openable = Self.places(answer["openable"])
            let id = answer["id"]?.stringValue ?? ""
            if !openable.isEmpty { needed = (needed + (try await handOver(openable, of: source, id))).sorted() }
            if !needed.isEmpty {
                try await source.archive(of: needed) { pieces in
                    _ = try await daemon.post(
                        Target("builds", "contexts", id, "files").text, streaming: counted(pieces, sent, step))
                }
            }
            return ["id": .string(id)]
        }
    }

    private static func places(_ value: JSONValue?) -> [Int] {
        (value?.arrayValue ?? []).compactMap { $0.intValue.flatMap { Int(exactly: $0) } }
    }

    /// Hands large files over as they are open, so that the daemon reads them itself.
    ///
    /// - Returns: the places of those that it cannot read.
    private func handOver(_ places: [Int], of source: ContextSource, _ id: String) async throws -> [Int] {
        let files = try await BlockingExecutor.shared.run { () throws(Diagnostic) -> [SharedDescriptor] in
            let files = try source.open(places)
            // Where somebody's program serves a file, to close it may wait for that program: it stays with us.
            guard let mounts = try? LocalMounts(), files.allSatisfy(mounts.canRead) else { return [] }
            return files
        }
        let stream = try await daemon.hijack(Target("builds", "contexts", id, "open").text)
        handed.keep(stream)
        let isSent = try await stream.sendDescriptors(files.map(\.raw), with: [0])
        withExtendedLifetime(files) {}
        guard isSent else { return places }
        var answer: [UInt8] = []
        while answer.count < 1 << 20 {
            let piece = try await stream.read()
            if piece.isEmpty { break }
            answer += piece
        }
        return Self.places(try JSONValue.parse(answer)["needed"])
    }

    private func counted(
        _ pieces: @escaping @Sendable () async throws -> [UInt8]?, _ sent: ByteCounter, _ step: Int
    ) -> @Sendable () async throws -> [UInt8]? {
        let display = display
        return {
            guard let piece = try await pieces() else { return nil }
            sent.add(piece.count)
            await display.take(.progress(Self.transfer(step, sent, isDone: false)))
            return piece
        }
    }

    /// Shows the sending of a context as a step.
    private func during(
        _ title: String, _ step: Int, _ body: (ByteCounter) async throws -> JSONObject
    ) async throws -> JSONObject {
        await display.take(.step(BuildEvent.Step(id: step, name: title, phase: .started(Clock.now()))))
        let sent = ByteCounter()
        do {
            let result = try await body(sent)
            await display.take(.progress(Self.transfer(step, sent, isDone: true)))
            await display.take(.step(BuildEvent.Step(id: step, name: title, phase: .done(Clock.now()))))
            return result
        } catch {
            let reason = Failure.diagnostics(error).first?.summary ?? "\(error)"
            await display.take(.step(BuildEvent.Step(id: step, name: title, phase: .failed(reason))))
            throw error
        }
    }

    private static func transfer(_ step: Int, _ sent: ByteCounter, isDone: Bool) -> BuildEvent.Progress {
        BuildEvent.Progress(
            step: step, name: "transferring context", current: Int64(clamping: sent.total), total: 0, isDone: isDone)
    }

    // MARK: Credentials

    /// The logins of the registries that the build names.
    private func credentials(_ context: BuildContext, _ body: BuildBody) async -> HTTPHeaders {
        var images = body.tags
        for key in ["cacheFrom", "cacheTo"] {
            for place in body.json[key]?.arrayValue ?? [] {
                if let name = place["parameters"]?["ref"]?.stringValue { images.append(name) }
            }
        }
        for value in body.json["namedContexts"]?.objectValue?.map(\.1) ?? [] {
            if let name = value["image"]?.stringValue { images.append(name) }
        }
        if case .text(let bytes, let name) = context.instructions,
            let document = try? DockerfileDocument(reading: bytes, name: name)
        {
            images += Self.images(of: document)
        } else {
            images.append("docker.io/library/scratch")
        }
        return await CallerCredentials.headers(for: images, output)
    }

    /// The images that a Dockerfile names, those in variables apart.
    static func images(of document: DockerfileDocument) -> [String] {
        var images: [String] = []
        for stage in document.stages {
            images.append(stage.from.base)
            for instruction in stage.instructions {
                images += instruction.flags.filter { $0.name == "from" }.compactMap(\.value)
            }
        }
        return images.filter { !$0.contains("$") && $0 != "scratch" }
    }

    // MARK: Following

    private func follow(_ body: BuildBody, _ headers: HTTPHeaders) async throws -> JSONValue {
        var result: JSONValue?
        var problems: [Diagnostic]?
        // The daemon's step of this name has nothing left to do.
        let isSent = body.json["context"]?["id"] != nil
        do {
            try await daemon.stream("POST", "/builds", .object(body.json), headers: headers) { line in
                switch line["type"]?.stringValue {
                case "result": result = line
                case "error": problems = DaemonClient.diagnostics(of: line, code: BuildCode.failed)
                default:
                    guard let event = BuildEvent(json: line) else { return }
                    if case .step(let step) = event, isSent, step.name == Self.contextTitle { return }
                    await display.take(event)
                }
            }
        } catch let error as HTTPError where error == .truncated {
            throw Diagnostic(
                code: "SC0174", summary: "the daemon ended in the middle",
                hint: "run the command again: steps that are complete are not run again")
        }
        if let problems { throw DiagnosticList(problems) }
        guard let result else {
            throw Diagnostic(code: "SC0174", summary: "the build ended without a result", hint: "run the command again")
        }
        return result
    }
}

/// A piece that is given once.
private final class Once: Sendable {
    private let piece: Mutex<[UInt8]?>

    init(_ piece: [UInt8]) { self.piece = Mutex(piece) }

    func take() -> [UInt8]? { piece.withLock { $0.take() } }
}

/// Connections that files were handed over by: while they are open, the daemon knows that the client is there.
private final class HandedFiles: Sendable {
    private let streams = Mutex<[HijackedStream]>([])

    func keep(_ stream: HijackedStream) { streams.withLock { $0.append(stream) } }

    func end() {
        for stream in streams.withLock({ $0 }) { stream.close() }
    }
}
