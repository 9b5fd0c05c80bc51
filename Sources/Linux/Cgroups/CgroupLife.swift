import CLinux
import Glibc

extension Cgroup {
    /// Ends every process in the group and below it, and waits until they are gone, for `timeout` at most.
    ///
    /// Throws `EBUSY` when some remain: a process in an uninterruptible call ends when that returns.
    package func kill(timeout: Duration = .seconds(10)) throws(SystemError) {
        let deadline = Clock.monotonic() + timeout.wholeNanoseconds
        var pause: UInt32 = 500
        while true {
            let rest = try living()
            if rest.isEmpty { return }
            if Clock.monotonic() > deadline {
                throw SystemError(call: "kill", errno: .EBUSY, subject: "cgroup \(path)")
            }
            try killOnce(rest)
            usleep(pause)
            pause = min(pause * 2, 20_000)
        }
    }

    private func killOnce(_ members: [Int32]) throws(SystemError) {
        if isV2, let root = hierarchy.unifiedRoot {
            let file = "\(root)/\(path)/cgroup.kill"
            if Files.exists(file) {
                try Files.writeExisting(file, "1")
                return
            }
        }
        // Frozen, they cannot start others between the list and the signals.
        try? setFrozen(true)
        defer { try? setFrozen(false) }
        for pid in try living() where pid != CurrentProcess.pid { try? Signals.kill(pid, SIGKILL) }
    }

    /// The members that still run; a zombie is a member until its parent reaps it, but holds nothing.
    private func living() throws(SystemError) -> [Int32] {
        try processes().filter { Self.isLiving($0) }
    }

    /// Whether a process lives: one that cannot be opened for want of descriptors, say, does.
    static func isLiving(
        _ pid: Int32, open: (Int32) throws(SystemError) -> ProcessHandle = { try .open($0) }
    ) -> Bool {
        do throws(SystemError) {
            return try open(pid).isAlive
        } catch {
            return error.errno != .ESRCH
        }
    }

    /// Stops every process of the group, without their notice, and waits until all stand still, 10 s at most.
    ///
    /// Throws `ETIMEDOUT`; the group is then thawed again.
    package func freeze() throws(SystemError) {
        try setFrozen(true)
        for _ in 0..<2000 {
            if try isFrozen() { return }
            usleep(5_000)
        }
        try setFrozen(false)
        throw SystemError(call: "freeze", errno: .ETIMEDOUT, subject: "cgroup \(path)")
    }

    /// Lets them go on.
    package func thaw() throws(SystemError) {
        try setFrozen(false)
    }

    /// Whether every process stands still.
    package func isFrozen() throws(SystemError) -> Bool {
        if isV2 { return try table("freezer", "cgroup.events")["frozen"] == 1 }
        return try read("freezer", "freezer.state") == "FROZEN"
    }

    private func setFrozen(_ frozen: Bool) throws(SystemError) {
        guard let file = file("freezer", isV2 ? "cgroup.freeze" : "freezer.state") else { return }
        let value = isV2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED")
        try Files.writeExisting(file, value)
    }

    /// Removes the group and those below it.
    ///
    /// One that is gone is fine.
    ///
    /// Throws `EBUSY` when processes are still in it after a second; what could be removed in other trees is.
    package func remove() throws(SystemError) {
        var first: SystemError?
        for directory in directories {
            do throws(SystemError) {
                try remove(directory, attempts: 100)
            } catch {
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    /// Removes the group where it has neither processes nor groups below; anywhere else it stays.
    package func removeIfEmpty() {
        for directory in directories { try? Files.removeDirectory(directory) }
    }

    private func remove(_ directory: String, attempts: Int) throws(SystemError) {
        for attempt in 1...attempts {
            do throws(SystemError) {
                for entry in try Files.list(directory) where entry.kind == .directory {
                    try remove("\(directory)/\(entry.name)", attempts: 1)
                }
                try Files.removeDirectory(directory)
                return
            } catch {
                if error.errno == .ENOENT || error.errno == .ENODEV { return }
                // The kernel takes a moment to let go of a group after its last process.
                if error.errno != .EBUSY || attempt == attempts { throw error }
            }
            usleep(10_000)
        }
    }
}
