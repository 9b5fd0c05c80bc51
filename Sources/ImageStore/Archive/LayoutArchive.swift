import Archives
import Diagnostics
import Linux
import OCI

/// An OCI layout in a tar: documents, layers of the store, and the index that names them.
///
/// Equal contents give equal bytes: blobs are in the order of their digests, and no entry has a time.
///
/// Source: OCI image specification, image-layout.md.
package struct LayoutArchive: Sendable {
    /// Blobs that are in memory, by their digest.
    package private(set) var documents: [Digest: [UInt8]] = [:]
    /// Layers, each once.
    package private(set) var layers: [Digest: LayerExport] = [:]
    /// `index.json`.
    package var index = ImageIndex(manifests: [])
    /// Docker's `manifest.json`, which names the same blobs; nil leaves it out.
    package var list: [DockerArchiveImage]?

    package init() {}

    /// Adds a blob.
    package mutating func add(_ bytes: [UInt8], _ digest: Digest) { documents[digest] = bytes }

    /// Adds a layer.
    package mutating func add(_ layer: LayerExport) { layers[layer.descriptor.digest] = layer }

    /// Where a blob is in the archive.
    package static func path(of digest: Digest) -> String { "blobs/sha256/" + digest.hex }
}

extension LayoutArchive {
    /// The archive of images as Docker 25 and later write it: one entry of the index for each name.
    init(of images: [(export: ImageExport, references: [ImageReference])]) {
        var list: [DockerArchiveImage] = []
        for (export, references) in images {
            add(export.manifest, export.descriptor.digest)
            add(export.config, export.configDescriptor.digest)
            for layer in export.layers { add(layer) }
            index.manifests += Self.entries(of: export.descriptor, named: references)
            list.append(
                DockerArchiveImage(
                    config: Self.path(of: export.configDescriptor.digest), tags: references.map(\.familiar),
                    layers: export.layers.map { Self.path(of: $0.descriptor.digest) }))
        }
        self.list = list
    }

    /// What `index.json` has of an image or an index: one entry for each name, as Docker and containerd write it.
    package static func entries(of descriptor: BlobDescriptor, named references: [ImageReference]) -> [BlobDescriptor] {
        guard !references.isEmpty else { return [descriptor] }
        return references.map { reference in
            var entry = descriptor
            entry.annotations["io.containerd.image.name"] = reference.description
            entry.annotations["org.opencontainers.image.ref.name"] = reference.tag
            return entry
        }
    }

    /// Writes the archive.
    ///
    /// Blocking.
    func write(_ layout: StoreLayout, to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void) throws {
        try Self.directory("blobs", sink)
        try Self.directory("blobs/sha256", sink)
        for digest in Set(documents.keys).union(layers.keys).sorted() {
            if let bytes = documents[digest] {
                try Self.file(Self.path(of: digest), bytes, sink)
            } else if let layer = layers[digest] {
                let size = UInt64(clamping: layer.descriptor.size)
                try Self.header(Self.path(of: digest), size, sink)
                try layer.forEachPiece(in: layout) { piece throws(ArchiveError) in try sink(piece) }
                try DirectoryArchive.give(TarWriter.padding(after: size), to: sink)
            }
        }
        try Self.file("index.json", index.serialized(), sink)
        if let list { try Self.file("manifest.json", DockerArchiveImage.serialized(list), sink) }
        try Self.file("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), sink)
        try DirectoryArchive.give(TarWriter.endMarker, to: sink)
    }

    private static func directory(
        _ path: String, _ sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var entry = TarEntry(path: Array(path.utf8), kind: .directory)
        entry.mode = 0o755
        try DirectoryArchive.give(try TarWriter.header(of: entry), to: sink)
    }

    private static func header(
        _ path: String, _ size: UInt64, _ sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var entry = TarEntry(path: Array(path.utf8), kind: .regular)
        entry.size = size
        try DirectoryArchive.give(try TarWriter.header(of: entry), to: sink)
    }

    private static func file(
        _ path: String, _ bytes: [UInt8], _ sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        try header(path, UInt64(bytes.count), sink)
        try DirectoryArchive.give(bytes, to: sink)
        try DirectoryArchive.give(TarWriter.padding(after: UInt64(bytes.count)), to: sink)
    }
}

extension ImageStore {
    /// Writes an archive into a file, a pipe or a socket, which blocks.
    ///
    /// - Throws: `Diagnostic` (damaged), naming a layer that cannot be given back; or that the other side is gone.
    package func write(_ archive: LayoutArchive, to file: SharedDescriptor) async throws {
        let (layout, cancellation) = (layout, CancellationFlag())
        try await withTaskCancellationHandler {
            try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                try reporting("writing the archive") {
                    try archive.write(layout) { piece throws(ArchiveError) in
                        try cancellation.check()
                        do throws(SystemError) { try file.writeAll(piece) } catch { throw .system(error) }
                    }
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// How the store gives on layers that the caller keeps, in their order.
    ///
    /// - Throws: `Diagnostic` (damaged), naming a layer whose bytes cannot be given back.
    package func exports(of layers: [Digest]) async throws -> [LayerExport] {
        try await settleLayers(layers)
        let (blobs, database) = (blobs, database)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading layers") { try Self.exports(of: layers, blobs: blobs, database: database) }
        }
    }
}
