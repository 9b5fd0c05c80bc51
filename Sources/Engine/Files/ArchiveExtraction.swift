import Archives
import Linux

/// Unpacks an archive below a directory of a root that may be hostile.
///
/// Each name is looked up inside the root at the moment it is needed, and then acted on by its directory's descriptor:
/// neither the archive nor a process that renames things meanwhile leads it elsewhere. No program is run.
struct ArchiveExtraction {
    /// The root, which every path is resolved in.
    let root: SharedDescriptor
    /// The directory below it, absolute.
    let base: String
    /// Whether a directory and anything else do not take each other's place.
    var keepsKinds = false
    /// Who owns what is unpacked; nil keeps what the archive says.
    var owner: AccountNumbers?
    private var directories: [(path: [UInt8], modified: Timestamp)] = []
    private var latest: (path: [UInt8], descriptor: SharedDescriptor)?

    init(root: SharedDescriptor, base: String) {
        self.root = root
        self.base = base
    }

    /// Reads the archive, compressed or not, to its end.
    ///
    /// Blocks.
    mutating func run(_ archive: SharedDescriptor) throws {
        var limits = TarLimits()
        limits.isConfined = true
        limits.requiresEndMarker = false
        let reader = TarReader(try Compression.decompressing(DescriptorSource(archive)), limits: limits)
        while let entry = try reader.next() {
            // The directory itself is as it is.
            guard !entry.path.isEmpty else { continue }
            try add(entry, reader)
        }
        // What is made in a directory changes its time, so that directories come last, deepest first.
        for directory in directories.reversed() {
            let (parent, name) = Self.split(directory.path)
            try Files.setTimes(name, modified: directory.modified, at: try open(parent).raw)
        }
    }

    private mutating func add(_ entry: TarEntry, _ reader: TarReader) throws {
        let (parentPath, name) = Self.split(entry.path)
        let parent = try open(parentPath)
        let existing = try Files.statusIfPresent(name, followLinks: false, at: parent.raw)
        var isInPlace = false
        if let existing, existing.kind != .directory || entry.kind != .directory {
            try refuse(entry, replacing: existing)
            isInPlace = try !clear(name, existing, in: parent, for: entry)
        }
        switch entry.kind {
        case .directory:
            if existing?.kind != .directory { try Files.makeDirectory(name, mode: 0o700, at: parent.raw) }
            directories.append((entry.path, entry.modified))
        case .regular:
            try write(entry, reader, name, in: parent, isInPlace: isInPlace)
        case .symbolicLink: try Files.symlink(entry.linkTarget, at: name, in: parent.raw)
        case .hardLink:
            let (targetParent, target) = Self.split(entry.linkTarget)
            let directory = try open(targetParent)
            try Files.link(Self.path(target, in: directory), at: Self.path(name, in: parent))
            return
        case .fifo: try Files.makeFIFO(name, mode: 0o600, at: parent.raw)
        case .characterDevice, .blockDevice:
            try Files.makeDevice(
                name, kind: entry.kind == .blockDevice ? .blockDevice : .characterDevice, mode: 0o600,
                device: entry.device, at: parent.raw)
        }
        try describe(entry, name, in: parent)
    }

    private func refuse(_ entry: TarEntry, replacing existing: FileStatus) throws {
        guard keepsKinds else { return }
        let path = (base == "/" ? "" : base) + "/" + entry.name
        if existing.kind == .directory {
            throw EngineError(.invalid, "cannot overwrite directory \"\(path)\" with non-directory \"\(base)\"")
        }
        if entry.kind == .directory {
            throw EngineError(.invalid, "cannot overwrite non-directory \"\(path)\" with directory \"\(base)\"")
        }
    }

    /// Takes away what is in an entry's place; false for a file that is mounted there, which can only be written over.
    private func clear(
        _ name: [UInt8], _ existing: FileStatus, in parent: SharedDescriptor, for entry: TarEntry
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try Files.removeTree(name, at: parent.raw)
            return true
        } catch let error where error.errno == .EBUSY && existing.kind == .regular && entry.kind == .regular {
            return false
        }
    }

    private func write(
        _ entry: TarEntry, _ reader: TarReader, _ name: [UInt8], in parent: SharedDescriptor, isInPlace: Bool
    ) throws {
        let flags: OpenFlags =
            isInPlace
            ? [.writeOnly, .truncate, .noFollow, .nonBlocking] : [.writeOnly, .create, .exclusive, .noFollow]
        let file = try Files.open(name, flags, mode: 0o600, at: parent.raw).shared()
        var holes = false
        try reader.readData { data throws(ArchiveError) in
            do throws(SystemError) {
                switch data {
                case .bytes(let bytes): try file.writeAll(bytes)
                case .hole(let count):
                    holes = true
                    _ = try file.seek(Int64(clamping: count), from: .current)
                }
            } catch {
                throw .system(error)
            }
        }
        if holes { try file.truncate(to: Int64(clamping: entry.size)) }
    }

    /// Owner first, since changing it clears set-id bits and capabilities.
    private func describe(_ entry: TarEntry, _ name: [UInt8], in parent: SharedDescriptor) throws {
        try Files.chown(name, uid: owner?.uid ?? entry.userID, gid: owner?.gid ?? entry.groupID, at: parent.raw)
        if entry.kind != .symbolicLink {
            // By the descriptor: a link that has come into its place meanwhile is not followed.
            let file = try Files.open(name, [.path, .noFollow], at: parent.raw).shared()
            if try file.status().kind != .symbolicLink {
                try Files.chmod("/proc/self/fd/\(file.raw)", mode: UInt32(entry.mode))
            }
        }
        let path = Self.path(name, in: parent)
        for attribute in entry.attributes where !Self.isOverlays(attribute.name) { try Self.set(attribute, of: path) }
        if entry.kind != .directory { try Files.setTimes(name, modified: entry.modified, at: parent.raw) }
    }

    /// Sets an attribute, where the file system keeps attributes.
    private static func set(_ attribute: ExtendedAttribute, of path: [UInt8]) throws(SystemError) {
        do throws(SystemError) {
            try ExtendedAttributes.set(path, attribute.name, attribute.value)
        } catch {
            if error.errno != .EOPNOTSUPP { throw error }
        }
    }

    /// Attributes that overlayfs acts on are no file's own.
    private static func isOverlays(_ name: String) -> Bool {
        name.hasPrefix("trusted.overlay.") || name.hasPrefix("user.overlay.")
    }

    /// Opens a directory of the archive, making what is missing on the way.
    private mutating func open(_ path: [UInt8]) throws(SystemError) -> SharedDescriptor {
        if let latest, latest.path == path { return latest.descriptor }
        let whole = Array(base.utf8) + [UInt8(ascii: "/")] + path
        let descriptor: SharedDescriptor
        do throws(SystemError) {
            descriptor = try Files.openInRoot(root.raw, whole, [.path, .directory]).shared()
        } catch let error where error.errno == .ENOENT && !path.isEmpty {
            let (parent, name) = Self.split(path)
            let above = try open(parent)
            try Files.makeDirectory(name, mode: 0o755, at: above.raw)
            descriptor = try Files.openInRoot(root.raw, whole, [.path, .directory]).shared()
        }
        latest = (path, descriptor)
        return descriptor
    }

    private static func split(_ path: [UInt8]) -> (parent: [UInt8], name: [UInt8]) {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return ([], path) }
        return (Array(path[..<slash]), Array(path[(slash + 1)...]))
    }

    /// A path for calls that take no directory descriptor.
    private static func path(_ name: [UInt8], in directory: SharedDescriptor) -> [UInt8] {
        Array("/proc/self/fd/\(directory.raw)/".utf8) + name
    }
}
