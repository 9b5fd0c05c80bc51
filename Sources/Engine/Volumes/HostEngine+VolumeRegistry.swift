import Archives
import Builder
import ImageStore
import JSONText
import Linux
import OCI
import Registry

/// Volumes in registries: an image whose one layer has one file, the volume's archive.
///
/// A layer's own files could not be all that a volume's can: some names mean removals there, and links may not climb.
extension HostEngine {
    /// The label of such an image: the volume's name.
    private static let volumeLabel = "io.stackctl.volume"
    /// The archive's name, without what tells its compression.
    private static let archiveName = "volume.tar"

    /// Pushes a volume's files to a registry.
    ///
    /// - Parameter freezes: whether containers that have it mounted are frozen while the files are read.
    package func backUpVolume(
        _ name: String, to reference: ImageReference, freezes: Bool = false, access: RegistryAccess = RegistryAccess(),
        progress: PushProgressHandler? = nil
    ) async throws -> PushedImage {
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        let reference = reference.withDefaultTag
        let image = try await withPartial { partial in
            try await self.writeArchive(of: volume, into: "\(partial)/_data", freezes: freezes)
            return try await self.archiveImage(of: name, folder: "\(partial)/_data")
        }
        let result: Result<PushedImage, any Error>
        do {
            result = .success(try await push(image, as: reference, access, progress))
        } catch {
            result = .failure(error)
        }
        _ = try? await images.remove(image.id.description, inUse: imagesInUse, force: true)
        let pushed = try result.get()
        await publish(.volume, "backup", actor: name, ["driver": "local", "reference": reference.familiar])
        return pushed
    }

    private func writeArchive(of volume: Volume, into folder: String, freezes: Bool) async throws {
        let compression: ArchiveCompression = ZstdWriter.isAvailable ? .zstd : .gzip
        let path = "\(folder)/\(Self.archiveName).\(compression == .zstd ? "zst" : "gz")"
        try await pack(volume, compression, freezes: freezes) {
            try Files.open(path, [.writeOnly, .create, .exclusive], mode: 0o600).shared()
        }
    }

    private func archiveImage(of name: String, folder: String) async throws -> StoredImage {
        let now = Clock.now().rfc3339
        var config = ImageConfig(
            platform: .host, created: now, execution: .init(),
            history: [ImageConfig.History(created: now, comment: "Volume \(name)")])
        config.execution.labels = [Self.volumeLabel: name]
        let root = try await BlockingExecutor.shared.run { try Files.open(folder, [.directory]).shared() }
        do {
            return try await images.makeImage(
                of: .upperDirectory(root, leavingOutIfEmpty: []), on: config, as: nil,
                origin: ["volume": .string(name)], doing: "backing up volume \(name)")
        } catch {
            throw EngineError.image(error)
        }
    }

    private func push(
        _ image: StoredImage, as reference: ImageReference, _ access: RegistryAccess, _ progress: PushProgressHandler?
    ) async throws -> PushedImage {
        try await withRegistry(.push, of: reference, access) { reader in
            try await self.images.withExports(of: [image]) { exports in
                guard let export = exports.first else { throw EngineError.noImage(reference.familiar) }
                let push = ImagePush(export: export, store: self.images, client: reader.client, sources: [:])
                let digest = try await push.run(
                    tag: reference.tag ?? ImageReference.defaultTag, progress: progress)
                return PushedImage(reference: reference, digest: digest, size: export.descriptor.size)
            }
        }
    }

    /// Replaces a volume's files by those of a backup in a registry; makes the volume where there is none.
    package func restoreVolume(
        _ name: String, from reference: ImageReference, freezes: Bool = false,
        access: RegistryAccess = RegistryAccess(), progress: PullProgressHandler? = nil
    ) async throws {
        let pulled = try await pullImage(reference, access: access, progress: progress)
        let result: Result<Void, any Error>
        do {
            guard pulled.image.config.execution.labels[Self.volumeLabel] != nil else {
                throw EngineError(
                    .invalid, "\(reference.familiar) is no backup of a volume: its label \(Self.volumeLabel) is missing"
                )
            }
            let archive = try await archive(in: pulled.image)
            try await restoreVolume(name, from: archive, freezes: freezes)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        // It came for this only.
        if pulled.isNew {
            _ = try? await images.remove(pulled.image.id.description, inUse: imagesInUse, force: true)
        }
        try result.get()
    }

    /// The open archive of a backup; it keeps what it needs of the image.
    private func archive(in image: StoredImage) async throws -> SharedDescriptor {
        let layers = try await layerMounts.hold(image)
        defer {
            layerMounts.release(image.id)
            sweepLayersLater()
        }
        let scratch = "\(configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
        let empty = emptyDirectory
        return try await BlockingExecutor.shared.run {
            let root = try MergedView.open(layers, scratch: scratch, empty: empty)
            guard let entry = try Files.list(descriptor: root.raw).first(where: { $0.name.hasPrefix(Self.archiveName) })
            else { throw EngineError(.invalid, "the backup has no \(Self.archiveName)") }
            return try Files.openInRoot(
                root.raw, entry.nameBytes, [.noFollow, .nonBlocking], resolve: [.beneath, .noSymbolicLinks]
            ).shared()
        }
    }
}
