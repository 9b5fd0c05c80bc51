import Linux

/// Mounts what volumes with a device mount, at their first use, and unmounts it at their last.
///
/// Who uses one is known by a name of its own: a container's id.
actor VolumeMounts {
    private var users: [String: Set<String>] = [:]
    private let queue = OperationQueue()

    /// Mounts a volume's device unless that is done, for a user.
    ///
    /// - Returns: whether the volume has one.
    @discardableResult
    func hold(_ volume: Volume, at path: String, for user: String) async throws -> Bool {
        guard let mount = volume.settings.mount else { return false }
        try await queue.run {
            try await BlockingExecutor.shared.run {
                guard try !Mounts.isMountPoint(path) else { return }
                try mount.mount(at: path)
            }
            await self.add(user, to: path)
        }
        return true
    }

    private func add(_ user: String, to path: String) { users[path, default: []].insert(user) }

    /// Unmounts what only this user used.
    ///
    /// Whoever has files open there keeps them.
    func release(_ user: String) async {
        await queue.run {
            for path in await self.take(user) {
                _ = try? await BlockingExecutor.shared.run { try Mounts.unmountIfMounted(path, [.detach]) }
            }
        }
    }

    private func take(_ user: String) -> [String] {
        var free: [String] = []
        for (path, names) in users where names.contains(user) {
            let rest = names.subtracting([user])
            users[path] = rest.isEmpty ? nil : rest
            if rest.isEmpty { free.append(path) }
        }
        return free
    }

    /// Unmounts what nobody uses: mounts of an earlier daemon.
    func sweep(_ paths: [String]) async {
        await queue.run {
            let used = await self.users
            for path in paths where used[path] == nil {
                _ = try? await BlockingExecutor.shared.run { try Mounts.unmountIfMounted(path, [.detach]) }
            }
        }
    }
}
