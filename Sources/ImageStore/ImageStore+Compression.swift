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
        // A build or another push may give the image another manifest meanwhile; nobody does so without end.
        for _ in 0..<8 {
            guard let (digest, found) = try await manifest(of: image.id) else { break }
            var manifest = found
            let plain = zip(manifest.layers, image.layers).map { $0.digest == $1 }
            guard manifest.layers.count == image.layers.count, plain.contains(true) else { break }
            let exports = try await exports(of: image.layers, as: compression)
            for (index, export) in exports.enumerated() where plain[index] {
                manifest.layers[index] = export.descriptor
            }
            if try await replaceManifest(digest, of: image.id, by: manifest.serialized()) { break }
        }
        guard let known = try await stored(id: image.id) else { throw Self.noSuchImage(image.id.description) }
        return known
    }

    /// The manifest that an image has now.
    private func manifest(of id: Digest) async throws -> (digest: Digest, manifest: ImageManifest)? {
        let (blobs, database, turn) = (blobs, database, turn)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading the manifest") {
                // Nobody collects garbage between the row and the file.
                try turn.run {
                    let row = try database.read { tables in try tables.image(id: id.description) }
                    guard let digest = row?.manifestDigest.flatMap({ Digest($0) }) else { return nil }
                    return (digest, try ImageManifest(bytes: try blobs.read(digest, what: "the manifest")))
                }
            }
        }
    }

    /// Gives an image another manifest; false where it is gone, or has another one than was thought.
    private func replaceManifest(_ old: Digest, of id: Digest, by bytes: [UInt8]) async throws -> Bool {
        let (blobs, database, turn) = (blobs, database, turn)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("storing the manifest") {
                try turn.run {
                    let digest = try blobs.put(bytes)
                    return try database.write { tables in
                        guard var row = try tables.image(id: id.description), row.manifestDigest == old.description
                        else { return false }
                        row.manifestDigest = digest.description
                        try tables.save(row)
                        return true
                    }
                }
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
            try forEachPiece(of: tar, cancellation) { piece throws(ArchiveError) in try writer.append(piece) }
            try writer.finish()
        } else {
            let writer = try ParallelGzipWriter(file, level: level)
            try forEachPiece(of: tar, cancellation) { piece throws(ArchiveError) in try writer.append(piece) }
            try writer.finish()
        }
        try file.synchronize()
        _ = try file.seek(0)
        let source = HashingSource(DescriptorSource(file))
        var size: Int64 = 0
        try source.forEachPiece { size += Int64($0.count) }
        return compression.blob(try BlobStore.digest(hex: source.hash.finishHex()), size: size)
    }

    /// Bytes that are compressed between two looks at the disk.
    private static let interval = 4 << 20

    private func forEachPiece(
        of tar: LayerExport, _ cancellation: CancellationFlag,
        _ body: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws {
        let root = blobs.layout.root
        var unchecked = Self.interval
        try tar.forEachPiece(in: blobs.layout) { piece throws(ArchiveError) in
            try cancellation.check()
            unchecked += piece.count
            if unchecked >= Self.interval {
                unchecked = 0
                do throws(SystemError) { try SpareRoom.check(root) } catch { throw .system(error) }
            }
            try body(piece)
        }
    }
}
