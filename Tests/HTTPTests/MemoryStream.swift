import HTTP

/// One end of a duplex pipe in memory.
final class MemoryStream: ByteStream {
    private let incoming: MemoryPipe
    private let outgoing: MemoryPipe

    private init(incoming: MemoryPipe, outgoing: MemoryPipe) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    static func pair() -> (MemoryStream, MemoryStream) {
        let (one, two) = (MemoryPipe(), MemoryPipe())
        return (MemoryStream(incoming: one, outgoing: two), MemoryStream(incoming: two, outgoing: one))
    }

    func read(max: Int) async throws -> [UInt8] { try await incoming.read(max: max) }
    func write(_ bytes: [UInt8]) async throws { try await outgoing.write(bytes) }
    func finishWriting() { Task { await outgoing.end() } }
    func close() {
        Task {
            await incoming.end()
            await outgoing.end()
        }
    }

    /// Everything until the peer ends its direction.
    func readAll() async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let piece = try await read(max: 65536)
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }

    /// Reads until the text so far ends with `suffix`.
    func read(until suffix: String) async throws -> String {
        var bytes: [UInt8] = []
        while !String(decoding: bytes, as: UTF8.self).hasSuffix(suffix) {
            let piece = try await read(max: 65536)
            if piece.isEmpty { break }
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}

private actor MemoryPipe {
    private var bytes: [UInt8] = []
    private var ended = false
    private var waiting: CheckedContinuation<Void, Never>?

    func read(max: Int) async throws -> [UInt8] {
        while bytes.isEmpty, !ended {
            await withTaskCancellationHandler {
                await withCheckedContinuation { waiting = $0 }
            } onCancel: {
                Task { await self.wake() }
            }
            try Task.checkCancellation()
        }
        let piece = Array(bytes.prefix(max))
        bytes.removeFirst(piece.count)
        return piece
    }

    func write(_ more: [UInt8]) throws {
        guard !ended else { throw HTTPError.truncated }
        bytes += more
        wake()
    }

    func end() {
        ended = true
        wake()
    }

    private func wake() {
        waiting?.resume()
        waiting = nil
    }
}
