import JSONText
import Linux

/// What a volume's directory holds of the files a stack declares.
struct VolumeReading: Sendable {
    /// `uid:gid` of the directory; `nil` where it is missing.
    var owner: String?
    /// The declared files that are there, as text.
    var content = JSONObject()

    /// Larger files are not what a manifest wrote.
    private static let limit = 4 << 20

    /// Reads a volume's files.
    ///
    /// Blocks. Containers write here: links are not followed out of the volume, nor at its end.
    init(path: String, files: [String]) {
        guard let status = try? Files.status(path, followLinks: false), status.kind == .directory else { return }
        owner = "\(status.uid):\(status.gid)"
        guard !files.isEmpty, let root = try? Files.open(path, [.directory, .noFollow]) else { return }
        for name in files {
            guard
                let file = try? Files.openInRoot(
                    root.raw, name, [.noFollow, .nonBlocking], resolve: [.inRoot, .noSymbolicLinks]),
                let bytes = try? file.readAll(limit: Self.limit), let text = String(validating: bytes, as: UTF8.self)
            else { continue }
            content[name] = .string(text)
        }
    }
}
