import Archives
import Diagnostics
import Linux
import OCI
import Synchronization

/// One image of an archive that is written, and the names it has there.
package struct ArchivedImage: Sendable, Hashable {
    /// The image.
    package let image: StoredImage
    /// Its names; none for an image that was asked for by its id.
    package let references: [ImageReference]

    package init(image: StoredImage, references: [ImageReference]) {
        self.image = image
        self.references = references
    }
}

extension ImageStore {
    /// Finds the images that users name for an archive.
    ///
    /// A name with a tag gives the image that one name, a name without one all tags there are of it, an id none: as with
    /// Docker.
    ///
    /// - Throws: `Diagnostic` (no such image).
    package func archived(_ names: [String]) async throws -> [ArchivedImage] {
        var found: [ArchivedImage] = []
        func add(_ image: StoredImage, _ references: [ImageReference]) {
            let named = references.filter { $0.tag != nil && $0.digest == nil }
            guard let index = found.firstIndex(where: { $0.image.id == image.id }) else {
                return found.append(ArchivedImage(image: image, references: named))
            }
            let more = named.filter { !found[index].references.contains($0) }
            found[index] = ArchivedImage(image: image, references: found[index].references + more)
        }
        for name in names {
            let reference = try? ImageReference(name)
            if let reference, reference.tag == nil, reference.digest == nil {
                let tagged = try await list().compactMap { image in
                    let same = image.references.filter { $0.repository == reference.repository }
                    return same.isEmpty ? nil : (image, same)
                }
                for (image, references) in tagged { add(image, references) }
                if !tagged.isEmpty { continue }
            }
            guard let image = try await resolve(name) else { throw Self.noSuchImage(name) }
            add(image, image.references.filter { $0 == reference })
        }
        return found
    }

    /// Writes images as a tar that both `docker load` and readers of OCI layouts understand.
    ///
    /// Equal images give equal bytes. Layers are in the form in which they came, each once.
    ///
    /// - Parameter sink: gets the bytes in order, on a thread of the blocking executor; what it throws ends the
    ///   writing.
    /// - Throws: `Diagnostic` (damaged), naming a layer that cannot be given back.
    package func save(
        _ images: [ArchivedImage], to sink: @escaping @Sendable (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) async throws {
        let cancellation = CancellationFlag()
        let layout = layout
        try await withTaskCancellationHandler {
            try await withExports(of: images.map(\.image)) { exports in
                try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                    try reporting("saving images") {
                        let writer = ImageArchiveWriter(layout: layout) { piece throws(ArchiveError) in
                            try cancellation.check()
                            try sink(piece)
                        }
                        try writer.write(zip(exports, images).map { ($0, $1.references) })
                    }
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Writes images as a tar into a file, a pipe or a socket, which blocks.
    package func save(_ images: [ArchivedImage], to archive: SharedDescriptor) async throws {
        try await save(images) { piece throws(ArchiveError) in
            do throws(SystemError) { try archive.writeAll(piece) } catch { throw .system(error) }
        }
    }
}

/// Writes archives of images.
///
/// The layout is that of Docker 25 and later: an OCI layout with `manifest.json` beside it, which names the same blobs.
struct ImageArchiveWriter {
    /// What a blob of the archive is made of.
    private enum Contents {
        case bytes([UInt8])
        case layer(LayerExport)

        var size: UInt64 {
            switch self {
            case .bytes(let bytes): UInt64(bytes.count)
            case .layer(let layer): UInt64(clamping: layer.descriptor.size)
            }
        }
    }

    let layout: StoreLayout
    let sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void

    func write(_ images: [(export: ImageExport, references: [ImageReference])]) throws {
        var blobs: [Digest: Contents] = [:]
        for (export, _) in images {
            blobs[export.descriptor.digest] = .bytes(export.manifest)
            blobs[export.configDescriptor.digest] = .bytes(export.config)
            for layer in export.layers { blobs[layer.descriptor.digest] = .layer(layer) }
        }
        try directory("blobs")
        try directory("blobs/sha256")
        for (digest, contents) in blobs.sorted(by: { $0.key < $1.key }) {
            try file(Self.path(of: digest), contents)
        }
        try file("index.json", .bytes(Self.index(of: images)))
        try file("manifest.json", .bytes(Self.list(of: images)))
        try file("oci-layout", .bytes(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)))
        try give(TarWriter.endMarker)
    }

    private static func path(of digest: Digest) -> String { "blobs/sha256/" + digest.hex }

    private static func list(of images: [(export: ImageExport, references: [ImageReference])]) -> [UInt8] {
        DockerArchiveImage.serialized(
            images.map { export, references in
                DockerArchiveImage(
                    config: path(of: export.configDescriptor.digest), tags: references.map(\.familiar),
                    layers: export.layers.map { path(of: $0.descriptor.digest) })
            })
    }

    /// One entry for each name, as Docker and containerd write it.
    private static func index(of images: [(export: ImageExport, references: [ImageReference])]) -> [UInt8] {
        var entries: [BlobDescriptor] = []
        for (export, references) in images {
            var descriptor = export.descriptor
            if references.isEmpty { entries.append(descriptor) }
            for reference in references {
                descriptor.annotations = ["io.containerd.image.name": reference.description]
                descriptor.annotations["org.opencontainers.image.ref.name"] = reference.tag
                entries.append(descriptor)
            }
        }
        return ImageIndex(manifests: entries).serialized()
    }

    private func directory(_ path: String) throws {
        var entry = TarEntry(path: Array(path.utf8), kind: .directory)
        entry.mode = 0o755
        try give(try TarWriter.header(of: entry))
    }

    private func file(_ path: String, _ contents: Contents) throws {
        var entry = TarEntry(path: Array(path.utf8), kind: .regular)
        entry.size = contents.size
        try give(try TarWriter.header(of: entry))
        switch contents {
        case .bytes(let bytes): try give(bytes)
        case .layer(let layer): try layer.forEachPiece(in: layout) { piece throws(ArchiveError) in try sink(piece) }
        }
        try give(TarWriter.padding(after: entry.size))
    }

    private func give(_ bytes: [UInt8]) throws(ArchiveError) {
        var failure: ArchiveError?
        bytes.withUnsafeBytes { raw in
            do throws(ArchiveError) { try sink(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
