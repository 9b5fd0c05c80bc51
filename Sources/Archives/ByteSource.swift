import Linux

/// Where a stream of bytes comes from.
///
/// Blocking: never used on the cooperative pool.
package protocol ByteSource: AnyObject {
    /// Reads at least one byte and at most as many as fit; 0 means the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int
}

/// Bytes that are in memory already.
package final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let count = min(buffer.count, bytes.count - position)
        buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }
}

/// Bytes of a file, a pipe or a socket, from the descriptor's position on.
package final class DescriptorSource: ByteSource {
    private let descriptor: SharedDescriptor

    package init(_ descriptor: SharedDescriptor) {
        self.descriptor = descriptor
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        do {
            return try descriptor.read(into: buffer)
        } catch {
            throw .system(error)
        }
    }
}
