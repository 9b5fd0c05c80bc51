import Linux

/// A source that another thread reads in advance, at most a megabyte.
///
/// So whoever reads it works while the next bytes come in, are inflated or hashed.
private final class ReadAhead: ByteSource {
    /// A buffer with the bytes in it, or why there are none.
    // SAFETY: whoever has the piece has its buffer; the hand-over orders the two threads.
    private struct Piece: @unchecked Sendable {  // SAFETY: see above
        let buffer: UnsafeMutableRawBufferPointer
        var count = 0
        var failure: ArchiveError?
    }

    /// A source on its way to the thread that reads it.
    // SAFETY: from `start` to `stop` only that thread uses it, and `stop` waits for the thread.
    private struct Upstream: @unchecked Sendable {  // SAFETY: see above
        let source: any ByteSource
    }

    private static let pieces = 4
    private static let pieceSize = 256 << 10

    private let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: pieces * pieceSize, alignment: 4096)
    private let filled = Handover<Piece>(limit: pieces + 1)
    private let free = Handover<Piece>(limit: pieces + 1)
    private let finished = Handover<Void>(limit: 1)
    private var current: Piece?
    private var position = 0
    private var failure: ArchiveError?
    private var isAtEnd = false

    deinit {
        storage.deallocate()
    }

    func start(_ source: any ByteSource, on thread: DedicatedThread) {
        for index in 0..<Self.pieces {
            let place = storage[index * Self.pieceSize..<(index + 1) * Self.pieceSize]
            _ = free.put(Piece(buffer: UnsafeMutableRawBufferPointer(rebasing: place)))
        }
        let upstream = Upstream(source: source)
        thread.submit { [filled, free, finished] in
            Self.fill(from: upstream.source, filled: filled, free: free)
            finished.end()
        }
    }

    private static func fill(from source: any ByteSource, filled: Handover<Piece>, free: Handover<Piece>) {
        while var piece = free.take() {
            do throws(ArchiveError) {
                piece.count = try source.read(into: piece.buffer)
            } catch {
                piece.failure = error
            }
            guard filled.put(piece), piece.count > 0, piece.failure == nil else { break }
        }
        filled.end()
    }

    /// Waits until the thread has left the source alone.
    func stop() {
        free.end()
        filled.end()
        _ = finished.take()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if current == nil, !isAtEnd { try advance() }
        guard let piece = current, !buffer.isEmpty else { return 0 }
        let count = min(buffer.count, piece.count - position)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: piece.buffer[position..<position + count]))
        position += count
        if position == piece.count {
            current = nil
            _ = free.put(Piece(buffer: piece.buffer))
        }
        return count
    }

    private func advance() throws(ArchiveError) {
        if let failure { throw failure }
        guard let piece = filled.take() else { return isAtEnd = true }
        if let error = piece.failure {
            failure = error
            throw error
        }
        guard piece.count > 0 else { return isAtEnd = true }
        current = piece
        position = 0
    }
}

extension ByteSource {
    /// Runs a body with a source that gives the same bytes, read in advance by another thread.
    ///
    /// Nobody else may use this source meanwhile; afterwards it is further than the body has read.
    package func readingAhead<Value>(
        _ body: (any ByteSource) throws(ArchiveError) -> Value
    ) throws(ArchiveError) -> Value {
        let thread: DedicatedThread
        do {
            thread = try DedicatedThread(name: "read-ahead")
        } catch {
            // Without room for a thread it is only slower.
            return try body(self)
        }
        let ahead = ReadAhead()
        ahead.start(self, on: thread)
        defer { ahead.stop() }
        return try body(ahead)
    }
}
