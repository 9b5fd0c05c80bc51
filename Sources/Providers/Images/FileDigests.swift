import Archives
import Linux
import Synchronization

/// Digests of files' contents, kept as long as the files stay as they are.
final class FileDigests: Sendable {
    private struct Key: Hashable {
        var device: DeviceNumber
        var inode: UInt64
        var size: Int64
        var modified: Timestamp
        var changed: Timestamp
    }

    static let shared = FileDigests()

    private static let limit = 500_000
    private let known = Mutex<[Key: String]>([:])

    /// The SHA-256 of a regular file, 64 hexadecimal digits; nil where it cannot be read.
    ///
    /// Blocking.
    func digest(of path: String, _ status: FileStatus) -> String? {
        let key = Key(
            device: status.device, inode: status.inode, size: status.size, modified: status.modified,
            changed: status.changed)
        if let digest = known.withLock({ $0[key] }) { return digest }
        guard let file = try? Files.open(path, [.readOnly, .noFollow, .nonBlocking]).shared() else { return nil }
        let hash = SHA256()
        do throws(ArchiveError) {
            try DescriptorSource(file).forEachPiece { hash.update($0) }
        } catch {
            return nil
        }
        let digest = hash.finishHex()
        // What was changed this very moment may change again without another time.
        guard Clock.now().since(status.changed) > .seconds(2) else { return digest }
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll() }
            known[key] = digest
        }
        return digest
    }
}
