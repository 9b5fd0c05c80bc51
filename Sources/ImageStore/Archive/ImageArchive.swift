import Archives
import Diagnostics
import OCI

/// What an archive of images has inside, read in one pass: documents in memory, layers written aside.
struct ImageArchive: Sendable {
    /// A layer of the archive.
    struct Layer: Sendable {
        /// The digest of the bytes in the archive.
        let digest: Digest
        /// The digest of its tar.
        let diffID: Digest
        /// What was written of it; nil where the store has the layer.
        let staged: LayerStore.Staged?
    }

    /// JSON files by their path.
    var documents: [String: [UInt8]] = [:]
    /// Layers by their path.
    var layers: [String: Layer] = [:]
    /// Files that look like layers and are none that can be used, by their path.
    var refused: [String: Diagnostic] = [:]
    /// Files of other kinds.
    var others: Set<String> = []
    /// Symbolic links: the path each leads to.
    var aliases: [String: String] = [:]

    /// The path of a file by one of its names.
    func resolve(_ path: String) throws(Diagnostic) -> String {
        var name = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        for _ in 0..<8 {
            guard let next = aliases[name] else { return name }
            name = next
        }
        throw Self.refusal("`\(path)` of the archive is a chain of symbolic links", "more than 8 lead to one another")
    }

    /// A document by its path.
    func document(_ path: String, for purpose: String) throws(Diagnostic) -> [UInt8] {
        let name = try resolve(path)
        if let bytes = documents[name] { return bytes }
        throw missing(path, name, purpose)
    }

    /// A layer by its path.
    func layer(_ path: String, for purpose: String) throws(Diagnostic) -> Layer {
        let name = try resolve(path)
        if let layer = layers[name] { return layer }
        throw missing(path, name, purpose)
    }

    private func missing(_ path: String, _ name: String, _ purpose: String) -> Diagnostic {
        if let refusal = refused[name] { return refusal }
        let isThere = documents[name] != nil || layers[name] != nil || others.contains(name)
        return Self.refusal(
            isThere ? "`\(path)` of the archive is not \(purpose)" : "the archive has no `\(path)`",
            isThere ? "it is a file of another kind" : "it is needed as \(purpose)")
    }

    static func refusal(_ summary: String, _ detail: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(code: StoreCode.badArchive, summary: summary, detail: detail, hint: hint)
    }

    /// The digest that a file's name claims: `blobs/sha256/<hex>`, `<hex>.json`, `<hex>.tar` and the like.
    static func digest(inName path: String) -> Digest? {
        let last = path.split(separator: "/").last.map(String.init) ?? ""
        let stem = last.split(separator: ".", maxSplits: 1).first.map(String.init) ?? ""
        return Digest(sha256Hex: stem)
    }
}
