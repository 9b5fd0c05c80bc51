import Linux

/// Gives what passes through to a second reader too.
package final class TeeSource: ByteSource {
    private let source: any ByteSource
    private let copy: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void

    /// - Parameter copy: gets every piece that is read, in order, before the reader does.
    package init(
        _ source: any ByteSource, copy: @escaping (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) {
        self.source = source
        self.copy = copy
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let count = try source.read(into: buffer)
        if count > 0 { try copy(UnsafeRawBufferPointer(rebasing: buffer.prefix(count))) }
        return count
    }
}

/// A source whose first bytes can be looked at before it is read.
package final class PeekingSource: ByteSource {
    private var head: ArraySlice<UInt8> = []
    private let rest: any ByteSource

    package init(_ source: any ByteSource) {
        rest = source
    }

    /// The next `count` bytes, fewer at the end; they stay to be read.
    package func peek(_ count: Int) throws(ArchiveError) -> ArraySlice<UInt8> {
        while head.count < count {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count - head.count, alignment: 1)
            defer { buffer.deallocate() }
            let got = try rest.read(into: buffer)
            if got == 0 { break }
            head.append(contentsOf: buffer.prefix(got))
        }
        return head.prefix(count)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard !head.isEmpty else { return try rest.read(into: buffer) }
        let count = min(buffer.count, head.count)
        buffer.copyBytes(from: head.prefix(count))
        head = head.dropFirst(count)
        return count
    }
}

extension ByteSource {
    /// Hands all that is left to a body, in pieces that are valid only inside the call.
    package func forEachPiece(
        _ body: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
        }
    }

    /// All that is left, at most `limit` bytes.
    ///
    /// - Throws: `ArchiveError.limit` when there is more.
    package func readAll(limit: Int) throws(ArchiveError) -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece { piece throws(ArchiveError) in
            guard bytes.count + piece.count <= limit else {
                throw .limit(entry: nil, offset: UInt64(limit), reason: "it has more than \(limit) bytes")
            }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}
