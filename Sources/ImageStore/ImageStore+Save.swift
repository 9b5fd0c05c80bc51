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
    func settle(_ staged: LayerStore.Staged) async throws -> SettledLayer {
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

    /// Puts a config made here and the layer it needs into the store.
    func save(
        _ config: ImageConfig, reference: ImageReference?, newLayer settled: SettledLayer?, attributes: JSONObject
    ) async throws -> StoredImage {
        let image = NewImage(
            configBytes: config.serialized(), config: config, manifest: nil,
            references: reference.map { [$0] } ?? [], attributes: attributes)
        let saved = try await write(layers: settled.map { [$0] } ?? [], images: [image], origin: attributes)
        guard let first = saved.first else { throw Self.noSuchImage(BlobStore.name(of: image.configBytes)) }
        return first
    }

    /// Puts layers and images into the store, all or nothing.
    ///
    /// - Returns: the images in their order.
    func write(layers settled: [SettledLayer], images: [NewImage], origin: JSONObject) async throws -> [StoredImage] {
        let (writer, turn) = (StoreWriter(blobs: blobs, layers: layers, database: database), turn)
        let ids = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("storing the image") {
                try turn.run { try writer.write(layers: settled, images: images, origin: origin) }
            }
        }
        var saved: [StoredImage] = []
        for id in ids {
            guard let image = try await stored(id: id) else { throw Self.noSuchImage(id.description) }
            saved.append(image)
        }
        return saved
    }
}
