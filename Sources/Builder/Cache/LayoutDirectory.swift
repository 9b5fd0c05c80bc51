import Archives
import Diagnostics
import ImageStore
import Linux
import OCI

/// An OCI layout in a directory: a cache of `type=local`.
///
/// Blocking. Other writers may be there: blobs come by a rename, and the index is replaced as a whole.
struct LayoutDirectory: Sendable {
    private static let tagAnnotation = "org.opencontainers.image.ref.name"
    private static let indexLimit = 4 << 20

    let path: String

    init(_ path: String) { self.path = path }

    private var blobs: String { path + "/blobs/sha256" }

    // MARK: Writing

    /// Adds layers and documents, and makes a tag stand for a manifest.
    func write(
        layers: [LayerExport], of store: ImageStore, documents: [AssembledBlob], manifest: BlobDescriptor, tag: String
    ) throws {
        try Files.makeDirectories(blobs, mode: 0o755)
        for layer in layers {
            try add(layer.descriptor) { file in
                try store.readLayer(layer) { piece throws(ArchiveError) in
                    do throws(SystemError) { try file.writeAll(piece) } catch { throw .system(error) }
                }
            }
        }
        for document in documents {
            try add(document.descriptor) { file in try file.writeAll(document.bytes) }
        }
        try Files.writeAtomically(path + "/oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        var index = try readIndex() ?? ImageIndex(manifests: [])
        index.manifests.removeAll { $0.annotations[Self.tagAnnotation] == tag }
        var entry = manifest
        entry.annotations[Self.tagAnnotation] = tag
        index.manifests.append(entry)
        try Files.writeAtomically(path + "/index.json", index.serialized())
    }

    private func add(_ blob: BlobDescriptor, _ write: (SharedDescriptor) throws -> Void) throws {
        let target = blobs + "/" + blob.digest.hex
        if let known = try Files.statusIfPresent(target), known.size == blob.size { return }
        let draft = "\(path)/.incoming-\(try Random.hex(bytes: 8))"
        do {
            try write(try Files.open(draft, [.writeOnly, .create, .exclusive], mode: 0o644).shared())
            try Files.rename(draft, to: target, replace: true)
        } catch {
            _ = try? Files.unlinkIfPresent(draft)
            throw error
        }
    }

    // MARK: Reading

    private func readIndex() throws -> ImageIndex? {
        guard Files.exists(path + "/index.json") else { return nil }
        return try ImageIndex(bytes: Files.readAll(path + "/index.json", limit: Self.indexLimit))
    }

    /// The manifest a tag stands for; nil where there is none.
    func manifest(tag: String) throws -> ImageManifest? {
        guard let entry = try readIndex()?.manifests.first(where: { $0.annotations[Self.tagAnnotation] == tag }) else {
            return nil
        }
        return try ImageManifest(bytes: document(entry, limit: Self.indexLimit))
    }

    /// A blob as a whole, checked.
    func document(_ blob: BlobDescriptor, limit: Int) throws -> [UInt8] {
        let bytes = try Files.readAll(blobs + "/" + blob.digest.hex, limit: limit)
        guard try AssembledBlob.digest(of: bytes) == blob.digest else {
            throw Diagnostic(
                code: BuildCode.failed, summary: "blob \(blob.digest) of \(path) has another digest",
                hint: "the directory was changed; remove it and let a build write it again")
        }
        return bytes
    }
}

extension LayoutDirectory: BlobSource {
    func open(_ blob: BlobDescriptor) throws -> any ByteSource {
        DescriptorSource(try Files.open(blobs + "/" + blob.digest.hex).shared())
    }
}
