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
        guard flock(lock, LOCK_EX | LOCK_NB) >= 0 else {
            throw Fault(EBUSY, "another supervisor runs this container")
        }
    }

    func writeStatus() {
        let temporary: KernelString = "status.new"
        let file = withCString(temporary) {
            linux_openat(directory, $0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        guard file >= 0 else { return }
        let written = writeAll(file, SupervisorMessage.status(status).encoded())
        closeDescriptor(file)
        guard written else { return }
        _ = withCString(temporary) { from in
            withCString(SupervisionPlan.statusName) { renameat(directory, from, directory, $0) }
        }
    }

    /// The end of the container: the status is on disk before anyone is told, and nothing else is left.
    func finish() {
        status.state = .exited
        writeStatus()
        removeTraces()
        let line = SupervisorMessage.status(status).encoded()
        for client in clients { send(line, to: client.descriptor) }
        isFinished = true
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
        closeDescriptor(directory)
        directory = -1
    }

    /// The kernel takes a moment to let go of a group after its last process.
    private func removeCgroups() {
        for file in plan.cgroupFiles {
            guard let slash = file.bytes.lastIndex(of: 0x2F) else { continue }
            let group = KernelString(bytes: Array(file.bytes[..<slash]))
            for _ in 0..<100 {
                if withCString(group, { rmdir($0) }) >= 0 || linux_errno() != EBUSY { break }
                _ = init_poll(nil, 0, 1)
            }
        }
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
