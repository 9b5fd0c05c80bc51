/// Copies directory trees by descriptors: no path is walked twice, no link followed.
///
/// Owners, permissions, times, extended attributes, hard links and holes are kept; where the file system can share
/// blocks between files, it does (copy_file_range(2)).
package final class TreeCopy {
    /// Deeper than any real tree; a hostile one must not end the stack.
    private static let deepest = 200
    /// Bytes between two looks at whether the copy is still wanted.
    private static let stride: Int64 = 16 << 20

    private struct Inode: Hashable {
        let device: DeviceNumber
        let number: UInt64
    }

    private let root: Int32
    private let keepsSpecialFiles: Bool
    private let progress: (Int64) throws -> Void
    private var linked: [Inode: [UInt8]] = [:]

    private init(root: Int32, keepsSpecialFiles: Bool, progress: @escaping (Int64) throws -> Void) {
        self.root = root
        self.keepsSpecialFiles = keepsSpecialFiles
        self.progress = progress
    }

    /// Copies what the open directory `source` holds into the open directory `target`, owners and modes too.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - keepsSpecialFiles: whether devices and pipes are made again; those of an image have no place in a volume.
    ///   - progress: told how many bytes more were copied; what it throws ends the copy.
    package static func copy(
        from source: Int32, into target: Int32, keepsSpecialFiles: Bool = false,
        progress: @escaping (Int64) throws -> Void = { _ in }
    ) throws {
        let copy = TreeCopy(root: target, keepsSpecialFiles: keepsSpecialFiles, progress: progress)
        try copy.directory(from: source, into: target, path: [], depth: 0)
    }

    private func directory(from source: Int32, into target: Int32, path: [UInt8], depth: Int) throws {
        guard depth < Self.deepest else {
            throw SystemError(
                call: "copy", errno: .ENAMETOOLONG, subject: "directories nested more than \(Self.deepest) deep")
        }
        try progress(0)
        for entry in try Files.list(descriptor: source) {
            try self.entry(entry.nameBytes, from: source, into: target, path: path, depth: depth)
        }
        try describe(target, as: source)
    }

    private func entry(_ name: [UInt8], from source: Int32, into target: Int32, path: [UInt8], depth: Int) throws {
        let status = try Files.status(name, followLinks: false, at: source)
        let path = path + [UInt8(ascii: "/")] + name
        if status.kind != .directory, try link(name, status, into: target, path: path) { return }
        switch status.kind {
        case .directory:
            try Files.makeDirectory(name, mode: 0o700, at: target)
            let from = try Files.open(name, [.directory, .noFollow], at: source).shared()
            let into = try Files.open(name, [.directory, .noFollow], at: target).shared()
            try directory(from: from.raw, into: into.raw, path: path, depth: depth + 1)
        case .regular:
            let from = try Files.open(name, [.readOnly, .noFollow, .nonBlocking], at: source).shared()
            guard try from.status().kind == .regular else { return }
            let into = try Files.open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, at: target)
                .shared()
            try contents(from, into, size: try from.status().size)
            try describe(into.raw, as: from.raw)
        case .symbolicLink:
            try Files.symlink(try Files.readLinkBytes(name, at: source), at: name, in: target)
            try describe(name, status, from: source, in: target)
        case .fifo where keepsSpecialFiles:
            try Files.makeFIFO(name, mode: status.mode, at: target)
            try describe(name, status, from: source, in: target)
        case .characterDevice where keepsSpecialFiles, .blockDevice where keepsSpecialFiles:
            try Files.makeDevice(name, kind: status.kind, mode: status.mode, device: status.deviceID, at: target)
            try describe(name, status, from: source, in: target)
        default: break
        }
    }

    /// A further name of a file that was copied already becomes one of its copy.
    private func link(_ name: [UInt8], _ status: FileStatus, into target: Int32, path: [UInt8]) throws -> Bool {
        guard status.linkCount > 1 else { return false }
        let inode = Inode(device: status.device, number: status.inode)
        guard let first = linked[inode] else {
            linked[inode] = path
            return false
        }
        let existing = Array("/proc/self/fd/\(root)".utf8) + first
        // What has no place in the copy has no other names there either.
        guard try Files.statusIfPresent(existing, followLinks: false) != nil else { return true }
        try Files.link(existing, at: Array("/proc/self/fd/\(target)/".utf8) + name)
        return true
    }

    /// Copies data and leaves holes out.
    private func contents(_ from: SharedDescriptor, _ into: SharedDescriptor, size: Int64) throws {
        var position: Int64 = 0
        while position < size {
            guard let start = try Self.seek(from, to: position, .data) else { break }
            let end = min(try Self.seek(from, to: start, .hole) ?? size, size)
            guard start < end else { break }
            _ = try from.seek(start)
            _ = try into.seek(start)
            position = start
            while position < end {
                let count = try Files.copyRange(
                    from: from.raw, to: into.raw, count: min(end - position, Self.stride))
                try progress(count)
                // Somebody has cut the file meanwhile.
                guard count > 0 else { return }
                position += count
            }
        }
        if position < size { try into.truncate(to: size) }
    }

    /// Where the next data or hole begins; `nil` where there is none up to the end.
    private static func seek(
        _ file: SharedDescriptor, to offset: Int64, _ what: SeekOrigin
    ) throws(SystemError) -> Int64? {
        do throws(SystemError) {
            return try file.seek(offset, from: what)
        } catch {
            if error.errno == .ENXIO { return nil }
            // A file system that knows of no holes: all is data.
            if error.errno == .EINVAL { return what == .data ? offset : nil }
            throw error
        }
    }

    /// Owner first: changing it clears set-id bits and capabilities.
    private func describe(_ target: Int32, as source: Int32) throws {
        let status = try Files.status("/proc/self/fd/\(source)")
        let path = "/proc/self/fd/\(target)"
        try Files.chown(path, uid: status.uid, gid: status.gid, followLinks: true)
        try Files.chmod(path, mode: status.mode & 0o7777)
        for name in try ExtendedAttributes.list(source) where Self.isCarried(name) {
            guard let value = try ExtendedAttributes.get(source, name) else { continue }
            try Self.tolerant { () throws(SystemError) in try ExtendedAttributes.set(target, name, value) }
        }
        try Files.setTimes(of: target, accessed: status.accessed, modified: status.modified)
    }

    /// A file that cannot be opened without effect, by its name.
    private func describe(_ name: [UInt8], _ status: FileStatus, from source: Int32, in target: Int32) throws {
        try Files.chown(name, uid: status.uid, gid: status.gid, followLinks: false, at: target)
        if status.kind != .symbolicLink { try Files.chmod(name, mode: status.mode & 0o7777, at: target) }
        let old = Array("/proc/self/fd/\(source)/".utf8) + name
        let new = Array("/proc/self/fd/\(target)/".utf8) + name
        for attribute in try ExtendedAttributes.list(old) where Self.isCarried(attribute) {
            guard let value = try ExtendedAttributes.get(old, attribute) else { continue }
            try Self.tolerant { () throws(SystemError) in try ExtendedAttributes.set(new, attribute, value) }
        }
        try Files.setTimes(name, accessed: status.accessed, modified: status.modified, at: target)
    }

    /// What overlayfs and this machine's SELinux policy wrote means nothing elsewhere.
    private static func isCarried(_ name: String) -> Bool {
        name != "security.selinux" && !name.hasPrefix("trusted.overlay.") && !name.hasPrefix("user.overlay.")
    }

    /// A file system without attributes goes without.
    private static func tolerant(_ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch let error where error.errno == .EOPNOTSUPP {
            return
        }
    }
}
