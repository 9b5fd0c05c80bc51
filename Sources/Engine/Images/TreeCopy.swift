import Linux

/// Copies directory trees by descriptors: no path is walked twice, no link followed.
enum TreeCopy {
    /// Deeper than any real tree; a hostile one must not end the stack.
    private static let deepest = 200

    /// Copies what the open directory `source` holds into the open directory `target`, owners and modes too.
    ///
    /// Blocks.
    static func copy(from source: Int32, into target: Int32, depth: Int = 0) throws {
        guard depth < deepest else { throw EngineError(.failed, "directories are nested too deeply to be copied") }
        for entry in try Files.list(descriptor: source) {
            try copy(entry, from: source, into: target, depth: depth)
        }
        let status = try Files.status("/proc/self/fd/\(source)")
        try Files.chown("/proc/self/fd/\(target)", uid: status.uid, gid: status.gid, followLinks: true)
        try Files.chmod("/proc/self/fd/\(target)", mode: status.mode & 0o7777)
    }

    private static func copy(_ entry: DirectoryEntry, from source: Int32, into target: Int32, depth: Int) throws {
        let name = entry.nameBytes
        let status = try Files.status(name, followLinks: false, at: source)
        switch status.kind {
        case .directory:
            try Files.makeDirectory(name, mode: status.mode & 0o7777, at: target)
            let from = try Files.open(name, [.directory, .noFollow], at: source).shared()
            let into = try Files.open(name, [.directory, .noFollow], at: target).shared()
            try copy(from: from.raw, into: into.raw, depth: depth + 1)
        case .regular:
            let from = try Files.open(name, [.readOnly, .noFollow], at: source).shared()
            let into = try Files.open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, at: target)
                .shared()
            _ = try Files.copyRange(from: from.raw, to: into.raw, count: status.size)
            try Files.chown("/proc/self/fd/\(into.raw)", uid: status.uid, gid: status.gid, followLinks: true)
            try Files.chmod("/proc/self/fd/\(into.raw)", mode: status.mode & 0o7777)
        case .symbolicLink:
            let text = try Files.readLinkBytes(name, at: source)
            try Files.symlink(text, at: name, in: target)
            try Files.chown(name, uid: status.uid, gid: status.gid, followLinks: false, at: target)
        default:
            // Devices, sockets and pipes of an image have no place in a volume.
            break
        }
    }
}
