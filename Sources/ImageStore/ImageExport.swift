import Archives
import Diagnostics
import Linux
import OCI
import StateStore

/// One layer as it is given on.
package struct LayerExport: Sendable, Hashable {
    /// Where its bytes come from.
    enum Form: Sendable, Hashable {
        /// They are kept as they came.
        case blob(Digest)
        /// The tar of this layer, by its recipe.
        case recipe(Digest)
        /// The tar inside of a compressed form.
        case inflated(Digest)
    }

    /// What a manifest says of it.
    package let descriptor: BlobDescriptor
    let form: Form

    /// Opens its bytes.
    ///
    /// Blocking. They are checked against the digest by whoever reads them to the end.
    func open(in layout: StoreLayout) throws -> any ByteSource {
        switch form {
        case .blob(let digest): return DescriptorSource(try Files.open(layout.blob(digest)).shared())
        case .inflated(let digest):
            return try Compression.decompressing(DescriptorSource(try Files.open(layout.blob(digest)).shared()))
        case .recipe(let diffID):
            return try TarRecipeSource(
                recipe: DescriptorSource(try Files.open(layout.recipe(diffID)).shared()),
                image: try Files.open(layout.image(diffID)).shared())
        }
    }

    /// Hands its bytes to a body and checks them on the way.
    ///
    /// - Throws: `Diagnostic` (damaged), after all has been handed over, when they are not what the digest says; and
    ///   whatever `body` throws.
    func forEachPiece(in layout: StoreLayout, _ body: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void) throws {
        let source = HashingSource(try open(in: layout))
        var left = descriptor.size
        // Another thread reads and hashes what comes next while the body has its piece.
        try source.readingAhead { ahead throws(ArchiveError) in
            try ahead.forEachPiece { piece throws(ArchiveError) in
                left -= Int64(piece.count)
                guard left >= 0 else {
                    throw .limit(
                        entry: nil, offset: UInt64(descriptor.size),
                        reason: "layer \(descriptor.digest) has more than the \(descriptor.size) bytes it should")
                }
                try body(piece)
            }
        }
        guard left == 0, source.hash.finishHex() == descriptor.digest.hex else {
            throw Diagnostic(
                code: StoreCode.damaged, summary: "layer \(descriptor.digest) is damaged",
                detail: "what the store gives back of it has another digest",
                hint: "run `stackctl store verify`; remove the images that use it and make them again")
        }
    }

    func check(in layout: StoreLayout) throws {
        try forEachPiece(in: layout) { _ in }
    }
}

/// An image as it is given on: to a registry, or into an archive.
package struct ImageExport: Sendable, Hashable {
    /// The image.
    package let image: StoredImage
    /// The manifest's bytes.
    package let manifest: [UInt8]
    /// The manifest as an index lists it.
    package let descriptor: BlobDescriptor
    /// The config's bytes.
    package let config: [UInt8]
    /// The config as the manifest names it.
    package let configDescriptor: BlobDescriptor
    /// The layers, lowest first.
    package let layers: [LayerExport]
    /// Whether the manifest is the image's own.
    ///
    /// Not so when a layer is shared with another image that came with it in another compression: the image and its
    /// layers are the same then, and the manifest says in which form they are here.
    package let isExact: Bool
}

extension ImageStore {
    /// Makes images ready to be given on, and keeps their layers while `body` runs.
    ///
    /// - Throws: `Diagnostic` (damaged), naming a layer whose bytes cannot be given back; and what `body` throws.
    package func withExports<Value: Sendable>(
        of images: [StoredImage], _ body: @Sendable ([ImageExport]) async throws -> Value
    ) async throws -> Value {
        let held = images.flatMap(\.layers)
        leases.take(held)
        defer { leases.giveBack(held) }
        let (blobs, database) = (blobs, database)
        let exports = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading images") {
                try images.map { try Self.export($0, blobs: blobs, database: database) }
            }
        }
        return try await body(exports)
    }

    /// Hands the bytes of a layer to a body, checked against its digest at the end.
    ///
    /// Blocking: to be used on the blocking executor, inside `withExports`.
    package nonisolated func readLayer(
        _ layer: LayerExport, _ body: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws {
        try layer.forEachPiece(in: layout, body)
    }

    /// Opens the bytes of a layer from an offset on; whoever reads them checks them.
    ///
    /// Blocking, as `readLayer`.
    package nonisolated func open(_ layer: LayerExport, at offset: Int64 = 0) throws -> any ByteSource {
        if offset > 0, case .blob(let digest) = layer.form {
            let file = try Files.open(layout.blob(digest))
            _ = try file.seek(offset)
            return DescriptorSource(file.shared())
        }
        let source = try layer.open(in: layout)
        try source.skip(offset)
        return source
    }

    private static func export(
        _ image: StoredImage, blobs: BlobStore, database: StateDatabase
    ) throws -> ImageExport {
        let config = try blobs.read(image.id, what: "the config of image")
        let rows = try database.read { tables in
            try image.layers.map { diffID in
                guard let row = try tables.layer(diffID: diffID.description) else {
                    throw Diagnostic(
                        code: StoreCode.damaged, summary: "layer \(diffID) of image \(image.id) is not in the store",
                        hint: "remove the image and make it again")
                }
                return row
            }
        }
        if let digest = image.manifestDigest {
            let bytes = try blobs.read(digest, what: "the manifest")
            let manifest = try ImageManifest(bytes: bytes)
            let layers = zip(manifest.layers, rows).map { form(of: $0, row: $1, blobs: blobs) }
            if manifest.layers.count == rows.count, layers.allSatisfy({ $0 != nil }) {
                return ImageExport(
                    image: image, manifest: bytes,
                    descriptor: BlobDescriptor(
                        mediaType: manifest.mediaType, digest: digest, size: Int64(bytes.count),
                        platform: image.config.platform),
                    config: config, configDescriptor: manifest.config, layers: layers.compactMap { $0 }, isExact: true)
            }
        }
        return try substitute(image, config: config, rows: rows, blobs: blobs)
    }

    /// The image with a manifest of the forms in which its layers are here.
    private static func substitute(
        _ image: StoredImage, config: [UInt8], rows: [LayerRow], blobs: BlobStore
    ) throws -> ImageExport {
        let layers = try rows.map { try export($0, blobs: blobs) }
        let configDescriptor = BlobDescriptor(
            mediaType: MediaType.ociConfig, digest: image.id, size: Int64(config.count))
        let bytes = ImageManifest(config: configDescriptor, layers: layers.map(\.descriptor)).serialized()
        return ImageExport(
            image: image, manifest: bytes,
            descriptor: BlobDescriptor(
                mediaType: MediaType.ociManifest, digest: try BlobStore.digest(of: bytes), size: Int64(bytes.count),
                platform: image.config.platform),
            config: config, configDescriptor: configDescriptor, layers: layers, isExact: false)
    }

    /// Layers in a form that is here; without one as plain tars where they were made here, else as they came.
    static func exports(
        of layers: [Digest], blobs: BlobStore, database: StateDatabase, as compression: LayerCompression? = nil
    ) throws -> [LayerExport] {
        let rows = try database.read { tables in
            try layers.map { layer in
                guard let row = try tables.layer(diffID: layer.description) else {
                    throw Diagnostic(code: StoreCode.damaged, summary: "layer \(layer) is not in the store")
                }
                return row
            }
        }
        return try rows.map { row in
            if let compression, let blob = compression.blob(of: row.blobs, isMadeHere: row.isMadeHere),
                let layer = form(of: blob.descriptor, row: row, blobs: blobs)
            {
                return layer
            }
            let isPlain = row.isMadeHere || compression?.method == .uncompressed && compression?.isForced == true
            if isPlain, let layer = tar(of: row, blobs: blobs) { return layer }
            return try export(row, blobs: blobs)
        }
    }

    /// A layer's tar; nil where it cannot be given back.
    static func tar(of row: LayerRow, blobs: BlobStore) -> LayerExport? {
        guard let diffID = Digest(row.diffID) else { return nil }
        let tar = BlobDescriptor(mediaType: MediaType.ociLayerTar, digest: diffID, size: row.tarBytes)
        return form(of: tar, row: row, blobs: blobs)
    }

    private static func export(_ row: LayerRow, blobs: BlobStore) throws -> LayerExport {
        guard let descriptor = row.descriptor, let layer = form(of: descriptor, row: row, blobs: blobs) else {
            throw cannotGiveBack(row)
        }
        return layer
    }

    static func cannotGiveBack(_ row: LayerRow) -> Diagnostic {
        Diagnostic(
            code: StoreCode.damaged, summary: "the tar of layer \(row.diffID) cannot be given back",
            detail: "neither its compressed form nor its recipe is in the store",
            hint: "remove the images that use it and make them again")
    }

    /// How the store gives back what a manifest names; nil when it cannot.
    private static func form(of descriptor: BlobDescriptor, row: LayerRow, blobs: BlobStore) -> LayerExport? {
        if row.blobs.contains(where: { $0.digest == descriptor.digest }), blobs.has(descriptor.digest) {
            return LayerExport(descriptor: descriptor, form: .blob(descriptor.digest))
        }
        guard let diffID = Digest(row.diffID), descriptor.digest == diffID else { return nil }
        if row.recipeBytes > 0, Files.exists(blobs.layout.recipe(diffID)) {
            return LayerExport(descriptor: descriptor, form: .recipe(diffID))
        }
        guard let blob = row.blobs.first(where: { blobs.has($0.digest) }) else { return nil }
        return LayerExport(descriptor: descriptor, form: .inflated(blob.digest))
    }
}

extension ByteSource {
    /// Reads so many bytes and forgets them; fewer where it ends before.
    fileprivate func skip(_ count: Int64) throws(ArchiveError) {
        guard count > 0 else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var left = count
        while left > 0 {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(left, Int64(buffer.count)))])
            let read = try self.read(into: part)
            if read == 0 { return }
            left -= Int64(read)
        }
    }
}
