import Linux

/// Puts writes of several tasks on one stream in order, each whole.
actor SerialWriter {
    private let stream: any ByteStream
    private var busy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var failure: (any Error)?
    private let connection: ConnectionState
    /// Whether the next write comes behind the head of a connection that was taken over.
    private var isBehindHead = false

    init(stream: any ByteStream, connection: ConnectionState) {
        self.stream = stream
        self.connection = connection
    }

    /// Writes a head; what follows it is written when the peer has taken it.
    ///
    /// docker-py reads the head through a buffer and the rest past it: what it finds with the head, it loses.
    func writeHead(_ bytes: [UInt8]) async throws {
        try await write(bytes)
        isBehindHead = true
    }

    /// Waits until a peer on this host has read the head, a tenth of a second at most.
    private func waitForPeer() async {
        isBehindHead = false
        for _ in 0..<100 where stream.untaken > 0 { try? await EventLoop.shared.sleep(for: .milliseconds(1)) }
    }

    /// Writes `bytes` after every write before it.
    func write(_ bytes: [UInt8]) async throws {
        if busy {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            busy = true
        }
        defer { passOn() }
        // After a failed write the peer has a torn message; nothing may follow it.
        if let failure { throw failure }
        if isBehindHead { await waitForPeer() }
        connection.beginWrite()
        defer { connection.endWrite() }
        do {
            try await stream.write(bytes)
        } catch {
            failure = error
            throw error
        }
    }

    private func passOn() {
        if waiting.isEmpty { busy = false } else { waiting.removeFirst().resume() }
    }
}
