import Archives
import Linux

/// A directory that is removed at the end of its life.
final class TemporaryTree: Sendable {
    let path: String

    /// Makes the directory, and those above it, closed to others.
    ///
    /// Blocks.
    init(in parent: String, prefix: String) throws(SystemError) {
        path = "\(parent)/\(prefix)\(try Random.hex(bytes: 8))"
        try Files.makeDirectories(parent, mode: 0o700)
        try Files.makeDirectory(path, mode: 0o700)
    }

    deinit {
        let path = path
        BlockingExecutor.shared.submit { try? Files.removeTree(path) }
    }

    func open() throws(SystemError) -> SharedDescriptor { try Files.open(path, [.readOnly, .directory]).shared() }
}
