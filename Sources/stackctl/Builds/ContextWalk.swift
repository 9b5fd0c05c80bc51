import Diagnostics
import Dockerfile
import Linux

/// A file of a context.
struct ContextFile: Sendable, Equatable {
    enum Kind: Sendable, Equatable { case regular, directory, link }

    /// From the context's root, without a slash in front or at the end.
    var path: [UInt8]
    var kind: Kind
    /// Permissions with set-id and sticky bits.
    var mode: UInt16 = 0o644
    /// Bytes of a regular file.
    var size: UInt64 = 0
    var modified = Timestamp(seconds: 0)
    var changed = Timestamp(seconds: 0)
    var inode: UInt64 = 0
    /// A link's text.
    var target: [UInt8] = []
}

/// Finds the files of a directory that a build may use.
///
/// In the order of a walk: each directory before what is in it, names in the order of their bytes. What is ignored is
/// not looked at; of an ignored directory in which something is not, the way to it is told. Sockets, pipes and devices
/// are no files that a build can copy.
struct ContextWalk: ~Copyable {
    private struct Level {
        let directory: SharedDescriptor
        /// With a slash at the end; empty for the context's own.
        let prefix: [UInt8]
        var names: ArraySlice<DirectoryEntry>
        /// The directory itself, where it is ignored and nothing in it is told yet.
        var own: ContextFile?
    }

    private let rules: IgnoreRules
    private var levels: [Level]
    private var files: [ContextFile] = []

    private init(_ root: SharedDescriptor, _ rules: IgnoreRules) throws(SystemError) {
        self.rules = rules
        // A description of its own: listing moves its position.
        let directory = try Files.open(".", [.readOnly, .directory], at: root.raw).shared()
        levels = [Level(directory: directory, prefix: [], names: try Files.list(descriptor: directory.raw)[...])]
    }

    /// The files below a directory.
    ///
    /// Blocking.
    ///
    /// - Throws: `Diagnostic` naming what cannot be read.
    static func files(of root: SharedDescriptor, ignoring rules: IgnoreRules) throws(Diagnostic) -> [ContextFile] {
        var walk: ContextWalk
        do {
            walk = try ContextWalk(root, rules)
        } catch {
            throw unreadable(".", error)
        }
        try walk.run()
        return walk.files
    }

    private static func unreadable(_ path: String, _ error: SystemError) -> Diagnostic {
        Diagnostic(
            code: "SC0203", summary: "\(TerminalText.line(path)) of the context cannot be read", detail: "\(error)",
            hint: "name it in .dockerignore if the build does not need it")
    }

    private mutating func run() throws(Diagnostic) {
        while var level = levels.popLast() {
            guard let found = level.names.popFirst() else { continue }
            levels.append(level)
            let name = level.prefix + found.nameBytes
            let path = String(decoding: name, as: UTF8.self)
            let isDirectory = found.kind == .directory
            let isExcluded = rules.excludes(path, isDirectory: isDirectory)
            if isExcluded, !isDirectory || !rules.mayContainIncluded(path) { continue }
            do {
                try add(found, name, in: level.directory, isExcluded: isExcluded)
            } catch let error where error.errno == .ENOENT {
                // It vanished meanwhile.
                continue
            } catch {
                throw Self.unreadable(path, error)
            }
        }
    }

    private mutating func add(
        _ found: DirectoryEntry, _ name: [UInt8], in directory: SharedDescriptor, isExcluded: Bool
    ) throws(SystemError) {
        let status = try Files.status(found.nameBytes, followLinks: false, at: directory.raw)
        var file: ContextFile
        var below: Level?
        switch status.kind {
        case .directory:
            file = ContextFile(path: name, kind: .directory)
            let opened = try Files.open(found.nameBytes, [.readOnly, .directory, .noFollow], at: directory.raw).shared()
            below = Level(
                directory: opened, prefix: name + [UInt8(ascii: "/")],
                names: try Files.list(descriptor: opened.raw)[...])
        case .symbolicLink:
            file = ContextFile(path: name, kind: .link)
            file.target = try Files.readLinkBytes(found.nameBytes, at: directory.raw)
        case .regular:
            file = ContextFile(path: name, kind: .regular)
            file.size = UInt64(clamping: status.size)
        default: return
        }
        file.mode = UInt16(truncatingIfNeeded: status.mode & 0o7777)
        file.modified = status.modified
        file.changed = status.changed
        file.inode = status.inode
        if isExcluded {
            below?.own = file
        } else {
            for index in levels.indices {
                guard let own = levels[index].own else { continue }
                files.append(own)
                levels[index].own = nil
            }
            files.append(file)
        }
        if let below { levels.append(below) }
    }
}
