import Archives
import Linux

/// Reads a held content piece by piece, and hashes each on a thread of its own while whoever asked for it goes on.
final class ReadAlong {
    /// What the thread works on.
    // SAFETY: the thread uses it between `submit` and what it puts into `done`; nobody else does then.
    private final class Piece: @unchecked Sendable {  // SAFETY: see above
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        let hash = SHA256()
        var count = 0

        deinit { buffer.deallocate() }

        func add() { hash.update(UnsafeRawBufferPointer(rebasing: buffer.prefix(count))) }
    }

    private let content: HeldContent
    private let piece = Piece()
    private let done = Handover<Void>(limit: 1)
    /// Nil where there is no room for one.
    private let thread = try? DedicatedThread(name: "hash")
    private var isWorking = false

    init(_ content: HeldContent) { self.content = content }

    /// Reads what is at an offset, at most the buffer's size; the pieces have to follow one another.
    func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        wait()
        let window = UnsafeMutableRawBufferPointer(rebasing: piece.buffer.prefix(buffer.count))
        piece.count = try content.file.pread(into: window, at: offset)
        let bytes = UnsafeRawBufferPointer(rebasing: window.prefix(piece.count))
        buffer.copyMemory(from: bytes)
        guard let thread else {
            piece.add()
            return bytes.count
        }
        isWorking = true
        thread.submit { [piece, done] in
            piece.add()
            _ = done.put(())
        }
        return bytes.count
    }

    /// Tells the digest of all that was read.
    ///
    /// - Returns: false where the file has another size now, or something else was read of it before.
    func finish() -> Bool {
        wait()
        return content.isWhole && content.tell(piece.hash.finish())
    }

    private func wait() {
        if isWorking { _ = done.take() }
        isWorking = false
    }
}
