import ImageStore
import Linux

/// What tells how many bytes of a copy are done.
package typealias CopyReport = @Sendable (Int64) -> Void

/// Volumes renamed, cloned, kept as snapshots and put back.
extension HostEngine {
    /// Gives a volume another name; containers that mount it and do not run are made to follow.
    ///
    /// - Throws: a conflict while one runs: what it shows of itself would be wrong.
    package func renameVolume(_ name: String, to new: String) async throws {
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        try Volume.check(name: new)
        try await refuseStacks(volume, "rename it in the manifest")
        try volumeClaims.lock(name)
        defer { volumeClaims.unlock(name) }
        let users = try await settledUsers(of: name)
        let running = users.filter { $0.state.isActive }
        guard running.isEmpty else {
            throw EngineError(
                .conflict, "rename \(name): volume is in use - [\(running.map(\.id).joined(separator: ", "))]")
        }
        guard !containers.damaged.contains(where: { $0.mayUse(volume: name) }) else {
            throw EngineError(.conflict, "rename \(name): a damaged container may use the volume")
        }
        var rows: [ContainerRowChange] = []
        for container in users {
            let old = container.specification.mounts
            container.change { facts in
                for index in facts.specification.mounts.indices
                where facts.specification.mounts[index].kind == .volume
                    && facts.specification.mounts[index].source == name
                {
                    facts.specification.mounts[index].source = new
                }
            }
            rows.append((container, old))
        }
        do {
            _ = try await volumes.rename(name, to: new, rows: rows.map(\.container.row))
        } catch {
            for (container, mounts) in rows { container.change { $0.specification.mounts = mounts } }
            throw error
        }
        await publish(.volume, "rename", actor: new, ["driver": "local", "oldName": name])
    }

    private typealias ContainerRowChange = (container: Container, mounts: [MountSpecification])

    /// What a stack has recorded as its own is changed by its manifest only.
    private func refuseStacks(_ volume: Volume, _ advice: String) async throws {
        let holdings = try await stackHoldings()
        guard volume.stack == nil, !holdings.objects.contains(volume.name) else {
            throw EngineError(
                .conflict, "volume \(volume.name) belongs to the stack \(volume.stack ?? "that made it"): \(advice)")
        }
    }

    /// Those that mount a volume, none of them on its way up or down.
    func settledUsers(of name: String) async throws -> [Container] {
        let users = users(ofVolume: name)
        for container in users { await container.queue.run {} }
        return users
    }

    /// Copies a volume into a new one.
    ///
    /// - Parameter freezes: whether containers that have it mounted are frozen meanwhile.
    package func cloneVolume(
        _ name: String, to new: String, labels: [String: String]? = nil, freezes: Bool = false,
        report: CopyReport? = nil
    ) async throws -> Volume {
        try Volume.check(name: new)
        guard let volume = try await volumes.find(name) else { throw EngineError.noVolume(name) }
        guard try await volumes.find(new) == nil else {
            throw EngineError(.conflict, "volume \(new) exists already")
        }
        // What is mounted in the original's place stays there.
        let kept = (volume.options ?? [:]).filter { ["uid", "gid", "mode", "idmap"].contains($0.key) }
        let clone = Volume(name: new, labels: labels ?? volume.labels, options: kept.isEmpty ? nil : kept)
        try await withPartial { partial in
            try await self.copyOut(volume, to: "\(partial)/_data", freezes: freezes, report)
            try await self.volumes.adopt(partial, as: clone)
        }
        await publish(.volume, "create", actor: new, ["driver": "local", "clonedFrom": name])
        return clone
    }

    /// Gives a body a directory for a tree that is not complete yet, and removes what it leaves there.
    func withPartial<Value: Sendable>(_ body: @Sendable (String) async throws -> Value) async throws -> Value {
        let partial = try volumes.partialPath()
        try await BlockingExecutor.shared.run { try Files.makeDirectories("\(partial)/_data", mode: 0o755) }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(partial))
        } catch {
            result = .failure(error)
        }
        try? await BlockingExecutor.shared.run { try Files.removeTree(partial) }
        return try result.get()
    }

    /// Copies a volume's files into a new directory.
    func copyOut(_ volume: Volume, to target: String, freezes: Bool, _ report: CopyReport?) async throws {
        try await reading(volume, freezes: freezes) { source in
            try await self.copyTree(source, to: target, report)
        }
    }

    /// Copies a tree, which ends with the task.
    func copyTree(_ source: String, to target: String, _ report: CopyReport?) async throws {
        let progress = CopyProgress(report)
        try await withTaskCancellationHandler {
            try await BlockingExecutor.transfers.run {
                let from = try Files.open(source, [.directory]).shared()
                let into = try Files.open(target, [.directory]).shared()
                try TreeCopy.copy(
                    from: from.raw, into: into.raw, keepsSpecialFiles: true, progress: { try progress.add($0) })
            }
        } onCancel: {
            progress.cancel()
        }
    }

    /// Gives a body the path of a volume's files, which stay there meanwhile.
    func reading<Value: Sendable>(
        _ volume: Volume, freezes: Bool, _ body: @Sendable (String) async throws -> Value
    ) async throws -> Value {
        let name = volume.name
        try volumeClaims.refuseLocked(name)
        volumeClaims.claim([name])
        defer { volumeClaims.release([name]) }
        let user = "reading-\(try Random.hex(bytes: 8))"
        let path = volumes.dataPath(name)
        let result: Result<Value, any Error>
        do {
            try await volumeMounts.hold(volume, at: path, for: user)
            let frozen = freezes ? try await freeze(users(ofVolume: name)) : []
            do {
                result = .success(try await body(path))
            } catch {
                result = .failure(error)
            }
            await thaw(frozen)
        } catch {
            await volumeMounts.release(user)
            throw error
        }
        await volumeMounts.release(user)
        return try result.get()
    }

    /// Freezes those that run.
    ///
    /// - Returns: those that were frozen here.
    func freeze(_ containers: [Container]) async throws -> [Container] {
        var frozen: [Container] = []
        for container in containers where container.state.phase == .running {
            do {
                try await pause(container)
                frozen.append(container)
            } catch let error as EngineError where error.kind == .conflict {
                // It has just ended, or somebody else has frozen it.
            } catch {
                await thaw(frozen)
                throw error
            }
        }
        return frozen
    }

    /// Lets containers go on, whatever has become of them.
    func thaw(_ containers: [Container]) async {
        for container in containers { try? await unpause(container) }
    }
}
