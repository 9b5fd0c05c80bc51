import JSONText
import Linux

/// A copy of a volume's files at one time, which nothing can mount or change.
package struct VolumeSnapshot: Sendable, Hashable {
    /// The volume's name.
    package var volume: String
    /// Its own name, unique in the volume.
    package var name: String
    /// When it was complete.
    package var created: Timestamp
    /// Bytes of its files.
    package var size: Int64

    /// As clients see it.
    package var json: JSONObject {
        [
            "Volume": .string(volume), "Name": .string(name), "CreatedAt": .string(created.rfc3339Seconds),
            "Size": .int(size),
        ]
    }
}

extension HostEngine {
    /// Keeps a volume's files as they are now.
    ///
    /// - Parameters:
    ///   - asked: the snapshot's name; the time where absent.
    ///   - freezes: whether containers that have it mounted are frozen meanwhile.
    package func snapshotVolume(
        _ name: String, as asked: String? = nil, freezes: Bool = false, report: CopyReport? = nil
    ) async throws -> VolumeSnapshot {
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        let snapshot = asked ?? Clock.now().rfc3339Seconds.replacing(":", with: "-")
        guard ObjectName.isValid(snapshot) else {
            throw EngineError(
                .invalid, "invalid snapshot name (\(snapshot)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        }
        let folder = volumes.snapshotsPath(name)
        let path = "\(folder)/\(snapshot)"
        guard !Files.exists(path) else {
            throw EngineError(.conflict, "volume \(name) has a snapshot \(snapshot) already")
        }
        try await withPartial { partial in
            try await self.copyOut(volume, to: "\(partial)/_data", freezes: freezes, report)
            try await BlockingExecutor.shared.run { () throws(EngineError) in
                do {
                    try VolumeStore.synchronize(partial)
                    try Files.makeDirectories(folder, mode: 0o700)
                    try Files.rename(partial, to: path, replace: false)
                } catch {
                    throw EngineError(.failed, "the snapshot \(snapshot) of volume \(name) cannot be kept: \(error)")
                }
            }
        }
        await publish(.volume, "snapshot", actor: name, ["driver": "local", "snapshot": snapshot])
        return try await self.snapshot(snapshot, of: name)
    }

    /// The snapshots of a volume, oldest first.
    package func snapshots(of name: String) async throws -> [VolumeSnapshot] {
        guard try await volumes.find(name) != nil else { throw EngineError.noVolume(name) }
        let folder = volumes.snapshotsPath(name)
        return try await BlockingExecutor.shared.run {
            guard Files.exists(folder) else { return [] }
            return try Files.list(folder).map { entry in
                let root = try Files.open("\(folder)/\(entry.name)/_data", [.directory]).shared()
                return VolumeSnapshot(
                    volume: name, name: entry.name, created: try Files.status("\(folder)/\(entry.name)").changed,
                    size: try withExtendedLifetime(root) { try DiskUsage.bytes(of: $0.raw) })
            }.sorted { ($0.created, $0.name) < ($1.created, $1.name) }
        }
    }

    /// One snapshot.
    package func snapshot(_ snapshot: String, of name: String) async throws -> VolumeSnapshot {
        guard let found = try await snapshots(of: name).first(where: { $0.name == snapshot }) else {
            throw EngineError(.notFound, "volume \(name) has no snapshot \(snapshot)")
        }
        return found
    }

    /// Removes a snapshot.
    package func removeSnapshot(_ snapshot: String, of name: String) async throws {
        let found = try await self.snapshot(snapshot, of: name)
        let (path, partial) = ("\(volumes.snapshotsPath(name))/\(found.name)", try volumes.partialPath())
        try await BlockingExecutor.shared.run {
            // Away in one step: what is left of it is no snapshot.
            try Files.rename(path, to: partial, replace: false)
            try Files.removeTree(partial)
        }
        await publish(.volume, "snapshot_remove", actor: name, ["driver": "local", "snapshot": snapshot])
    }

    /// Puts a snapshot's files back into its volume.
    package func restoreSnapshot(
        _ snapshot: String, of name: String, freezes: Bool = false, report: CopyReport? = nil
    ) async throws {
        let found = try await self.snapshot(snapshot, of: name)
        let source = "\(volumes.snapshotsPath(name))/\(found.name)/_data"
        try await replaceContent(of: name, freezes: freezes) { target in
            try await self.copyTree(source, to: target, report)
        }
    }
}
