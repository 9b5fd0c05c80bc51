import Archives
import Linux

/// The files of a context that are being written, in a directory that nobody else changes.
///
/// No name leads out of it and no link is followed. Files keep the modes they have on the client: a directory above is
/// closed to everybody else.
final class ContextFiles {
    private static let beneath: ResolveFlags = [.beneath, .noSymbolicLinks, .noMagicLinks]

    let root: SharedDescriptor
    /// Most files are in the directory of the one before.
    private var latest: (path: [UInt8], descriptor: SharedDescriptor)?

    init(_ root: SharedDescriptor) { self.root = root }

    /// Opens a directory, made where it is not there.
    func directory(_ path: [UInt8]) throws(SystemError) -> SharedDescriptor {
        if path.isEmpty { return root }
        if let latest, latest.path == path { return latest.descriptor }
        let flags: OpenFlags = [.readOnly, .directory, .noFollow]
        let descriptor: SharedDescriptor
        do throws(SystemError) {
            descriptor = try Files.openInRoot(root.raw, path, flags, resolve: Self.beneath).shared()
        } catch let error where error.errno == .ENOENT {
            let above = try directory(TreePath.parent(path))
            try Files.makeDirectory(TreePath.name(path), mode: 0o755, at: above.raw)
            descriptor = try Files.open(TreePath.name(path), flags, at: above.raw).shared()
        }
        latest = (path, descriptor)
        return descriptor
    }

    /// Takes away what is at a path, with all that is in it.
    func remove(_ path: [UInt8]) throws(SystemError) {
        latest = nil
        try Files.removeTree(TreePath.name(path), at: try directory(TreePath.parent(path)).raw)
    }

    /// Makes a directory, or gives one that is there the mode.
    func makeDirectory(_ path: [UInt8], mode: UInt16) throws(SystemError) {
        let (name, parent) = (TreePath.name(path), try directory(TreePath.parent(path)))
        do throws(SystemError) {
            try Files.makeDirectory(name, mode: 0o700, at: parent.raw)
        } catch let error where error.errno == .EEXIST {
            if try Files.status(name, followLinks: false, at: parent.raw).kind != .directory {
                try Files.unlink(name, at: parent.raw)
                try Files.makeDirectory(name, mode: 0o700, at: parent.raw)
            }
        }
        try Files.chmod(name, mode: UInt32(mode), at: parent.raw)
    }

    /// Makes an empty file in the place of what is there.
    func create(_ path: [UInt8]) throws(SystemError) -> SharedDescriptor {
        let (name, parent) = (TreePath.name(path), try directory(TreePath.parent(path)))
        let flags: OpenFlags = [.writeOnly, .create, .exclusive, .noFollow]
        do throws(SystemError) {
            return try Files.open(name, flags, mode: 0o600, at: parent.raw).shared()
        } catch let error where error.errno == .EEXIST {
            try Files.removeTree(name, at: parent.raw)
            return try Files.open(name, flags, mode: 0o600, at: parent.raw).shared()
        }
    }

    /// Gives a file its mode and time when it is complete.
    func finish(_ file: SharedDescriptor, mode: UInt16, modified: Timestamp) throws(SystemError) {
        try Files.chmod("/proc/self/fd/\(file.raw)", mode: UInt32(mode))
        try Files.setTimes(of: file.raw, modified: modified)
    }

    func makeLink(_ path: [UInt8], target: [UInt8], modified: Timestamp) throws(SystemError) {
        let (name, parent) = (TreePath.name(path), try directory(TreePath.parent(path)))
        do throws(SystemError) {
            try Files.symlink(target, at: name, in: parent.raw)
        } catch let error where error.errno == .EEXIST {
            try Files.removeTree(name, at: parent.raw)
            try Files.symlink(target, at: name, in: parent.raw)
        }
        try Files.setTimes(name, modified: modified, at: parent.raw)
    }

    /// Gives a file that is there a second name, here or in another directory of contexts.
    func link(_ path: [UInt8], to file: SharedDescriptor) throws(SystemError) {
        let (name, parent) = (TreePath.name(path), try directory(TreePath.parent(path)))
        let whole = Array("/proc/self/fd/\(parent.raw)/".utf8) + name
        do throws(SystemError) {
            try Files.link(descriptor: file.raw, at: whole)
        } catch let error where error.errno == .EEXIST {
            try Files.removeTree(name, at: parent.raw)
            try Files.link(descriptor: file.raw, at: whole)
        }
    }

    /// Opens what is at a path, without following it.
    func open(_ path: [UInt8], _ flags: OpenFlags) throws(SystemError) -> SharedDescriptor {
        try Files.openInRoot(root.raw, path, flags.union(.noFollow), resolve: Self.beneath).shared()
    }

    /// Gives a directory its time when nothing more is made in it.
    func setTime(of directory: [UInt8], _ modified: Timestamp) throws(SystemError) {
        let parent = try self.directory(TreePath.parent(directory))
        try Files.setTimes(TreePath.name(directory), modified: modified, at: parent.raw)
    }
}

/// Digests of files by their paths.
struct DigestTable: ContentDigests {
    private var digests: [[UInt8]: [UInt8]] = [:]

    func digest(of path: [UInt8]) -> String? { digests[path].map { SHA256.hex($0) } }

    /// The 32 bytes of a digest.
    subscript(path: [UInt8]) -> [UInt8]? {
        get { digests[path] }
        set { digests[path] = newValue }
    }
}
