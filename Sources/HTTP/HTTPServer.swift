import Linux

/// What serves one request.
///
/// An error before the head was sent becomes a response by `HTTPServer.failure`.
package typealias HTTPHandler = @Sendable (HTTPRequest, HTTPResponder) async throws -> Void

/// Turns an error that left a handler into status, fields and body.
package typealias HTTPFailure = @Sendable (any Error) -> (status: Int, headers: HTTPHeaders, body: [UInt8])

/// An HTTP/1.1 server: connections side by side, requests of one connection in turn.
package struct HTTPServer: Sendable {
    private let listener: any ByteStreamListener
    private let limits: HTTPLimits
    private let common: HTTPHeaders
    private let failure: HTTPFailure
    private let handler: HTTPHandler
    private let table: ConnectionTable
    /// A body the handler left unread is read past up to this many bytes; beyond it the connection is closed.
    private static let drainLimit = 256 * 1024

    /// A server on a listener.
    ///
    /// - Parameters:
    ///   - common: fields of every response.
    ///   - failure: renders errors, those of the parser included.
    package init(
        listener: any ByteStreamListener, limits: HTTPLimits = HTTPLimits(), common: HTTPHeaders = [:],
        failure: @escaping HTTPFailure = HTTPServer.plainFailure, handler: @escaping HTTPHandler
    ) {
        self.listener = listener
        self.limits = limits
        self.common = common
        self.failure = failure
        self.handler = handler
        table = ConnectionTable(writeSeconds: limits.writeSeconds)
    }

    /// Serves until the task is cancelled or the listener is closed; ends every connection before it returns.
    package func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            let gate = ConnectionGate(limit: limits.connections)
            group.addTask { await table.watchWrites() }
            while !Task.isCancelled {
                await gate.enter()
                let stream: any ByteStream
                do {
                    stream = try await listener.acceptStream()
                } catch {
                    if table.server.isStopping { await table.waitUntilEmpty() }
                    group.cancelAll()
                    if Task.isCancelled || table.server.isStopping { return }
                    throw error
                }
                group.addTask {
                    await serve(stream)
                    stream.close()
                    await gate.leave()
                }
            }
            group.cancelAll()
        }
    }

    /// Takes no more connections and no more requests, and lets `run` return when those under way are answered, or when
    /// the time is over.
    ///
    /// What goes on until somebody ends it ends now.
    package func stop(within grace: Duration) {
        table.stop(within: grace)
        listener.close()
    }

    /// Serves one connection to its end.
    package func serve(_ stream: any ByteStream) async {
        let reader = ConnectionReader(stream: stream, limits: limits)
        let (id, connection) = table.add(stream)
        defer { table.remove(id) }
        await withTaskCancellationHandler {
            guard (try? await stream.establish()) != nil else { return }
            while !Task.isCancelled, !table.server.isStopping, await serveNext(reader, connection) {}
            await stream.finishWriting()
        } onCancel: {
            stream.close()
        }
    }

    /// Serves the next request; false where the connection is over.
    private func serveNext(_ reader: ConnectionReader, _ connection: ConnectionState) async -> Bool {
        let stream = connection.stream
        let head: RequestHead
        let request: HTTPRequest
        do {
            guard let next = try await reader.requestHead() else { return false }
            connection.enter(.busy)
            head = next
            let hasBody = await !reader.bodyEnded
            request = HTTPRequest(
                head: head, target: try RequestTarget(head.target), hasBody: hasBody,
                peer: stream.peer, certificate: stream.certificate, reader: reader)
        } catch {
            await refuse(error, reader, connection)
            return false
        }
        let responder = HTTPResponder(
            stream: stream, reader: reader, head: head, common: common, connection: connection)
        do {
            try await handler(request, responder)
        } catch {
            await answer(error, responder)
        }
        if await responder.isHijacked { return false }
        guard await responder.mayContinue else {
            if await responder.hasBegun { await linger(stream, reader) }
            return false
        }
        if await reader.drain(limit: Self.drainLimit) {
            connection.enter(.idle)
            return true
        }
        await linger(stream, reader)
        return false
    }

    private func answer(_ error: any Error, _ responder: HTTPResponder) async {
        if error is HTTPError { await responder.closeAfterwards() }
        guard await !responder.hasBegun else {
            // Half a chunked body must not look like a whole one: closing without the last chunk says so.
            await responder.closeAfterwards()
            return
        }
        let response = failure(error)
        try? await responder.respond(response.status, headers: response.headers, body: response.body)
    }

    private func refuse(_ error: any Error, _ reader: ConnectionReader, _ connection: ConnectionState) async {
        let stream = connection.stream
        guard let error = error as? HTTPError, error != .truncated else { return }
        let head = RequestHead(method: "GET", target: "/", minorVersion: 1, headers: ["Connection": "close"])
        let responder = HTTPResponder(
            stream: stream, reader: reader, head: head, common: common, connection: connection)
        await answer(error, responder)
        await linger(stream, reader)
    }

    /// Reads what is still under way for a moment: closing over unread bytes resets the connection, and the client
    /// would lose the answer.
    private func linger(_ stream: any ByteStream, _ reader: ConnectionReader) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await stream.finishWriting()
                var passed = 0
                while passed < 1 << 20, let piece = try? await reader.raw(max: 65536), !piece.isEmpty {
                    passed += piece.count
                }
            }
            group.addTask { try? await EventLoop.shared.sleep(for: .seconds(1)) }
            await group.next()
            group.cancelAll()
        }
    }

    /// A response that says the error in plain text.
    package static let plainFailure: HTTPFailure = { error in
        let http = error as? HTTPError
        return (
            http?.status ?? 500, ["Content-Type": "text/plain; charset=utf-8"], Array((http?.text ?? "\(error)").utf8)
        )
    }
}

/// Bounds the connections served at once.
private actor ConnectionGate {
    private var free: Int
    private var waiting: CheckedContinuation<Void, Never>?

    init(limit: Int) { free = limit }

    func enter() async {
        if free == 0 { await withCheckedContinuation { waiting = $0 } } else { free -= 1 }
    }

    func leave() {
        if let next = waiting {
            waiting = nil
            next.resume()
        } else {
            free += 1
        }
    }
}
