/// A tar archive as a stream of bytes: a window that slides over the source, and the position in it.
final class TarStream {
    private let source: any ByteSource
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    private var start = 0
    private var end = 0
    /// Bytes given so far.
    private(set) var position: UInt64 = 0
    /// Gets every piece before whoever asked for it.
    var observer: ((UnsafeRawBufferPointer) throws(ArchiveError) -> Void)?

    init(_ source: any ByteSource) {
        self.source = source
    }

    deinit {
        buffer.deallocate()
    }

    /// Gives up to `limit` bytes that come next, at least one; empty at the end.
    ///
    /// Valid until the next call.
    func next(upTo limit: UInt64) throws(ArchiveError) -> UnsafeRawBufferPointer {
        if start == end {
            start = 0
            end = try source.read(into: buffer)
        }
        return try take(Int(clamping: min(limit, UInt64(end - start))))
    }

    /// Gives exactly `count` bytes, at most the window's size; nil when the source ends before the first of them.
    func exactly(_ count: Int, entry: String?) throws(ArchiveError) -> UnsafeRawBufferPointer? {
        while end - start < count {
            if start > 0 {
                let kept = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                buffer.copyMemory(from: kept)
                end -= start
                start = 0
            }
            let got = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            if got == 0 {
                if start == end { return nil }
                throw .truncated(entry: entry, offset: position)
            }
            end += got
        }
        return try take(count)
    }

    /// Passes over bytes.
    ///
    /// - Parameter mayEnd: whether the source may end before the last of them.
    func skip(_ count: UInt64, entry: TarEntry?, mayEnd: Bool = false) throws(ArchiveError) {
        var left = count
        while left > 0 {
            let piece = try next(upTo: left)
            if piece.isEmpty, mayEnd { return }
            guard !piece.isEmpty else { throw .truncated(entry: entry?.name, offset: entry?.offset ?? position) }
            left -= UInt64(piece.count)
        }
    }

    private func take(_ count: Int) throws(ArchiveError) -> UnsafeRawBufferPointer {
        let piece = UnsafeRawBufferPointer(rebasing: buffer[start..<start + count])
        start += count
        position += UInt64(count)
        if let observer, count > 0 { try observer(piece) }
        return piece
    }
}
