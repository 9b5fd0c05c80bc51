import Archives
import Linux

/// Reads a held content piece by piece, and hashes each while whoever asked for it goes on.
final class ReadAlong {
    private let content: HeldContent
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    private let hash = SHA256()
    private let beside = HashBeside()

    init(_ content: HeldContent) { self.content = content }

    deinit {
        beside.wait()
        buffer.deallocate()
    }

    /// Reads what is at an offset, at most the buffer's size; the pieces have to follow one another.
    func pread(into target: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        beside.wait()
        let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(target.count))
        let count = try content.file.pread(into: window, at: offset)
        let bytes = UnsafeRawBufferPointer(rebasing: window.prefix(count))
        target.copyMemory(from: bytes)
        beside.begin(bytes, to: hash)
        return count
    }

    /// Tells the digest of all that was read.
    ///
    /// - Returns: false where the file has another size now, or something else was read of it before.
    func finish() -> Bool {
        beside.wait()
        return content.isWhole && content.tell(hash.finish())
    }
}
