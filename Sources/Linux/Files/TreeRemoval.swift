import CLinux
import Glibc

extension Files {
    /// Removes a file or a directory with all it holds.
    ///
    /// Nothing there is fine.
    ///
    /// Works by descriptors: a symbolic link is removed, never followed, and a mount point below stops it with
    /// `EBUSY` before anything behind the mount is touched. However deep the tree is, two descriptors are open.
    package static func removeTree(_ path: some SystemPath) throws(SystemError) {
        try removeTree(path, at: AT_FDCWD)
    }

    /// Removes all that a directory holds, and leaves the directory.
    package static func emptyDirectory(_ path: some SystemPath) throws(SystemError) {
        let handle = try open(path, [.readOnly, .directory, .noFollow])
        let status = try handle.status()
        var removal = try TreeRemoval(emptying: handle, status, subject: path.displayText)
        try removal.run()
    }

    /// Removes what a name in an open directory stands for, with all it holds.
    package static func removeTree(_ path: some SystemPath, at directory: Int32) throws(SystemError) {
        guard let status = try statusIfPresent(path, followLinks: false, at: directory) else { return }
        if status.kind != .directory {
            try unlink(path, at: directory)
            return
        }
        let handle = try open(path, [.readOnly, .directory, .noFollow], at: directory)
        let opened = try handle.status()
        // What was looked at and what was opened must be one thing, or a name was swapped in between.
        if opened.inode != status.inode || opened.mountID != status.mountID {
            throw SystemError(call: "removeTree", errno: .EBUSY, subject: path.displayText)
        }
        var removal = try TreeRemoval(emptying: handle, opened, subject: path.displayText)
        try removal.run()
        try removeDirectory(path, at: directory)
    }
}

/// Empties a directory with a stack of its own, so that no depth of a tree can exhaust the thread's or the descriptors.
///
/// It goes down by name and up by `..`, where it must meet the directory that it came from.
private struct TreeRemoval: ~Copyable {
    private struct Level {
        var name: [UInt8]
        var inode: UInt64
        var device: DeviceNumber
        /// What is still to be removed, the next one last.
        var rest: [DirectoryEntry]
    }

    /// The directory of the last level.
    private var current: FileDescriptor
    private var levels: [Level]
    private let mountID: UInt64
    private let subject: String

    /// Prepares to remove all that the directory holds; the directory itself stays.
    init(emptying directory: consuming FileDescriptor, _ status: FileStatus, subject: String) throws(SystemError) {
        let rest = try Files.naming(subject) { [raw = directory.raw] () throws(SystemError) in
            try Files.list(descriptor: raw)
        }
        levels = [Level(name: [], inode: status.inode, device: status.device, rest: rest.reversed())]
        mountID = status.mountID
        self.subject = subject
        current = directory
    }

    mutating func run() throws(SystemError) {
        while true {
            guard let entry = levels[levels.count - 1].rest.popLast() else {
                if levels.count == 1 { return }
                try ascend()
                continue
            }
            do throws(SystemError) {
                try remove(entry)
            } catch let error where error.errno == .ENOENT {
                continue
            } catch {
                throw SystemError(call: error.call, errno: error.errno, subject: path(of: entry.nameBytes))
            }
        }
    }

    /// Removes an entry of the current directory, or makes it the current directory if it is one.
    private mutating func remove(_ entry: DirectoryEntry) throws(SystemError) {
        if entry.kind != .directory && entry.kind != .unknown {
            try Files.unlink(entry.nameBytes, at: current.raw)
            return
        }
        let status = try Files.status(entry.nameBytes, followLinks: false, at: current.raw)
        guard status.kind == .directory else {
            try Files.unlink(entry.nameBytes, at: current.raw)
            return
        }
        if status.mountID != mountID { throw SystemError(call: "removeTree", errno: .EBUSY) }
        let child = try Files.open(entry.nameBytes, [.readOnly, .directory, .noFollow], at: current.raw)
        let opened = try child.status()
        if opened.mountID != mountID { throw SystemError(call: "removeTree", errno: .EBUSY) }
        let rest = try Files.list(descriptor: child.raw)
        levels.append(
            Level(name: entry.nameBytes, inode: opened.inode, device: opened.device, rest: rest.reversed()))
        current = child
    }

    /// Removes the current directory, which is empty, and makes the one above it the current one.
    private mutating func ascend() throws(SystemError) {
        let name = levels[levels.count - 1].name
        do throws(SystemError) {
            let parent = try Files.open("..", [.path, .directory], at: current.raw)
            let status = try parent.status()
            let expected = levels[levels.count - 2]
            // Somebody who moves directories about must not lead the removal elsewhere.
            guard status.inode == expected.inode, status.device == expected.device, status.mountID == mountID else {
                throw SystemError(call: "removeTree", errno: .EBUSY)
            }
            levels.removeLast()
            current = parent
            try Files.removeDirectory(name, at: current.raw)
        } catch let error where error.errno == .ENOENT {
            return
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: path(of: name))
        }
    }

    /// The path of a name in the current directory, for people; what is too long to read is left out.
    private func path(of name: [UInt8]) -> String {
        var shown = subject
        for level in levels.dropFirst() {
            if shown.utf8.count > 4_096 {
                shown += "/…"
                break
            }
            shown += "/" + level.name.displayText
        }
        return shown + "/" + name.displayText
    }
}
