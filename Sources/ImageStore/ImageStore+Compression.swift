import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

extension ImageStore {
    /// How the store gives on layers that the caller keeps, in their order, in a form that is made where it is missing.
    ///
    /// What is made is kept as the forms are in which layers came, until no image's manifest names it.
    ///
    /// - Throws: `Diagnostic` (damaged), naming a layer whose bytes cannot be given back.
    package func exports(of layers: [Digest], as compression: LayerCompression) async throws -> [LayerExport] {
        try await settleLayers(layers)
        try await compress(layers, as: compression)
        let (blobs, database) = (blobs, database)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading layers") {
                try Self.exports(of: layers, blobs: blobs, database: database, as: compression)
            }
        }
    }

    /// Makes the manifest of an image that was built here name its plain layers in a form for registries.
    ///
    /// The image keeps its id. Layers that came compressed stay as they came, and so does an image that was pulled or
    /// loaded.
    ///
    /// - Returns: the image with its manifest.
    package func compressForRegistry(
        _ image: StoredImage, as compression: LayerCompression
    ) async throws -> StoredImage {
        guard image.attributes["build"] != nil else { return image }
        leases.take(image.layers)
        defer { leases.giveBack(image.layers) }
        guard var manifest = try await manifest(of: image) else { return image }
        let plain = zip(manifest.layers, image.layers).map { $0.digest == $1 }
        guard manifest.layers.count == image.layers.count, plain.contains(true) else { return image }
        let exports = try await exports(of: image.layers, as: compression)
        for (index, export) in exports.enumerated() where plain[index] { manifest.layers[index] = export.descriptor }
        let (blobs, bytes) = (blobs, manifest.serialized())
        let config = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try blobs.read(image.id, what: "the config of image")
        }
        return try await save(
            NewImage(
                configBytes: config, config: image.config, manifest: bytes, references: [], attributes: JSONObject()),
            newLayer: nil)
    }

    private func manifest(of image: StoredImage) async throws -> ImageManifest? {
        guard let digest = image.manifestDigest else { return nil }
        let blobs = blobs
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading the manifest") {
                try ImageManifest(bytes: try blobs.read(digest, what: "the manifest"))
            }
        }
    }

    /// Makes the forms of layers that are missing, some at a time.
    private func compress(_ wanted: [Digest], as compression: LayerCompression) async throws {
        let (blobs, database, turn) = (blobs, database, turn)
        let missing = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading layers") {
                try database.read { tables in
                    try Set(wanted).compactMap { try tables.layer(diffID: $0.description) }
                        .filter { compression.wants($0.blobs, isMadeHere: $0.isMadeHere) }
                }
            }
        }
        guard !missing.isEmpty else { return }
        let cancellation = CancellationFlag()
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, row) in missing.enumerated() {
                    if index >= Self.compressedAtOnce { try await group.next() }
                    group.addTask {
                        let compressor = LayerCompressor(
                            compression: compression, blobs: blobs, database: database, turn: turn)
                        try await BlockingExecutor.transfers.run { () throws(Diagnostic) in
                            try reporting("compressing layer \(row.diffID)") { try compressor.run(row, cancellation) }
                        }
                    }
                }
                try await group.waitForAll()
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    private static let compressedAtOnce = 4
}

/// Makes a form of a layer and puts it into the store.
private struct LayerCompressor: Sendable {
    let compression: LayerCompression
    let blobs: BlobStore
    let database: StateDatabase
    let turn: StoreTurn

    /// Blocks.
    func run(_ row: LayerRow, _ cancellation: CancellationFlag) throws {
        guard let diffID = Digest(row.diffID), let tar = ImageStore.tar(of: row, blobs: blobs) else {
            throw ImageStore.cannotGiveBack(row)
        }
        // Named so that what a crash leaves is removed at the next start.
        let path = "\(blobs.layout.blob(diffID)).\(try Random.hex(bytes: 8)).tmp"
        do {
            let blob = try write(tar, to: path, cancellation)
            // Nobody collects garbage between the name and the row.
            try turn.run {
                try Files.rename(path, to: blobs.layout.blob(blob.digest))
                try Files.synchronizeDirectory(of: blobs.layout.blob(blob.digest))
                try database.write { tables in
                    guard var known = try tables.layer(diffID: row.diffID) else { return }
                    known.blobs = known.blobs.filter { $0.digest != blob.digest } + [blob]
                    try tables.save(known)
                }
            }
        } catch {
            _ = try? Files.unlinkIfPresent(path)
            throw error
        }
    }

    private func write(_ tar: LayerExport, to path: String, _ cancellation: CancellationFlag) throws -> LayerBlob {
        let file = try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o644).shared()
        let level = Int32(clamping: compression.level ?? 0)
        if compression.method == .zstd {
            let writer = try ZstdWriter(file, level: level)
            try tar.forEachPiece(in: blobs.layout) { piece throws(ArchiveError) in
                try cancellation.check()
                try writer.append(piece)
            }
            try writer.finish()
        } else {
            let writer = try GzipWriter(file, level: level)
            try tar.forEachPiece(in: blobs.layout) { piece throws(ArchiveError) in
                try cancellation.check()
                try writer.append(piece)
            }
            try writer.finish()
        }
        try file.synchronize()
        _ = try file.seek(0)
        let source = HashingSource(DescriptorSource(file))
        var size: Int64 = 0
        try source.forEachPiece { size += Int64($0.count) }
        return compression.blob(try BlobStore.digest(hex: source.hash.finishHex()), size: size)
    }
}
