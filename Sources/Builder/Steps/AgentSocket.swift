import Linux
import Synchronization

/// A socket through which the process of a step reaches its caller's ssh agent.
final class AgentSocket: Sendable {
    let path: String
    private let listener: SocketListener
    private let work = Mutex<Task<Void, Never>?>(nil)

    /// Makes the socket and begins to serve it.
    ///
    /// - Parameter path: in a directory that nobody else gets into.
    init(path: String, mode: UInt32, user: UInt32, group: UInt32, agent: any AgentConnector) async throws {
        self.path = path
        listener = try await BlockingExecutor.shared.run { () throws(SystemError) in
            let listener = try SocketListener.unix(path, mode: mode)
            if user != 0 || group != 0 { try Files.chown(path, uid: user, gid: group) }
            return listener
        }
        let listener = listener
        let task = Task { await Self.serve(listener, agent) }
        work.withLock { $0 = task }
    }

    /// Ends every connection, and waits until that is done.
    func close() async {
        listener.close()
        let task = work.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    /// Connections at a time: each holds descriptors, and a message that is not whole yet.
    private static let most = 64

    private static func serve(_ listener: SocketListener, _ agent: any AgentConnector) async {
        await withTaskGroup(of: Void.self) { group in
            var open = 0
            while !Task.isCancelled, let client = try? await listener.accept() {
                if open == most {
                    await group.next()
                    open -= 1
                }
                open += 1
                group.addTask { await connect(client, agent) }
            }
            group.cancelAll()
        }
    }

    private static func connect(_ client: AsyncSocket, _ agent: any AgentConnector) async {
        defer { client.close() }
        guard let server = try? await agent.connect() else { return }
        defer { server.close() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await copy(from: client, to: server) }
            group.addTask { await copy(from: server, to: client) }
            await group.waitForAll()
        }
    }

    private static func copy(from source: AsyncSocket, to target: AsyncSocket) async {
        while let piece = try? await source.read(), !piece.isEmpty {
            guard (try? await target.writeAll(piece)) != nil else { break }
        }
        try? target.shutdownWrite()
    }
}
