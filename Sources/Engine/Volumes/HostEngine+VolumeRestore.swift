import Linux

/// Puts files back into volumes: of snapshots, archives and images.
extension HostEngine {
    /// Replaces a volume's files by those that `fill` puts into the directory it is given, or makes the volume of them
    /// where there is none.
    ///
    /// All of the new files are there or all of the old ones, whatever happens.
    ///
    /// - Parameter freezes: whether containers that have it mounted are frozen, and not a reason to refuse.
    func replaceContent(
        of name: String, freezes: Bool, fill: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        try Volume.check(name: name)
        guard let volume = try await volumes.find(name) else {
            try await withPartial { partial in
                try await fill("\(partial)/_data")
                try await self.volumes.adopt(partial, as: Volume(name: name))
            }
            return await publish(.volume, "create", actor: name, ["driver": "local"])
        }
        if let mount = volume.settings.mount {
            throw EngineError(
                .conflict,
                "restore \(name): what the volume shows is mounted from \(mount.device): restore into a volume without a device"
            )
        }
        try await refuseRunning(name, freezes: freezes)
        try await withPartial { partial in
            try await fill("\(partial)/_data")
            // Locked only now: to fill the tree may take long, and the old files can be used meanwhile.
            try self.volumeClaims.lock(name)
            defer { self.volumeClaims.unlock(name) }
            try await self.exchange(name, partial, freezes: freezes)
        }
        await publish(.volume, "restore", actor: name, ["driver": "local"])
    }

    private func exchange(_ name: String, _ partial: String, freezes: Bool) async throws {
        let path = "\(configuration.volumesDirectory)/\(name)"
        let users = try await settledUsers(of: name).filter { $0.state.isActive }
        guard !users.isEmpty else {
            return try await BlockingExecutor.shared.run { try VolumeSwap.exchange(path, partial) }
        }
        try await refuseRunning(name, freezes: freezes)
        let frozen = try await freeze(users)
        let result: Result<Void, any Error>
        do {
            try await BlockingExecutor.shared.run { [ids = frozen.map(\.id)] in
                try VolumeSwap.replace(path, partial, frozen: ids)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await thaw(frozen)
        try result.get()
    }

    private func refuseRunning(_ name: String, freezes: Bool) async throws {
        let running = users(ofVolume: name).filter { $0.state.isActive }
        guard !running.isEmpty, !freezes else { return }
        throw EngineError(
            .conflict,
            "restore \(name): volume is in use - [\(running.map(\.id).joined(separator: ", "))]: stop them, or have them frozen meanwhile with --pause"
        )
    }

    /// Finishes what an earlier daemon began to put into volumes, and lets containers go on that it froze for it.
    func recoverVolumeContents() async -> [String] {
        var notes: [String] = []
        for volume in (try? await volumes.all()) ?? [] {
            let path = "\(configuration.volumesDirectory)/\(volume.name)"
            guard let frozen = await BlockingExecutor.shared.run({ VolumeSwap.unfinished(path) }) else { continue }
            do {
                try await BlockingExecutor.shared.run { try VolumeSwap.finish(path) }
                notes.append("finished restoring volume \(volume.name)")
            } catch {
                notes.append("volume \(volume.name) is restored in part: \(error)")
            }
            await thaw(frozen.compactMap { containers.container(id: $0) })
        }
        return notes
    }
}
