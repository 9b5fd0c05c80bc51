import Builder
import Linux

/// Reads what an image has at a path, for filling a new volume.
enum ImageContent {
    /// Copies the directory `target` of the merged layers into `destination`.
    ///
    /// Blocks.
    ///
    /// Nothing is copied where the image has no such directory. The layers are hostile: the path is resolved inside
    /// them, and links are copied, never followed.
    ///
    /// - Parameters:
    ///   - scratch: a path that is free; used for a moment.
    ///   - empty: as `MergedView.open` has it.
    static func copy(
        layers: [String], at target: String, to destination: String, scratch: String, empty: String
    ) throws {
        guard !layers.isEmpty else { return }
        let root = try MergedView.open(layers, scratch: scratch, empty: empty)
        guard let source = try directory(target, in: root) else { return }
        let into = try Files.open(destination, [.directory])
        try TreeCopy.copy(from: source.raw, into: into.raw)
    }

    /// Whether the merged layers have a directory at a path.
    ///
    /// Blocks. `scratch` and `empty` are as `copy` has them.
    static func has(_ target: String, in layers: [String], scratch: String, empty: String) throws -> Bool {
        guard !layers.isEmpty else { return false }
        return try directory(target, in: try MergedView.open(layers, scratch: scratch, empty: empty)) != nil
    }

    /// The directory at a path inside the layers; `nil` where there is none.
    private static func directory(_ target: String, in root: SharedDescriptor) throws -> SharedDescriptor? {
        do throws(SystemError) {
            return try Files.openInRoot(root.raw, String(target.drop { $0 == "/" }), [.directory]).shared()
        } catch {
            if [.ENOENT, .ENOTDIR, .ELOOP].contains(error.errno) { return nil }
            throw error
        }
    }
}
