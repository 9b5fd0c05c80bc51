/// What tells a tar from other files.
package enum TarLayout {
    /// Bytes of a header, and what contents are padded to.
    package static let blockSize = TarHeader.size

    /// Whether the first block of a file is that of a tar: a header with a right checksum, or the end of an empty one.
    package static func isTar(_ head: some Collection<UInt8>) -> Bool {
        guard head.count >= blockSize else { return false }
        return Array(head.prefix(blockSize)).withUnsafeBytes { block in
            let header = TarHeader(block: block)
            return header.isZero || header.hasValidChecksum
        }
    }
}
