import Linux

/// The files a stack ships in a volume.
enum VolumeContent {
    /// Writes the declared files below `path` and sets the owner.
    ///
    /// Blocks.
    ///
    /// A container may have put links into the volume: paths are resolved inside it, the last part without links.
    static func write(_ volume: Volume, to path: String) throws {
        let root = try Files.open(path, [.directory]).shared()
        let owner = try volume.owner.map { try parse(owner: $0) }
        try setRoot(of: volume, at: path)
        for (name, text) in (volume.content ?? [:]).sorted(by: { $0.key < $1.key }) {
            let parts = name.split(separator: "/").map { String($0) }
            guard let last = parts.last, !parts.contains(".."), !parts.contains("."), !name.utf8.contains(0) else {
                throw EngineError(.invalid, "'\(name)' is no path inside a volume")
            }
            var directory = root
            for part in parts.dropLast() {
                directory = try subdirectory(part, of: directory)
                if let owner {
                    try Files.chown("/proc/self/fd/\(directory.raw)", uid: owner.uid, gid: owner.gid, followLinks: true)
                }
            }
            let temporary = ".\(last).\(try Random.hex(bytes: 4))"
            let file = try Files.open(
                temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o644, at: directory.raw
            ).shared()
            try file.writeAll(Array(text.utf8))
            try Files.chmod("/proc/self/fd/\(file.raw)", mode: 0o644)
            if let owner {
                try Files.chown("/proc/self/fd/\(file.raw)", uid: owner.uid, gid: owner.gid, followLinks: true)
            }
            let inside = "/proc/self/fd/\(directory.raw)"
            try Files.rename("\(inside)/\(temporary)", to: "\(inside)/\(last)")
        }
    }

    /// Gives the root the owner and the permissions that were asked for.
    ///
    /// Blocks.
    static func setRoot(of volume: Volume, at path: String) throws {
        let settings = volume.settings
        let owner = try volume.owner.map { try parse(owner: $0) }
        if owner != nil || settings.user != nil || settings.group != nil {
            try Files.chown(
                path, uid: owner?.uid ?? settings.user ?? .max, gid: owner?.gid ?? settings.group ?? .max)
        }
        if let mode = settings.mode { try Files.chmod(path, mode: mode) }
    }

    private static func subdirectory(_ name: String, of parent: SharedDescriptor) throws(SystemError)
        -> SharedDescriptor
    {
        do throws(SystemError) {
            try Files.makeDirectory(name, mode: 0o755, at: parent.raw)
        } catch {
            if error.errno != .EEXIST { throw error }
        }
        return try Files.openInRoot(
            parent.raw, name, [.directory, .noFollow], resolve: [.inRoot, .noSymbolicLinks]
        ).shared()
    }

    private static func parse(owner: String) throws(EngineError) -> (uid: UInt32, gid: UInt32) {
        let parts = owner.split(separator: ":", omittingEmptySubsequences: false)
        guard let first = parts.first, let uid = UInt32(first), parts.count <= 2 else {
            throw EngineError(.invalid, "owner '\(owner)' must be numeric: uid or uid:gid")
        }
        guard parts.count == 2 else { return (uid, uid) }
        guard let gid = UInt32(parts[1]) else {
            throw EngineError(.invalid, "owner '\(owner)' must be numeric: uid or uid:gid")
        }
        return (uid, gid)
    }
}
