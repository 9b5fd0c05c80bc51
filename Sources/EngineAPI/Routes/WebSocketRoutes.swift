import Engine
import HTTP
import Linux
import Registry

/// `/containers/{id}/attach/ws`: a container's streams as a browser can have them.
struct WebSocketRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/containers/{id}/attach/ws", attach)
    }

    /// Output comes in binary messages without frames of Docker's, stdout and stderr as they come.
    private func attach(_ request: APIRequest) async throws {
        let container = try engine.containers.find(request.variable("id"))
        let fields = request.http.headers
        guard fields["Upgrade"]?.lowercased() == "websocket", let key = fields["Sec-WebSocket-Key"],
            fields["Sec-WebSocket-Version"] == "13"
        else { throw EngineError(.invalid, "a WebSocket handshake of version 13 is needed (RFC 6455)") }
        let specification = container.specification
        var selection = LogSelection()
        // Docker's client for browsers says nothing of streams and means all.
        let saysNone = !["stdin", "stdout", "stderr"].contains { request.query($0) != nil }
        selection.stdout = saysNone || request.flag("stdout")
        selection.stderr = saysNone || request.flag("stderr")
        selection.follow = request.flag("stream", default: true)
        if !request.flag("logs") { selection.since = Clock.now() }
        let takesInput = (saysNone || request.flag("stdin")) && selection.follow && specification.openStdin
        let keys = try DetachKeys(request.query("detachKeys"))
        let session = engine.attach(container)
        defer { session.close() }
        let raw = try await request.responder.switchProtocols([
            "Upgrade": "websocket", "Sec-WebSocket-Accept": Base64.encode(WebSocket.accept(key: key)),
        ])
        await engine.note(.attach, container)
        let socket = WebSocket(raw)
        let input = TypedInput(keys: specification.tty ? keys : nil) { try await socket.read() }
        let reader = LogReader(path: engine.logPath(container), selection: selection)
        // As for a terminal: bytes and nothing else.
        let writer = LogWriter(tty: true, timestamps: false)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [engine] in
                if takesInput { await engine.feed(container, session, from: input) }
                // Pings and the client's end are still to be seen.
                while let piece = try? await socket.read(), !piece.isEmpty {}
                return true
            }
            group.addTask {
                try? await reader.run(finished: session.ended) { records in
                    try await socket.write(await writer.bytes(records))
                }
                return true
            }
            _ = await group.next()
            if await input.isDetached { await engine.note(.detach, container) }
            await socket.close()
            await raw.shutdownWrite()
            group.cancelAll()
            raw.close()
        }
    }
}
