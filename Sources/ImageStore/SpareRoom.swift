import Archives
import Linux

/// Stops what comes in while the disk still has room for others.
///
/// A compressed stream may be far larger than its sender's patience; the limits of `InflateLimits` bound one layer, this
/// bounds all of them together.
package final class SpareRoom: ByteSource {
    private let source: any ByteSource
    private let root: String
    private var unchecked = 0

    /// Bytes that come in between two looks at the disk.
    private static let interval = 1 << 20

    /// - Parameter root: a directory of the file system that is written to.
    package init(_ source: any ByteSource, root: String) {
        self.source = source
        self.root = root
    }

    /// Bytes of a file system that are left alone: one in fifty, 512 MiB at most.
    static func kept(of total: Int64) -> Int64 { min(512 << 20, total / 50) }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let count = try source.read(into: buffer)
        unchecked += count
        if unchecked >= Self.interval {
            unchecked = 0
            do throws(SystemError) { try Self.check(root) } catch { throw .system(error) }
        }
        return count
    }

    /// Looks whether a directory's file system has room for others still.
    ///
    /// - Throws: `ENOSPC`.
    package static func check(_ root: String) throws(SystemError) {
        let space = try Files.diskSpace(root)
        let kept = kept(of: space.total)
        guard space.available < kept else { return }
        throw SystemError(
            call: "write", errno: .ENOSPC,
            subject: "\(root), which has \(space.available) bytes left, of which the last \(kept) are kept free")
    }
}
