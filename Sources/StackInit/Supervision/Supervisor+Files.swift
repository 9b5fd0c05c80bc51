import CLinux

/// The supervisor's files: its directory and lock, the control socket, the status; and the cgroup at the end.
extension Supervisor {
    /// Opens the directory, takes its lock (one supervisor for one container), and listens.
    func openDirectory() throws(Fault) {
        let opened = try check(
            withCString(plan.directory) { linux_openat(INIT_AT_FDCWD, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) },
            "open", plan.directory)
        try takeLock(opened)
        let name = SupervisionPlan.controlName
        _ = withCString(name) { unlinkat(opened, $0, 0) }
        listener = try check(init_unix_socket(), "socket")
        // Socket addresses are short; the directory's path need not be.
        let path = KernelString(descriptorPath: opened) + "/" + name
        try check(withCString(path) { linux_bind_unix(listener, $0) }, "bind", name)
        try check(init_listen(listener), "listen", name)
        directory = opened
    }

    /// The lock says that a supervisor lives, whatever the status says.
    private func takeLock(_ opened: Int32) throws(Fault) {
        let name = SupervisionPlan.lockName
        lock = try check(
            withCString(name) { linux_openat(opened, $0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) },
            "open", name)
        guard linux_lock_file(lock) >= 0 else {
            if linux_errno() != EAGAIN && linux_errno() != EACCES { throw Fault.last("lock", name) }
            throw Fault(EBUSY, "another supervisor runs this container")
        }
    }

    /// Writes the status file; when the disk does not take it, again in a while.
    func recordStatus() {
        recordAt = writeStatus() ? 0 : init_monotonic_clock() + Self.recordInterval
    }

    /// Between attempts to write the status file, in nanoseconds.
    private static let recordInterval: Int64 = 500_000_000

    /// Replaces the status file; false when the disk does not take it.
    ///
    /// The file stays open until the next one, so that its content can be waited for.
    private func writeStatus() -> Bool {
        closeDescriptor(statusFile)
        let temporary: KernelString = "status.new"
        statusFile = withCString(temporary) {
            linux_openat(directory, $0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        // A directory that was removed has no room for names, and nobody who would ask.
        guard statusFile >= 0 else { return linux_errno() == ENOENT }
        guard writeAll(statusFile, SupervisorMessage.status(status).encoded()) else { return false }
        return withCString(temporary) { from in
            withCString(SupervisionPlan.statusName) { renameat(directory, from, directory, $0) }
        } >= 0
    }

    /// The end of the container: the status is on disk before anyone is told, and nothing else is left.
    ///
    /// While the disk does not take it, the supervisor stays: it tells the status to those who ask, and tries again.
    func finish() {
        status.state = .exited
        let wasEnded = isEnded
        phase = .ended
        recordStatus()
        guard recordAt == 0 else {
            if !wasEnded { announce() }
            return
        }
        removeTraces()
        announce()
        // Only against a power failure, and it takes milliseconds: nobody has to wait for it.
        _ = fsync(statusFile)
        _ = fsync(directory)
        isFinished = true
    }

    private var isEnded: Bool {
        if case .ended = phase { return true }
        return false
    }

    /// The end of a container that never ran: as if it had not been tried.
    func failFirstStart(_ failure: LaunchFailure) {
        if directory >= 0 {
            _ = withCString(SupervisionPlan.lockName) { unlinkat(directory, $0, 0) }
            removeTraces()
        }
        report(.failed(failure))
        isFinished = true
    }

    private func removeTraces() {
        _ = withCString(SupervisionPlan.controlName) { unlinkat(directory, $0, 0) }
        closeDescriptor(listener)
        listener = -1
        removeCgroups()
        closeDescriptor(lock)
        lock = -1
    }

    /// Removes the container's groups, once their last processes have left them.
    ///
    /// The kernel takes a moment for that, and longer where a process is slow to end. Groups that the container made below
    /// its own are left to the daemon.
    private func removeCgroups() {
        let deadline = init_monotonic_clock() + Self.groupTime
        for file in plan.cgroupFiles {
            guard let group = Self.parent(of: file) else { continue }
            var rounds = 0
            while withCString(group, { rmdir($0) }) < 0, linux_errno() == EBUSY {
                rounds += 1
                guard rounds < 100 || init_monotonic_clock() < deadline && Self.hasMembers(group) else { break }
                _ = init_poll(nil, 0, 1)
            }
            // The group above goes with the last container: by the daemon, while there is one.
            if clients.isEmpty, !plan.keepsGroupAbove, let above = Self.parent(of: group) {
                _ = withCString(above) { rmdir($0) }
            }
        }
    }

    /// How long the last processes may take to leave the groups, in nanoseconds.
    private static let groupTime: Int64 = 5_000_000_000

    private static func hasMembers(_ group: KernelString) -> Bool {
        let list = group + "/cgroup.procs"
        let file = withCString(list) { linux_openat(INIT_AT_FDCWD, $0, O_RDONLY | O_CLOEXEC, 0) }
        guard file >= 0 else { return false }
        defer { closeDescriptor(file) }
        return !(readAll(file, limit: 4096) ?? []).isEmpty
    }

    private static func parent(of path: KernelString) -> KernelString? {
        guard let slash = path.bytes.lastIndex(of: 0x2F), slash > 0 else { return nil }
        return KernelString(bytes: Array(path.bytes[..<slash]))
    }

    /// How often the out-of-memory killer hit the group so far.
    func readMemoryKills() -> Int64 {
        guard !plan.memoryEvents.isEmpty else { return 0 }
        let file = withCString(plan.memoryEvents) { linux_openat(INIT_AT_FDCWD, $0, O_RDONLY | O_CLOEXEC, 0) }
        guard file >= 0 else { return 0 }
        defer { closeDescriptor(file) }
        let name = KernelString("oom_kill ").bytes
        for line in (readAll(file, limit: 4096) ?? []).split(separator: 0x0A) where line.starts(with: name) {
            return StatusLineReader.parse(line.dropFirst(name.count)) ?? 0
        }
        return 0
    }
}
