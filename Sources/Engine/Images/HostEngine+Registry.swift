import ImageStore
import JSONText
import Linux
import OCI
import Registry

/// What a pull brought.
package struct PulledImage: Sendable, Hashable {
    /// The image in the store.
    package let image: StoredImage
    /// The name it was pulled by, with its tag or digest.
    package let reference: ImageReference
    /// The digest the registry has under that name: of the index where it is one.
    package let digest: Digest
    /// Whether the name did not stand for this image before.
    package let isNew: Bool

    /// The repository with the digest.
    package var pinned: ImageReference { reference.at(digest) }
}

/// How far a pull is.
package enum PullProgress: Sendable, Hashable {
    /// The registry has the image.
    case found(RemoteImage)
    /// The layers that are to come, lowest first, by their digests in the manifest.
    case missing([Digest])
    /// A layer went on.
    case layer(LayerProgress)
}

/// Receives progress of a pull, from any thread; that of one layer in order.
package typealias PullProgressHandler = @Sendable (PullProgress) -> Void

extension HostEngine {
    /// Asks the registry what a name stands for there now, without pulling it, and checks that there is an image for
    /// the platform.
    ///
    /// - Parameters:
    ///   - reference: a name; `latest` is added to one without a tag.
    ///   - platform: nil for this host's.
    /// - Throws: `EngineError`, whose diagnostics name what was asked of whom.
    package func resolveRemote(
        _ reference: ImageReference, platform: Platform? = nil, access: RegistryAccess = RegistryAccess()
    ) async throws -> RemoteImage {
        try await withRegistry(.pull, of: reference, access) { reader in
            let found = try await BlockingExecutor.transfers.run { () throws in try reader.find() }
            // What is here was for the platform when it was pulled. Registries count each manifest they send.
            if try await self.storedImage(found, for: platform) != nil { return found }
            if platform != nil || MediaType.isIndex(found.mediaType) {
                _ = try await BlockingExecutor.transfers.run { () throws in
                    try reader.manifest(of: found, for: platform)
                }
            }
            return found
        }
    }

    /// Pulls an image: what is here already is not asked for again.
    ///
    /// - Parameters:
    ///   - reference: a name; `latest` is added to one without a tag.
    ///   - platform: nil for this host's.
    ///   - isNamed: whether the image gets the name it is pulled by; a name it has here stays with its image otherwise.
    /// - Throws: `EngineError`, whose diagnostics name what was asked of whom. The store has the images it had before
    ///   then, and layers that were complete, which the next pull goes on from.
    package func pullImage(
        _ reference: ImageReference, platform: Platform? = nil, access: RegistryAccess = RegistryAccess(),
        isNamed: Bool = true, progress: PullProgressHandler? = nil
    ) async throws -> PulledImage {
        let pulled = try await withRegistry(.pull, of: reference, access) { reader in
            let found = try await BlockingExecutor.transfers.run { () throws in try reader.find() }
            let before = try await self.images.identify(reader.reference.description)
            let image: StoredImage
            if isNamed, let stored = try await self.storedImage(found, for: platform) {
                progress?(.found(found))
                image = try await self.name(stored, as: found)
            } else {
                image = try await self.receive(found, reader, platform, isNamed: isNamed, progress)
            }
            return PulledImage(
                image: image, reference: found.reference, digest: found.digest, isNew: before?.id != image.id)
        }
        await publish(
            .image, "pull", actor: pulled.reference.familiar, ["name": pulled.reference.familiarRepository])
        return pulled
    }

    /// What a registry has under a name, with the platforms it has it for.
    package func inspectRemote(
        _ reference: ImageReference, access: RegistryAccess = RegistryAccess()
    ) async throws -> (image: RemoteImage, platforms: [Platform]) {
        try await withRegistry(.pull, of: reference, access) { reader in
            try await BlockingExecutor.transfers.run { () throws in
                let found = try reader.find()
                return (found, try reader.platforms(of: found))
            }
        }
    }

    /// The tags a registry has of a repository.
    package func remoteTags(
        _ reference: ImageReference, access: RegistryAccess = RegistryAccess()
    ) async throws -> [String] {
        try await withRegistry(.pull, of: reference, access) { reader in
            try await BlockingExecutor.transfers.run { () throws in try reader.client.tags() }
        }
    }

    private func receive(
        _ found: RemoteImage, _ reader: RemoteImageReader, _ platform: Platform?, isNamed: Bool,
        _ progress: PullProgressHandler?
    ) async throws -> StoredImage {
        let remote = try await BlockingExecutor.transfers.run { () throws in
            try reader.manifest(of: found, for: platform)
        }
        progress?(.found(found))
        // The same config is the same image, in whatever form the registry has its layers: it keeps the manifest of the
        // form that is here.
        if let stored = try? await images.resolve(remote.manifest.config.digest.description),
            try await isComplete(stored)
        {
            return isNamed ? try await name(stored, as: found) : stored
        }
        progress?(.missing(try await missing(remote)))
        let source = RegistryBlobs(reader.client, known: [remote.manifest.config.digest: remote.config])
        var origin = JSONObject()
        origin["registry"] = .string(found.reference.repository)
        return try await images.ingest(
            manifest: remote.bytes, blobs: source, references: isNamed ? Self.names(of: found) : [], attributes: origin
        ) { progress?(.layer($0)) }
    }

    /// The names that an image gets by a pull: the one it was pulled by, and the digest.
    private static func names(of found: RemoteImage) -> [ImageReference] {
        (found.reference.digest == nil ? [found.reference] : []) + [found.pinned]
    }

    private func name(_ image: StoredImage, as found: RemoteImage) async throws -> StoredImage {
        for name in Self.names(of: found) { try await images.tag(image.id, as: name) }
        return try await self.image(named: image.id.description)
    }

    private func missing(_ remote: RemoteManifest) async throws -> [Digest] {
        let diffIDs = try ImageConfig(bytes: remote.config).diffIDs
        var missing: [Digest] = []
        for (layer, diffID) in zip(remote.manifest.layers, diffIDs) where !missing.contains(layer.digest) {
            if try await !images.hasLayer(diffID) { missing.append(layer.digest) }
        }
        return missing
    }

    /// The image the store has of what a registry was found to have, with all its layers, if it is for the platform.
    private func storedImage(_ found: RemoteImage, for platform: Platform?) async throws -> StoredImage? {
        // A damaged image is pulled again.
        guard let stored = try? await images.resolve(found.pinned.description),
            (platform ?? .host).accepted.contains(stored.config.platform.normalized)
        else { return nil }
        return try await isComplete(stored) ? stored : nil
    }

    private func isComplete(_ image: StoredImage) async throws -> Bool {
        for layer in image.layers {
            guard try await images.hasLayer(layer) else { return false }
        }
        return true
    }

    /// Runs a body with a reader of an image's registry, which the cancellation of the task stops.
    func withRegistry<Value: Sendable>(
        _ action: RegistryFailure.Action, of reference: ImageReference, _ access: RegistryAccess,
        _ body: @Sendable (RemoteImageReader) async throws -> Value
    ) async throws -> Value {
        do {
            return try await StopSign.raisedByCancellation { stop in
                let (settings, log) = (self.configuration.registrySettings, self.logLine)
                let reader = try await BlockingExecutor.shared.run { () throws(RegistryError) in
                    let options = try access.options(for: reference.domain, settings: settings, stop: stop) {
                        log("\($0)")
                    }
                    return try RemoteImageReader(reference, options: options)
                }
                return try await body(reader)
            }
        } catch {
            throw RegistryFailure.error(error, action, reference.withDefaultTag.familiar)
        }
    }
}
