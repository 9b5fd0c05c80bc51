import LaunchProgram
import Linux
import Synchronization

/// Starts containers, finds those that run, and removes what they leave.
///
/// It keeps nothing in memory about containers: each has a supervisor that outlives the daemon, and a directory.
package final class ContainerRuntime: Sendable {
    /// How control groups are mounted here.
    package let cgroups: CgroupHierarchy
    /// The sealed copy of `stack-init`: what enters containers can be changed by nobody, and the file on disk can be
    /// replaced at any time.
    let program: SharedDescriptor
    /// What launches need to know of this host.
    let host: HostFacts

    /// Takes a sealed copy of `stack-init`.
    ///
    /// - Parameter cgroups: the hierarchy to use; nil is the one this host has.
    /// - Throws: `RuntimeError` when the program cannot be read or no control groups are mounted.
    package init(initBinary: String, cgroups: CgroupHierarchy? = nil) throws(RuntimeError) {
        program = try Self.sealedProgram(initBinary)
        host = .current()
        self.cgroups = try RuntimeError.wrap("looking for control groups") { () throws(SystemError) in
            if let cgroups { return cgroups }
            return try CgroupHierarchy.detect()
        }
    }

    static func sealedProgram(_ path: String) throws(RuntimeError) -> SharedDescriptor {
        try RuntimeError.wrap("reading \(path)") { () throws(SystemError) in
            let file = try Files.open(path, .readOnly)
            return try MemoryFile.sealedCopy(name: "stack-init", of: file.raw).shared()
        }
    }

    /// What a start would do, step by step; nothing is touched.
    package func explain(_ configuration: ContainerConfiguration) throws(RuntimeError) -> [String] {
        try LaunchCompiler.program(for: configuration, cgroup: try layout(configuration.cgroupPath), host: host)
            .listing()
    }

    /// What this host's control groups can be limited in.
    ///
    /// Blocks.
    package func cgroupSupport() -> CgroupSupport { cgroups.support() }

    /// A container's control group.
    package func cgroup(path: String) throws(RuntimeError) -> Cgroup {
        try RuntimeError.wrap("naming the cgroup") { () throws(SystemError) in try cgroups.group(path) }
    }

    func layout(_ path: String) throws(RuntimeError) -> CgroupLayout {
        CgroupLayout(try cgroup(path: path))
    }

    /// Changes the limits of a running container: all of them, or none.
    ///
    /// - Throws: `RuntimeError.memoryInUse` when more memory is in use than it would be allowed.
    ///
    /// - Parameter known: the limits asked for so far.
    package func update(
        limits: CgroupLimits, from known: CgroupLimits = CgroupLimits(), cgroupPath: String
    ) async throws(RuntimeError) {
        let group = try cgroup(path: cgroupPath)
        let used = try await RuntimeError.blocking("setting limits") { () throws(SystemError) -> Int64? in
            do throws(SystemError) {
                try group.change(to: limits, from: known)
                return nil
            } catch let error where error.errno == .EBUSY {
                return try group.statistics().memoryUsage
            }
        }
        if let used { throw .memoryInUse(limit: limits.memoryBytes ?? 0, used: used) }
    }

    /// Removes the cgroup above the containers' once nothing is in it.
    package func removeIdleCgroup(_ path: String) async {
        guard let group = try? cgroup(path: path) else { return }
        await BlockingExecutor.shared.run { group.removeIfEmpty() }
    }

    /// What a container's status file says; nil when it never ran.
    ///
    /// A status that calls a process running whose supervisor is gone is corrected: killed, at an unknown time.
    package func status(directory: String) throws(RuntimeError) -> SupervisorStatus? {
        try RuntimeError.wrap("reading the status of \(directory)") { () throws(SystemError) in
            let path = directory + "/status"
            guard Files.exists(path) else { return nil }
            let bytes = try Files.readAll(path, limit: 4096)
            guard var status = SupervisorStatus(decoding: Array(bytes.prefix { $0 != 0x0A })) else {
                throw SystemError(call: "decode", errno: .EBADMSG, subject: path)
            }
            if !status.isFinal, try !Self.hasSupervisor(directory) {
                status.state = .exited
                status.pid = 0
                status.exitCode = 137
                status.signal = 9
                status.finishedAt = max(status.startedAt, Clock.now().nanosecondsSinceEpoch)
            }
            return status
        }
    }

    /// Whether a supervisor lives for the container of a directory, answering or not.
    ///
    /// Blocks.
    package func isSupervised(directory: String) throws(RuntimeError) -> Bool {
        try RuntimeError.wrap("looking at \(directory)") { () throws(SystemError) in
            try Self.hasSupervisor(directory)
        }
    }

    /// Whether a supervisor holds the directory's lock.
    static func hasSupervisor(_ directory: String) throws(SystemError) -> Bool {
        let path = directory + "/lock"
        guard Files.exists(path) else { return false }
        return try FileLock.isRecordLocked(path)
    }

    /// Finds the supervisor of a container; nil when there is none.
    ///
    /// - Parameter patience: how long it may take to answer a question.
    package func connect(
        directory: String, name: String = "", patience: Duration = SupervisorConnection.usualPatience
    ) async throws(RuntimeError) -> SupervisorConnection? {
        try await SupervisorConnection.open(directory: directory, name: name, child: nil, patience: patience)
    }

    /// Removes a container: what still runs, its control group, its directory.
    ///
    /// One that is gone is fine.
    package func delete(
        directory: String, cgroupPath: String, timeout: Duration = .seconds(10)
    ) async throws(RuntimeError) {
        if let connection = try await connect(directory: directory) {
            try? await connection.stop(timeout: .zero)
            await connection.waitForExit(atMost: timeout)
            connection.close()
        }
        let group = try cgroup(path: cgroupPath)
        try await RuntimeError.blocking("removing \(directory)") { () throws(SystemError) in
            if group.exists { try group.kill(timeout: timeout) }
            try group.remove()
            try Files.removeTree(directory)
        }
    }
}

extension RuntimeError {
    /// Says what was being done to a system call's error.
    static func wrap<Answer: ~Copyable>(
        _ doing: String, _ body: () throws(SystemError) -> Answer
    ) throws(RuntimeError) -> Answer {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .system(error, doing: doing)
        }
    }

    /// The same on a thread that may block.
    static func blocking<Answer: Sendable>(
        _ doing: String, _ body: @escaping @Sendable () throws(SystemError) -> Answer
    ) async throws(RuntimeError) -> Answer {
        do throws(SystemError) {
            return try await BlockingExecutor.shared.run(body)
        } catch {
            throw .system(error, doing: doing)
        }
    }

    /// Any error of the event loop as one of ours.
    static func from(_ error: any Error, doing: String) -> RuntimeError {
        switch error {
        case let error as RuntimeError: error
        case let error as SystemError: .system(error, doing: doing)
        case is TimeoutError: .timedOut(doing: doing)
        default: .system(SystemError(call: "wait", errno: .ECANCELED), doing: doing)
        }
    }
}
