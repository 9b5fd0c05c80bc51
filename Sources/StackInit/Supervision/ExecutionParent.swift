import CLinux

/// Runs one process to its end: in a running container's namespaces, or in new ones.
///
/// - Parameters:
///   - plan: the descriptor of the encoded `ExecutionPlan`.
///   - control: a stream socket. Out: `process`, then `ended`, or `failed`. In: `kill` messages; its end kills
///     the process where the plan says so.
///   - container: a pidfd of the container's first process, or -1.
func executeOnce(plan: Int32, control: Int32, container: Int32) -> Int32 {
    for descriptor in [plan, control, container] where descriptor >= 0 { _ = init_set_close_on_exec(descriptor) }
    for signal in [SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGTTOU] { init_ignore_signal(signal) }
    _ = linux_prctl(INIT_PR_SET_DUMPABLE, 0, 0, 0, 0)
    let bytes = readAll(plan, limit: 32 << 20) ?? []
    closeDescriptor(plan)
    // What the caller hands to the program has lower numbers than what it hands to us.
    let firstOwn = plan
    var reader = ByteReader(bytes)
    var failure = LaunchFailure(operation: LaunchFailure.planStep, code: EINVAL, detail: "unreadable plan")
    do throws(LaunchProgramError) {
        let plan = try ExecutionPlan(settingsFrom: &reader)
        let parent = ExecutionParent(plan: plan, control: control)
        do throws(Fault) {
            let launch = ProcessLaunch(
                plan: bytes, programOffset: reader.offset, cloneFlags: parent.plan.cloneFlags,
                diesWithParent: parent.plan.diesWithCaller, firstOwnDescriptor: firstOwn)
            try parent.start(launch, container: container)
            return parent.waitForEnd()
        } catch {
            failure = LaunchFailure(operation: LaunchFailure.processStep, code: error.code, detail: error.detail)
        }
    } catch {}
    writeAll(control, SupervisorMessage.failed(failure).encoded())
    return 1
}

/// The parent of one executed process.
final class ExecutionParent {
    let plan: ExecutionPlan
    private var control: Int32
    private var line: [UInt8] = []
    private var process = LaunchedProcess(pid: 0, handle: -1, channel: -1)
    private var terminal: Int32 = -1
    private var failure: LaunchFailure?
    private var deadline: Int64 = 0
    private var timedOut = false

    init(plan: ExecutionPlan, control: Int32) {
        self.plan = plan
        self.control = control
    }

    func start(_ launch: ProcessLaunch, container: Int32) throws(Fault) {
        var launch = launch
        if let score = plan.outOfMemoryScore { try writeOutOfMemoryScore(score) }
        let cgroups = try CgroupEntrance(plan.cgroupFiles, isUnified: plan.cgroupIsUnified, opensFiles: true)
        defer { cgroups.close() }
        // Opened on the host: in the container the name may be anything.
        let null = try check(linux_openat(INIT_AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0), "open /dev/null")
        let joined = Int32(truncatingIfNeeded: plan.joinFlags & ~NamespaceFlag.cgroup)
        if joined != 0 { try check(linux_setns(container, joined), "setns to the container") }
        if plan.joinFlags & NamespaceFlag.cgroup != 0 { launch.cgroupNamespace = container }
        process = try launch.start(in: cgroups)
        if plan.timeLimit > 0 { deadline = init_monotonic_clock() + Int64(plan.timeLimit) * 1_000_000 }
        // The streams, and what is handed through to the program, are the child's alone: their other ends must see it
        // close them.
        for stream in [Int32(0), 1, 2] { _ = dup2(null, stream) }
        _ = closeDescriptors(from: 3, but: [control, process.channel, process.handle])
    }

    func waitForEnd() -> Int32 {
        while true {
            var polled = [
                pollfd(fd: process.handle, events: Int16(POLLIN), revents: 0),
                pollfd(fd: process.channel, events: Int16(POLLIN), revents: 0),
                pollfd(fd: control, events: Int16(POLLIN), revents: 0),
            ]
            let wait = timeout()
            polled.withUnsafeMutableBufferPointer { _ = init_poll($0.baseAddress, $0.count, wait) }
            if polled[1].revents != 0 { readChannel() }
            if polled[2].revents != 0 { readControl() }
            if polled[0].revents != 0 {
                while process.channel >= 0, readChannel() {}
                return collect()
            }
            if deadline > 0 && init_monotonic_clock() >= deadline {
                timedOut = true
                deadline = 0
                _ = linux_pidfd_send_signal(process.handle, SIGKILL)
            }
        }
    }

    private func timeout() -> Int32 {
        guard deadline > 0 else { return -1 }
        return Int32(clamping: max((deadline - init_monotonic_clock() + 999_999) / 1_000_000, 0))
    }

    /// Takes one report; false when there was none.
    @discardableResult
    private func readChannel() -> Bool {
        switch LaunchReport(from: process.channel) {
        case .nothing: return false
        case .executing:
            process.isExecuting = true
            return true
        case .terminal(let master):
            closeDescriptor(terminal)
            terminal = master
            return true
        case .failed(let reported): failure = reported
        case .closed: if process.isExecuting { tellStarted() } else { failure = .interrupted }
        }
        closeDescriptor(process.channel)
        process.channel = -1
        return true
    }

    private func tellStarted() {
        let line = SupervisorMessage.started(pid: process.pid).encoded()
        guard terminal >= 0 else {
            writeAll(control, line)
            return
        }
        var descriptor = terminal
        _ = line.withUnsafeBytes { linux_send_descriptors(control, $0.baseAddress, $0.count, &descriptor, 1) }
        closeDescriptor(terminal)
        terminal = -1
    }

    private func readControl() {
        let size = ControlMessage.maximumLength
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        defer { buffer.deallocate() }
        let count = read(control, buffer, size)
        guard count > 0 else {
            if count < 0 && linux_errno() == EINTR { return }
            closeDescriptor(control)
            control = -1
            if plan.diesWithCaller { _ = linux_pidfd_send_signal(process.handle, SIGKILL) }
            return
        }
        line.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
        while let end = line.firstIndex(of: 0x0A) {
            if case .kill(let signal)? = ControlMessage(decoding: Array(line[..<end])) {
                _ = linux_pidfd_send_signal(process.handle, signal)
            }
            line.removeFirst(end + 1)
        }
    }

    private func collect() -> Int32 {
        var status: Int32 = 0
        var peak: Int64 = 0
        _ = init_wait(process.pid, &status, 0, &peak)
        // One whose time was up before it had begun has not failed to begin.
        if let failure, !timedOut {
            writeAll(control, SupervisorMessage.failed(failure).encoded())
            return 1
        }
        let message = SupervisorMessage.ended(
            exitCode: init_exit_code(status), signal: init_exit_signal(status), timedOut: timedOut,
            peakMemory: peak * 1024)
        writeAll(control, message.encoded())
        return 0
    }
}
