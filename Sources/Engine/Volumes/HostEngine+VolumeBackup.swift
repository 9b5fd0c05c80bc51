import Archives
import ImageStore
import Linux

/// How a volume's archive is compressed.
package enum ArchiveCompression: String, Sendable, Hashable, CaseIterable { case none, gzip, zstd }

/// Volumes as archives.
extension HostEngine {
    /// Writes a volume's files as a tar into a file, a pipe or a socket.
    ///
    /// - Parameter freezes: whether containers that have it mounted are frozen meanwhile.
    package func backUpVolume(
        _ name: String, to archive: SharedDescriptor, compression: ArchiveCompression = .none, freezes: Bool = false
    ) async throws {
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        try await pack(volume, compression, freezes: freezes) { archive }
        await publish(.volume, "backup", actor: name, ["driver": "local"])
    }

    /// Writes a volume's files into the archive that `open` gives, until the task is cancelled.
    func pack(
        _ volume: Volume, _ compression: ArchiveCompression, freezes: Bool,
        into open: @escaping @Sendable () throws -> SharedDescriptor
    ) async throws {
        let progress = CopyProgress(nil)
        try await reading(volume, freezes: freezes) { path in
            try await withTaskCancellationHandler {
                try await BlockingExecutor.transfers.run { () throws(EngineError) in
                    do {
                        let root = try Files.open(path, [.directory]).shared()
                        try Self.write(root, to: open(), compression, progress)
                    } catch {
                        throw EngineError(.failed, "backing up volume \(volume.name): \(error)")
                    }
                }
            } onCancel: {
                progress.cancel()
            }
        }
    }

    static func write(
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
            let writer = try ParallelGzipWriter(archive)
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
                        try Self.extract(archive, into: root, progress)
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

    static func extract(
        _ archive: SharedDescriptor, into root: SharedDescriptor, _ progress: CopyProgress
    ) throws(ArchiveError) {
        try DirectoryExtractor.extract(DescriptorSource(archive), into: root) {
            (count) throws(ArchiveError) in try progress.reached(count)
        }
    }
}
