import Builder
import Diagnostics
import Engine
import HTTP
import JSONText
import Linux
import OCI
import Registry

/// Builds as our own client asks for them, `/builds/…`: with secrets, agents, named contexts, archives that go to the
/// caller; and the builds of the past.
struct OwnBuildRoutes: Sendable {
    let engine: HostEngine
    private let attachments = BuildAttachments()

    init(engine: HostEngine) { self.engine = engine }

    func add(to router: inout Router) {
        router.on("POST", "/builds", build)
        router.on("POST", "/builds/contexts", receiveContext)
        router.on("POST", "/builds/contexts/{id}/files", receiveFiles)
        router.on("POST", "/builds/contexts/{id}/open", receiveOpenFiles)
        router.on("POST", "/builds/agents", receiveAgent)
        router.on("GET", "/builds/outputs/{id}", sendOutput)
        router.on("GET", "/builds/cache") { request in
            try await request.respond(try await engine.builder.usage().map(\.json))
        }
        router.on("GET", "/builds") { request in
            try await request.respond(try await engine.builder.history().map(\.json))
        }
        router.on("DELETE", "/builds") { request in
            try await request.respond(.strings(try await engine.builder.removeHistory(nil)))
        }
        router.on("GET", "/builds/{id}") { request in
            try await request.respond(.object(try await entry(request).json))
        }
        router.on("GET", "/builds/{id}/logs") { request in
            let entry = try await entry(request)
            let text = try await engine.builder.historyLog(entry.id) ?? ""
            try await request.responder.respond(
                200, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(text.utf8))
        }
        router.on("DELETE", "/builds/{id}") { request in
            let entry = try await entry(request)
            guard entry.status != .running else {
                throw EngineError(.conflict, "build \(entry.id) goes on: end it first")
            }
            try await request.respond(.strings(try await engine.builder.removeHistory([entry.id])))
        }
    }

    private func entry(_ request: APIRequest) async throws -> BuildHistoryEntry {
        let id = request.variable("id")
        guard let entry = try await engine.builder.historyEntry(id) else {
            throw EngineError(.notFound, "no such build: \(id)")
        }
        return entry
    }

    // MARK: What is sent before

    /// Takes a context: a tar of it, or a listing, of which the answer says whose contents are wanted.
    private func receiveContext(_ request: APIRequest) async throws {
        guard request.http.headers.mediaType != Self.listingType else { return try await receiveListing(request) }
        let tree = try await Self.whole(request) {
            try await request.receive { archive in try await engine.builder.context(unpacking: archive) }
        }
        let id = try attachments.keep(.context(tree), on: engine)
        try await request.respond(["id": .string(id)], status: 201)
    }

    private static let listingType = "application/vnd.stackctl.context-listing"
    /// Bytes of a listing: two million files with long names.
    private static let longestListing = 512 << 20

    private func receiveListing(_ request: APIRequest) async throws {
        let bytes = try await request.http.body.collect(limit: Self.longestListing)
        let listing: ContextListing
        do {
            listing = try ContextListing(decoding: bytes)
        } catch {
            throw EngineError(.invalid, "the listing of the context cannot be read: \(error)")
        }
        let sender = request.http.peer.map { "\($0.uid)" } ?? request.http.certificate?.subject ?? ""
        let transfer = try await engine.builder.beginContext(
            key: "\(sender) \(request.query("key") ?? "")", listing: listing,
            opens: request.http.peer != nil && request.flag("open"))
        let id = try attachments.keep(.transfer(transfer), on: engine)
        var answer: JSONObject = ["id": .string(id), "needed": Self.places(transfer.needed)]
        if !transfer.openable.isEmpty { answer["openable"] = Self.places(transfer.openable) }
        try await request.respond(.object(answer), status: 201)
    }

    private static func places(_ places: [Int]) -> JSONValue { .array(places.map { .int(Int64($0)) }) }

    /// How long the message with the open files may take.
    private static let patience = Duration.seconds(10)

    /// Takes the connection over for one message with open files, and answers which of them it cannot use.
    ///
    /// The caller leaves it open: with its end the context goes that no build has taken.
    private func receiveOpenFiles(_ request: APIRequest) async throws {
        let id = request.variable("id")
        guard case .transfer(let transfer)? = attachments.look(id) else { throw Self.noContext(id) }
        _ = try await request.http.body.collect(limit: 1 << 16)
        let raw = try await request.responder.hijack(
            upgrade: request.http.headers["Upgrade"], contentType: "application/vnd.docker.raw-stream")
        defer { raw.close() }
        let files = await Self.openFiles(raw)
        let answer: JSONValue = ["needed": Self.places(await transfer.hold(files))]
        try await raw.write(answer.serializedBytes(.compact) + [0x0A])
        await raw.shutdownWrite()
        while let bytes = try? await raw.read(), !bytes.isEmpty {}
        attachments.drop(id)
    }

    /// None where they do not come: all contents are wanted then.
    private static func openFiles(_ raw: HijackedStream) async -> [SharedDescriptor] {
        (try? await withTimeout(patience) { try await raw.receiveDescriptors() }) ?? []
    }

    private func receiveFiles(_ request: APIRequest) async throws {
        let id = request.variable("id")
        try await Self.whole(request) {
            guard case .transfer(let transfer)? = attachments.look(id) else { throw Self.noContext(id) }
            try await request.receive { archive in try await transfer.receive(archive: archive) }
        }
        try await request.respond(status: 204)
    }

    private static func noContext(_ id: String) -> EngineError {
        EngineError(.notFound, "no context was sent as \(id), or it waited for too long")
    }

    /// Reads the whole body where it is refused, too: whoever sends hears the answer when all is sent.
    private static func whole<Value: Sendable>(
        _ request: APIRequest, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as HTTPError {
            throw error
        } catch {
            try await request.drain()
            throw error
        }
    }

    /// Takes the connection over for an agent's messages, until the caller ends it.
    private func receiveAgent(_ request: APIRequest) async throws {
        guard let id = request.query("id"), id.utf8.count >= 32 else {
            throw EngineError(.invalid, "`id` must be a name of 32 characters or more that nobody can guess")
        }
        _ = try await request.http.body.collect(limit: 1 << 16)
        let raw = try await request.responder.hijack(
            upgrade: request.http.headers["Upgrade"], contentType: "application/vnd.docker.raw-stream")
        let agent = ForwardedAgent(raw) { [engine] work in engine.runInBackground(work) }
        attachments.keep(.agent(agent), as: id, on: engine)
        // The connection ends with this function.
        await agent.run()
        attachments.drop(id)
        raw.close()
    }

    // MARK: Building

    private func build(_ request: APIRequest) async throws {
        let access = request.registryLogins
        var body = try OwnBuildBody(try await request.json(), access: access)
        try await attach(&body)
        var spools: [(OwnBuildBody.Archive, SharedDescriptor)] = []
        for archive in body.archives {
            let file = try await BlockingExecutor.shared.run { [engine] () throws(SystemError) in
                try Files.open(engine.configuration.root, [.readWrite, .temporary], mode: 0o600).shared()
            }
            spools.append((archive, file))
            body.add(archive, to: file)
        }
        let (wanted, files, engine, attachments) = (body.request, spools, engine, attachments)
        try await BuildStream.serve(
            request, type: "application/x-ndjson", failure: { Self.failure($0).json }
        ) { say in
            let result = try await engine.build(wanted) { say($0.json) }
            var line = result.json
            var outputs: [JSONValue] = []
            for (kind, file) in files {
                let size = try file.status().size
                let id = try attachments.keep(.output(file, size: size), on: engine)
                outputs.append(["type": .string(kind.rawValue), "id": .string(id), "size": .int(size)])
            }
            if !outputs.isEmpty { line["outputs"] = .array(outputs) }
            say(line)
        }
    }

    private static func failure(_ error: any Error) -> BuildFailure {
        if let failure = error as? BuildFailure { return failure }
        let (_, message, diagnostics) = APIFailure.parts(error)
        guard diagnostics.isEmpty else { return BuildFailure(.failed, diagnostics) }
        return BuildFailure(.failed, .init(code: BuildCode.failed, summary: message))
    }

    /// Finds what the body names.
    private func attach(_ body: inout OwnBuildBody) async throws {
        if let source = body.context { body.set(try await tree(source)) }
        for (name, source) in body.namedContexts { body.set(try await tree(source), named: name) }
        for (name, id) in body.agents {
            guard case .agent(let agent)? = attachments.take(id) else {
                throw EngineError(.notFound, "no agent was sent as \(name), or its connection has ended")
            }
            body.set(agent, named: name)
        }
    }

    private func tree(_ source: OwnBuildBody.Source) async throws -> FileTree {
        switch source {
        case .sent(let id, let ignored):
            var tree: FileTree
            switch attachments.take(id) {
            case .context(let sent)?: tree = sent
            case .transfer(let transfer)?: tree = try await transfer.tree()
            case .agent, .output, nil: throw Self.noContext(id)
            }
            if !ignored.isEmpty { tree.ignored = ignored }
            return tree
        case .remote(let address): return try await engine.builder.context(at: address)
        }
    }

    // MARK: What is fetched afterwards

    private func sendOutput(_ request: APIRequest) async throws {
        let id = request.variable("id")
        guard case .output(let file, let size)? = attachments.take(id) else {
            throw EngineError(.notFound, "no such output: \(id)")
        }
        try await request.responder.begin(headers: ["Content-Type": "application/x-tar"], length: size)
        var offset: Int64 = 0
        while offset < size {
            let (start, count) = (offset, Int(min(size - offset, 1 << 20)))
            let piece = try await BlockingExecutor.shared.run { () throws(SystemError) in
                try file.pread(upTo: count, at: start)
            }
            guard !piece.isEmpty else { break }
            try await request.responder.write(piece)
            offset += Int64(piece.count)
        }
        try await request.responder.finish()
    }
}

extension BuildHistoryEntry {
    /// One object for lists and looks.
    var json: JSONObject {
        var object: JSONObject = [
            "id": .string(id), "name": .string(name), "status": .string(status.rawValue),
            "started": .string(started.rfc3339), "steps": .int(Int64(steps)), "cachedSteps": .int(Int64(cachedSteps)),
            "warnings": .int(Int64(warnings)), "platforms": .strings(platforms), "references": .strings(references),
        ]
        if let finished { object["finished"] = .string(finished.rfc3339) }
        if let error { object["error"] = .string(error) }
        if let target { object["target"] = .string(target) }
        if let imageID { object["imageID"] = .string(imageID.description) }
        return object
    }
}
