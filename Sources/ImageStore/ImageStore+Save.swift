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

    /// Waits until a staged layer is on the disk.
    func settle(_ staged: LayerStore.Staged) async throws -> SettledLayer {
        let layers = layers
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            do throws(Diagnostic) {
                return try reporting("storing layer \(staged.diffID)") { try layers.settle(staged) }
            } catch {
                layers.discard(staged)
                throw error
            }
        }
    }

    /// Waits until staged layers are on the disk; where one cannot be, all are discarded.
    ///
    /// All at once, so that the file system's journal is written for several together.
    func settle(_ staged: [LayerStore.Staged]) async throws -> [SettledLayer] {
        let (settled, failure) = await withTaskGroup(of: Result<SettledLayer, any Error>.self) { group in
            for layer in staged {
                group.addTask {
                    do { return .success(try await self.settle(layer)) } catch { return .failure(error) }
                }
            }
            var settled: [SettledLayer] = []
            var failure: (any Error)?
            for await result in group {
                switch result {
                case .success(let layer): settled.append(layer)
                case .failure(let error): failure = failure ?? error
                }
            }
            return (settled, failure)
        }
        guard let failure else { return settled.sorted { $0.layer.directory < $1.layer.directory } }
        let layers = layers
        await BlockingExecutor.shared.run { for layer in settled { layers.discard(layer.layer) } }
        throw failure
    }

    /// Puts a config made here and the layer it needs into the store.
    func save(
        _ config: ImageConfig, reference: ImageReference?, newLayer settled: SettledLayer?, attributes: JSONObject
    ) async throws -> StoredImage {
        try await save(
            NewImage(
                configBytes: config.serialized(), config: config, manifest: nil,
                references: reference.map { [$0] } ?? [], attributes: attributes), newLayer: settled)
    }

    /// Puts an image and the layer it needs into the store.
    func save(_ image: NewImage, newLayer settled: SettledLayer?) async throws -> StoredImage {
        let saved = try await write(
            layers: settled.map { [$0] } ?? [], images: [image], origin: image.attributes)
        guard let first = saved.first else { throw Self.noSuchImage(BlobStore.name(of: image.configBytes)) }
        return first
    }

    /// Puts layers and images into the store, all or nothing.
    ///
    /// - Returns: the images in their order.
    func write(layers settled: [SettledLayer], images: [NewImage], origin: JSONObject) async throws -> [StoredImage] {
        // A layer of these that cannot be kept is written anew by whoever brings it.
        for layer in settled {
            try? await layers.unsettled.wait(for: [layer.layer.diffID])
            layers.unsettled.forgetFailure(of: layer.layer.diffID)
        }
        for image in images { try await layers.unsettled.wait(for: image.config.diffIDs) }
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
