import Archives
import Linux

/// Reads a tree of files by paths that have no links in them.
///
/// A link that comes into a path meanwhile is an error and never followed.
struct TreeReader: Sendable {
    private static let beneath: ResolveFlags = [.beneath, .noSymbolicLinks, .noMagicLinks]

    let tree: FileTree
    /// What is not there for those who read it.
    let ignored: PathRules

    init(_ tree: FileTree) throws {
        self.tree = tree
        ignored = try PathRules(lines: tree.ignored)
    }

    func open(_ path: [UInt8], _ flags: OpenFlags) throws(SystemError) -> SharedDescriptor {
        let name = path.isEmpty ? [UInt8(ascii: ".")] : path
        return try Files.openInRoot(tree.root.raw, name, flags.union(.noFollow), resolve: Self.beneath).shared()
    }

    /// What is at a path, the link itself where it is one; nil where nothing is.
    func status(_ path: [UInt8]) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try open(path, .path).status()
        } catch let error where error.errno == .ENOENT || error.errno == .ENOTDIR || error.errno == .ELOOP {
            return nil
        }
    }

    /// What the link at a path says; nil where there is none.
    func link(_ path: [UInt8]) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let file = try open(path, .path)
            guard try file.status().kind == .symbolicLink else { return nil }
            return try Files.readLinkBytes("", at: file.raw)
        } catch let error where error.errno == .ENOENT || error.errno == .ENOTDIR {
            return nil
        }
    }

    /// Opens a directory and tells its names, in the order of their bytes.
    func list(_ path: [UInt8]) throws(SystemError) -> (directory: SharedDescriptor, names: [DirectoryEntry]) {
        let directory = try open(path, [.readOnly, .directory])
        return (directory, try Files.list(descriptor: directory.raw))
    }

    /// The extended attributes that go with a file from one machine to another.
    func attributes(
        _ name: [UInt8], in directory: SharedDescriptor
    ) throws(SystemError) -> [ExtendedAttribute] {
        let path = Array("/proc/self/fd/\(directory.raw)/".utf8) + name
        var result: [ExtendedAttribute] = []
        for name in try ExtendedAttributes.list(path) where Self.isCarried(name) {
            guard let value = try ExtendedAttributes.get(path, name) else { continue }
            result.append(ExtendedAttribute(name: name, value: value))
        }
        return result
    }

    /// The extended attributes of what is at a path.
    func attributes(_ path: [UInt8]) throws(SystemError) -> [ExtendedAttribute] {
        try attributes(TreePath.name(path), in: try open(TreePath.parent(path), [.path, .directory]))
    }

    /// Labels of this machine's SELinux policy and notes of overlayfs mean nothing elsewhere.
    private static func isCarried(_ name: String) -> Bool {
        name != "security.selinux" && !name.hasPrefix("trusted.overlay.") && !name.hasPrefix("user.overlay.")
    }
}
