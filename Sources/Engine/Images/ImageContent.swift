import Linux

/// Reads what an image has at a path, for filling a new volume.
enum ImageContent {
    /// Copies the directory `target` of the merged layers into `destination`.
    ///
    /// Blocks.
    ///
    /// Nothing is copied where the image has no such directory. The layers are hostile: the path is resolved inside
    /// them, and links are copied, never followed.
    static func copy(layers: [String], at target: String, to destination: String, scratch: String) throws {
        guard let top = layers.first else { return }
        var root = top
        let needsOverlay = layers.count > 1
        if needsOverlay {
            try Files.makeDirectory(scratch, mode: 0o700)
            root = scratch
        }
        defer { if needsOverlay { try? Files.removeDirectory(scratch) } }
        if needsOverlay {
            let data = "lowerdir=" + layers.map { escaped($0) }.joined(separator: ":")
            try Mounts.mount(
                source: "overlay", target: scratch, type: "overlay", flags: [.readOnly, .noDevices, .noSetUserID],
                data: data)
        }
        defer { if needsOverlay { try? Mounts.unmount(scratch, [.detach]) } }
        guard let source = try directory(target, in: root) else { return }
        let into = try Files.open(destination, [.directory])
        try TreeCopy.copy(from: source.raw, into: into.raw)
    }

    /// The directory at a path inside a layer; `nil` where there is none.
    private static func directory(_ target: String, in root: String) throws -> SharedDescriptor? {
        let base = try Files.open(root, [.directory, .path]).shared()
        do throws(SystemError) {
            return try Files.openInRoot(base.raw, String(target.drop { $0 == "/" }), [.directory]).shared()
        } catch {
            if [.ENOENT, .ENOTDIR, .ELOOP].contains(error.errno) { return nil }
            throw error
        }
    }

    private static func escaped(_ path: String) -> String {
        path.split(separator: ":", omittingEmptySubsequences: false).joined(separator: "\\:")
    }
}
