import Archives
import ImageStore
import JSONText
import Linux
import OCI
import Registry

/// How a volume's archive is compressed.
package enum ArchiveCompression: String, Sendable, Hashable, CaseIterable { case none, gzip, zstd }

/// Volumes as archives, and as images in registries.
extension HostEngine {
    /// Writes a volume's files as a tar into a file, a pipe or a socket.
    ///
    /// - Parameter freezes: whether containers that have it mounted are frozen meanwhile.
    package func backUpVolume(
        _ name: String, to archive: SharedDescriptor, compression: ArchiveCompression = .none, freezes: Bool = false
    ) async throws {
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        let progress = CopyProgress(nil)
        try await reading(volume, freezes: freezes) { path in
            try await withTaskCancellationHandler {
                try await BlockingExecutor.transfers.run { () throws(EngineError) in
                    do {
                        let root = try Files.open(path, [.directory]).shared()
                        try Self.write(root, to: archive, compression, progress)
                    } catch {
                        throw EngineError(.failed, "backing up volume \(name): \(error)")
                    }
                }
            } onCancel: {
                progress.cancel()
            }
        }
        await publish(.volume, "backup", actor: name, ["driver": "local"])
    }

    private static func write(
        _ root: SharedDescriptor, to archive: SharedDescriptor, _ compression: ArchiveCompression,
        _ progress: CopyProgress
    ) throws(ArchiveError) {
        var choices = DirectoryWalker.Choices()
        choices.keepsReservedNames = true
        func write(_ sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void) throws(ArchiveError) {
            try DirectoryArchive.write(root, choices: choices) { piece throws(ArchiveError) in
                try progress.reached(0)
                try sink(piece)
            }
        }
        switch compression {
        case .gzip:
            let writer = try GzipWriter(archive)
            try write { piece throws(ArchiveError) in try writer.append(piece) }
            try writer.finish()
        case .zstd:
            let writer = try ZstdWriter(archive)
            try write { piece throws(ArchiveError) in try writer.append(piece) }
            try writer.finish()
        case .none:
            try write { piece throws(ArchiveError) in
                do throws(SystemError) { try archive.writeAll(piece) } catch { throw .system(error) }
            }
        }
    }

    /// Replaces a volume's files by those of a tar, plain, gzip or zstd; makes the volume where there is none.
    ///
    /// - Parameter archive: read to its end.
    package func restoreVolume(
        _ name: String, from archive: SharedDescriptor, freezes: Bool = false, report: CopyReport? = nil
    ) async throws {
        let progress = CopyProgress(report)
        try await replaceContent(of: name, freezes: freezes) { target in
            try await withTaskCancellationHandler {
                try await BlockingExecutor.transfers.run { () throws(EngineError) in
                    do {
                        let root = try Files.open(target, [.directory]).shared()
                        try DirectoryExtractor.extract(DescriptorSource(archive), into: root) {
                            (count) throws(ArchiveError) in try progress.reached(count)
                        }
                    } catch let error as ArchiveError {
                        throw EngineError(.invalid, "restoring volume \(name): \(error)")
                    } catch {
                        throw EngineError(.failed, "restoring volume \(name): \(error)")
                    }
                }
            } onCancel: {
                progress.cancel()
            }
        }
    }

    // MARK: Registries

    /// The label of an image that is a volume's backup: the volume's name.
    private static let volumeLabel = "io.stackctl.volume"

    /// Pushes a volume's files to a registry, as the one layer of an image.
    ///
    /// Names that mean removals in a layer (`.wh.…`) are refused.
    package func backUpVolume(
        _ name: String, to reference: ImageReference, freezes: Bool = false, access: RegistryAccess = RegistryAccess(),
        progress: PushProgressHandler? = nil
    ) async throws -> PushedImage {
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        let reference = reference.withDefaultTag
        let now = Clock.now().rfc3339
        var config = ImageConfig(
            platform: .host, created: now, execution: .init(),
            history: [ImageConfig.History(created: now, comment: "Volume \(name)")])
        config.execution.labels = [Self.volumeLabel: name]
        let image = try await reading(volume, freezes: freezes) { [config] path in
            let root = try await BlockingExecutor.shared.run { try Files.open(path, [.directory]).shared() }
            do {
                return try await self.images.makeImage(
                    of: .upperDirectory(root, leavingOutIfEmpty: []), on: config, as: nil,
                    origin: ["volume": .string(name)], doing: "backing up volume \(name)")
            } catch {
                throw EngineError.image(error)
            }
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

    /// Replaces a volume's files by those of an image in a registry; makes the volume where there is none.
    package func restoreVolume(
        _ name: String, from reference: ImageReference, freezes: Bool = false,
        access: RegistryAccess = RegistryAccess(), progress: PullProgressHandler? = nil
    ) async throws {
        let pulled = try await pullImage(reference, access: access, progress: progress)
        let result: Result<Void, any Error>
        do {
            try await replaceContent(of: name, freezes: freezes) { target in
                let layers = try await self.layerMounts.hold(pulled.image)
                defer {
                    self.layerMounts.release(pulled.image.id)
                    self.sweepLayersLater()
                }
                let scratch = "\(self.configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
                let empty = self.emptyDirectory
                let source = try await BlockingExecutor.shared.run {
                    try MergedView.open(layers, scratch: scratch, empty: empty)
                }
                try await self.copyTree("/proc/self/fd/\(source.raw)", to: target, nil)
                withExtendedLifetime(source) {}
            }
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
}
