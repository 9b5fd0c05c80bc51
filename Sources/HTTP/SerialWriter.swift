/// Puts writes of several tasks on one stream in order, each whole.
actor SerialWriter {
    private let stream: any ByteStream
    private var busy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var failure: (any Error)?
    private let connection: ConnectionState

    init(stream: any ByteStream, connection: ConnectionState) {
        self.stream = stream
        self.connection = connection
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
