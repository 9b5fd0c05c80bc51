import Linux

/// Walks a directory and gives its files as archive entries, parents first, names in the order of their bytes.
///
/// Works by descriptors: each name is opened once, without following it, and described by what was opened. A mount
/// point below the root is an empty directory. Sockets are left out, as every archiver does.
package struct DirectoryWalker: ~Copyable {
    /// A file, and its contents where it is a regular one that is seen for the first time.
    package struct File {
        package var entry: TarEntry
        package var contents: SharedDescriptor?
    }

    private struct Level {
        let descriptor: SharedDescriptor
        let path: [UInt8]
        var names: ArraySlice<DirectoryEntry>
    }

    private struct Inode: Hashable {
        let device: DeviceNumber
        let number: UInt64
    }

    /// What a walk does with names that mean something elsewhere.
    package struct Choices: Sendable, Hashable {
        /// Whether names that start with `.wh.`, and what overlayfs notes at files, are kept as they are: in an archive
        /// that is no layer.
        package var keepsReservedNames = false
        /// Paths that are left out where there is nothing in them: an empty directory, an empty file.
        package var leavesOutIfEmpty: Set<[UInt8]> = []
        /// Whether what is mounted below the root is walked as well.
        package var entersMounts = false
        /// Devices of file systems that are empty directories wherever they are mounted.
        package var leavesEmpty: Set<DeviceNumber> = []
        /// What names in an archive begin with, in place of the root: `.`, `/` or a name; nil for nothing.
        package var prefix: [UInt8]?
        /// The latest time of modification that is told: later ones become it; nil leaves all as they are.
        package var latest: Timestamp?

        package init() {}
    }

    private let limits: TarLimits
    private let choices: Choices
    private let device: DeviceNumber
    private var levels: [Level] = []
    private var root: SharedDescriptor?
    private var linked: [Inode: [UInt8]] = [:]
    private var queued: [File] = []
    private var reserved: [UInt8]?

    package init(_ root: SharedDescriptor, limits: TarLimits, choices: Choices = .init()) throws(ArchiveError) {
        self.limits = limits
        self.choices = choices
        self.root = root
        do { device = try root.status().device } catch { throw .system(error) }
    }

    /// Walks one file of a directory that is none itself.
    package init(
        name: [UInt8], in directory: SharedDescriptor, limits: TarLimits, choices: Choices = .init()
    ) throws(ArchiveError) {
        self.limits = limits
        self.choices = choices
        do { device = try directory.status().device } catch { throw .system(error) }
        let entry = DirectoryEntry(nameBytes: name, kind: .unknown, inode: 0)
        levels = [Level(descriptor: directory, path: [], names: [entry])]
    }

    /// The next file; nil at the end.
    package mutating func next() throws(ArchiveError) -> File? {
        if let file = queued.popLast() { return file }
        do throws(SystemError) {
            if let root {
                self.root = nil
                return try enter(root, path: [], status: try root.status())
            }
            while let level = levels.last {
                guard let name = level.names.first else {
                    levels.removeLast()
                    continue
                }
                levels[levels.count - 1].names.removeFirst()
                if !choices.keepsReservedNames, name.nameBytes.starts(with: Whiteout.prefix) {
                    reserved = level.path + [UInt8(ascii: "/")] + name.nameBytes
                    break
                }
                if let file = try visit(name, in: level) { return file }
            }
        } catch {
            throw .system(error)
        }
        guard let reserved else { return nil }
        throw .malformed(
            entry: String(decoding: reserved, as: UTF8.self), offset: 0,
            reason: "names that start with `.wh.` mean removals in a layer and cannot be files")
    }

    private mutating func visit(_ name: DirectoryEntry, in level: Level) throws(SystemError) -> File? {
        let path = level.path.isEmpty ? name.nameBytes : level.path + [UInt8(ascii: "/")] + name.nameBytes
        let directory = level.descriptor.raw
        let status = try Files.status(name.nameBytes, followLinks: false, at: directory)
        if choices.leavesOutIfEmpty.contains(path), try isEmpty(status, name: name.nameBytes, in: directory) {
            return nil
        }
        switch status.kind {
        case .directory:
            let opened = try Files.open(name.nameBytes, [.readOnly, .directory, .noFollow], at: directory).shared()
            return try enter(opened, path: path, status: try opened.status())
        case .regular:
            return try regular(name.nameBytes, path: path, in: directory)
        case .socket, .unknown: return nil
        case .symbolicLink, .characterDevice, .blockDevice, .fifo:
            return try special(status, name: name.nameBytes, path: path, in: directory)
        }
    }

    private func isEmpty(_ status: FileStatus, name: [UInt8], in directory: Int32) throws(SystemError) -> Bool {
        switch status.kind {
        case .regular: status.size == 0
        case .directory:
            try Files.list(
                descriptor: try Files.open(name, [.readOnly, .directory, .noFollow], at: directory).raw
            ).isEmpty
        default: false
        }
    }

    private mutating func enter(
        _ descriptor: SharedDescriptor, path: [UInt8], status: FileStatus
    ) throws(SystemError) -> File {
        var entry = entry(.directory, path: path, status)
        entry.attributes = try attributes(of: descriptor)
        if status.device == device || choices.entersMounts && !choices.leavesEmpty.contains(status.device) {
            let names = try Files.list(descriptor: descriptor.raw)
            levels.append(Level(descriptor: descriptor, path: path, names: names[...]))
        }
        if choices.keepsReservedNames { return File(entry: entry, contents: nil) }
        if entry.attributes.contains(Whiteout.opaqueAttribute) {
            let name = Whiteout.opaqueName
            var marker = TarEntry(path: path.isEmpty ? name : path + [UInt8(ascii: "/")] + name, kind: .regular)
            marker.modified = entry.modified
            queued.append(File(entry: marker, contents: nil))
        }
        entry.dropOverlayAttributes()
        return File(entry: entry, contents: nil)
    }

    private mutating func regular(_ name: [UInt8], path: [UInt8], in directory: Int32) throws(SystemError) -> File {
        let opened = try Files.open(name, [.readOnly, .noFollow, .nonBlocking], at: directory).shared()
        let status = try opened.status()
        guard status.kind == .regular else {
            throw SystemError(call: "open", errno: .EAGAIN, subject: String(decoding: path, as: UTF8.self))
        }
        if let link = hardLink(path: path, status) { return File(entry: link, contents: nil) }
        var entry = entry(.regular, path: path, status)
        entry.size = UInt64(clamping: status.size)
        entry.attributes = try attributes(of: opened)
        entry.dropOverlayAttributes()
        return File(entry: entry, contents: opened)
    }

    private mutating func special(
        _ status: FileStatus, name: [UInt8], path: [UInt8], in directory: Int32
    ) throws(SystemError) -> File {
        let kinds: [FileKind: EntryKind] = [
            .symbolicLink: .symbolicLink, .characterDevice: .characterDevice, .blockDevice: .blockDevice,
        ]
        var entry = entry(kinds[status.kind] ?? .fifo, path: path, status)
        entry.device = status.deviceID
        // Removals come first: overlayfs makes them links of one device.
        if !choices.keepsReservedNames, status.kind == .characterDevice,
            status.deviceID == DeviceNumber(major: 0, minor: 0)
        {
            return File(entry: whiteout(entry, name: name), contents: nil)
        }
        if let link = hardLink(path: path, status) { return File(entry: link, contents: nil) }
        if status.kind == .symbolicLink {
            entry.linkTarget = try Files.readLinkBytes(name, at: directory)
        }
        // A special file cannot be opened without effect, so that its attributes are read by its name.
        let path = Array("/proc/self/fd/\(directory)/".utf8) + name
        for attribute in try ExtendedAttributes.list(path) where Self.isCarried(attribute) {
            guard let value = try ExtendedAttributes.get(path, attribute) else { continue }
            entry.attributes.append(ExtendedAttribute(name: attribute, value: value))
        }
        entry.dropOverlayAttributes()
        return File(entry: entry, contents: nil)
    }

    /// What overlayfs keeps as a device without a number is a name's removal in an archive.
    private func whiteout(_ entry: TarEntry, name: [UInt8]) -> TarEntry {
        var marker = TarEntry(path: entry.path.dropLast(name.count) + Whiteout.prefix + name, kind: .regular)
        marker.modified = entry.modified
        return marker
    }

    private mutating func hardLink(path: [UInt8], _ status: FileStatus) -> TarEntry? {
        guard status.linkCount > 1 else { return nil }
        let inode = Inode(device: status.device, number: status.inode)
        guard let first = linked[inode] else {
            linked[inode] = path
            return nil
        }
        var entry = entry(.hardLink, path: path, status)
        entry.linkTarget = first
        return entry
    }

    private func entry(_ kind: EntryKind, path: [UInt8], _ status: FileStatus) -> TarEntry {
        var entry = TarEntry(path: path, kind: kind)
        entry.mode = UInt16(truncatingIfNeeded: status.mode & 0o7777)
        entry.userID = status.uid
        entry.groupID = status.gid
        entry.modified = choices.latest.map { min($0, status.modified) } ?? status.modified
        return entry
    }

    private func attributes(of descriptor: SharedDescriptor) throws(SystemError) -> [ExtendedAttribute] {
        var result: [ExtendedAttribute] = []
        for name in try ExtendedAttributes.list(descriptor.raw) where Self.isCarried(name) {
            guard let value = try ExtendedAttributes.get(descriptor.raw, name) else { continue }
            result.append(ExtendedAttribute(name: name, value: value))
        }
        return result
    }

    /// Labels of this machine's SELinux policy mean nothing on another.
    private static func isCarried(_ name: String) -> Bool { name != "security.selinux" }
}

extension TarEntry {
    /// Takes out what overlayfs notes for itself, such as which file below a changed one was.
    fileprivate mutating func dropOverlayAttributes() {
        attributes.removeAll { $0.name.hasPrefix("trusted.overlay.") || $0.name.hasPrefix("user.overlay.") }
    }
}
