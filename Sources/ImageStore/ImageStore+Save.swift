import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Makes an image of one staged layer.
    func adopt(
        _ staged: LayerStore.Staged, reference: ImageReference?, changes: ConfigurationChanges, origin: JSONObject,
        defaults: ExecutionParameters = .init()
    ) async throws -> StoredImage {
        // Equal inputs give equal ids, so that the time is that of the newest file and not of today.
        let created = staged.newest.rfc3339
        let createdBy = origin.keys.first.map { "stackctl import \($0)" } ?? "stackctl import"
        let config = ImageConfig(
            created: created, execution: changes.applied(to: defaults), diffIDs: [staged.diffID],
            history: [ImageConfig.History(created: created, createdBy: createdBy)])
        return try await save(config, reference: reference, newLayer: try await settle(staged), attributes: origin)
    }

    /// Waits until a staged layer is on the disk and hashes it for `verify`.
    ///
    /// Both at once: one waits for the disk, the other for the processor.
    private func settle(_ staged: LayerStore.Staged) async throws -> SettledLayer {
        let layers = layers
        let doing = "storing layer \(staged.diffID)"
        async let hash = BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) { try layers.hash(of: staged) }
        }
        async let written: Void = BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) { try layers.synchronize(staged) }
        }
        do {
            try await written
            return SettledLayer(layer: staged, hash: try await hash ?? "")
        } catch {
            _ = try? await hash
            await BlockingExecutor.shared.run { layers.discard(staged) }
            throw error
        }
    }

    /// Puts a config and the layer it needs into the store.
    ///
    /// The database is written last: what a crash cuts off before that is removed at the next start.
    func save(
        _ config: ImageConfig, reference: ImageReference?, newLayer settled: SettledLayer?, attributes: JSONObject
    ) async throws -> StoredImage {
        let (blobs, layers, database, turn) = (blobs, layers, database, turn)
        let id = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("storing the image") {
                do {
                    return try turn.run {
                        try Self.store(
                            config, reference: reference, settled: settled, attributes: attributes, blobs: blobs,
                            layers: layers, database: database)
                    }
                } catch {
                    if let settled { layers.discard(settled.layer) }
                    throw error
                }
            }
        }
        guard let image = try await stored(id: id) else { throw Self.noSuchImage(id.description) }
        return image
    }

    private static func store(
        _ config: ImageConfig, reference: ImageReference?, settled: SettledLayer?, attributes: JSONObject,
        blobs: BlobStore, layers: LayerStore, database: StateDatabase
    ) throws -> Digest {
        let now = Clock.now().nanosecondsSinceEpoch
        var rows = try database.read { tables in
            try config.diffIDs.compactMap { try tables.layer(diffID: $0.description) }
        }
        // A layer that is there already keeps its row, which describes the files that stay.
        let newRow = settled.map { $0.row(attributes: attributes, created: now) }
            .flatMap { row in rows.contains { $0.diffID == row.diffID } ? nil : row }
        if let newRow { rows.append(newRow) }
        let bytes = config.serialized()
        let id = try blobs.put(bytes)
        let manifest = ImageManifest(
            config: Descriptor(mediaType: MediaType.ociConfig, digest: id, size: Int64(bytes.count)),
            layers: config.diffIDs.map { diffID in
                let row = rows.first { $0.diffID == diffID.description }
                let size = row?.spec["tarBytes"]?.intValue ?? 0
                return Descriptor(mediaType: MediaType.ociLayerTar, digest: diffID, size: Int64(size))
            })
        let manifestDigest = try blobs.put(manifest.serialized())
        if let settled { try layers.commit(settled.layer) }
        let size = rows.reduce(0) { $0 + $1.size }
        try database.write { tables in
            if let newRow { try tables.save(newRow) }
            try tables.save(
                ImageRow(
                    id: id.description, manifestDigest: manifestDigest.description,
                    layers: config.diffIDs.map(\.description), size: size, created: now, spec: .object(attributes)))
            if let reference {
                let name = reference.withDefaultTag.description
                try tables.save(ImageTagRow(reference: name, image: id.description, updated: now))
            }
        }
        return id
    }
}

/// A staged layer that is on the disk, with the hash by which `verify` knows it.
struct SettledLayer: Sendable {
    let layer: LayerStore.Staged
    let hash: String

    /// What the database keeps of the layer.
    func row(attributes: JSONObject, created: Int64) -> LayerRow {
        var spec = JSONObject()
        spec["hash"] = .string(hash)
        spec["tarBytes"] = .int(Int64(clamping: layer.tarBytes))
        spec["entries"] = .int(Int64(layer.entries))
        spec["newest"] = .string(layer.newest.rfc3339)
        spec["origin"] = .object(attributes)
        return LayerRow(
            diffID: layer.diffID.description, size: layer.size, form: layer.form.rawValue, created: created,
            spec: .object(spec))
    }
}
