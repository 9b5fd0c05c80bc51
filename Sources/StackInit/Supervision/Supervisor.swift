import CLinux

/// Runs one container's supervisor until the container ended for good.
///
/// - Parameters:
///   - plan: the descriptor of the encoded `SupervisionPlan`.
///   - ready: where the result of the first start is written, as one line.
///   - network: the container's network namespace, or -1 for the caller's.
func supervise(plan: Int32, ready: Int32, network: Int32) -> Int32 {
    for descriptor in [plan, ready, network] where descriptor >= 0 { _ = init_set_close_on_exec(descriptor) }
    for signal in [SIGPIPE, SIGHUP, SIGINT, SIGTTOU] { init_ignore_signal(signal) }
    _ = linux_prctl(INIT_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _ = linux_prctl(INIT_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _ = withCString("stack-init") { linux_prctl(INIT_PR_SET_NAME, UInt(bitPattern: $0), 0, 0, 0) }
    _ = umask(0o077)
    let bytes = readAll(plan, limit: 4 << 20) ?? []
    closeDescriptor(plan)
    var reader = ByteReader(bytes)
    do throws(LaunchProgramError) {
        let plan = try SupervisionPlan(settingsFrom: &reader)
        let supervisor = Supervisor(plan: plan, bytes: bytes, programOffset: reader.offset, ready: ready)
        return supervisor.run(network: network)
    } catch {
        let failure = LaunchFailure(operation: LaunchFailure.planStep, code: EINVAL, detail: "unreadable plan")
        writeAll(ready, SupervisorMessage.failed(failure).encoded())
        return 1
    }
}

/// One container's supervisor: a single thread around poll(2).
final class Supervisor {
    /// Where the process is, seen from here.
    enum Phase {
        /// The program is interpreted.
        case starting
        /// The user's process runs.
        case running
        /// The next start is at this time of the monotonic clock, in nanoseconds.
        case waiting(until: Int64)
        /// It ended for good, which is recorded; the others of its connections are to know before its links go.
        case closing(Closing)
        /// It ended for good; only the status file is left to write.
        case ended
    }

    var plan: SupervisionPlan
    let bytes: [UInt8]
    let programOffset: Int
    var ready: Int32
    var status: SupervisorStatus
    var phase = Phase.waiting(until: 0)
    var log: LogFile

    var directory: Int32 = -1
    var lock: Int32 = -1
    /// The last status file written.
    var statusFile: Int32 = -1
    /// When to try again to write the status file, on the monotonic clock; 0: it is written.
    var recordAt: Int64 = 0
    var listener: Int32 = -1
    var termination: Int32 = -1
    var clients: [ControlClient] = []

    var process: LaunchedProcess?
    var failure: LaunchFailure?
    var output: Int32 = -1
    var error: Int32 = -1
    var terminal: Int32 = -1
    var inputReading: Int32 = -1
    var inputWriting: Int32 = -1

    var startedAt: Int64 = 0
    var backoff = RestartBackoff()
    var memoryKills: Int64 = 0
    /// When SIGKILL follows the stop signal, on the monotonic clock; 0: no stop is under way.
    var killAt: Int64 = 0
    var restartRequested = false
    var isFinished = false
    /// Whether it has a network namespace that is not the host's.
    var hasNetwork = false

    init(plan: SupervisionPlan, bytes: [UInt8], programOffset: Int, ready: Int32) {
        self.plan = plan
        self.bytes = bytes
        self.programOffset = programOffset
        self.ready = ready
        status = SupervisorStatus(state: .created, supervisorPID: getpid())
        log = LogFile(path: plan.log, maximumBytes: plan.logMaximumBytes, maximumFiles: plan.logMaximumFiles)
    }

    /// Starts the container and stays until its end.
    func run(network: Int32) -> Int32 {
        do throws(Fault) {
            try prepare(network: network)
            try start()
        } catch {
            let step = directory < 0 ? LaunchFailure.filesStep : LaunchFailure.processStep
            failFirstStart(LaunchFailure(operation: step, code: error.code, detail: error.detail))
            return 1
        }
        while !isFinished { turn() }
        return 0
    }

    private func prepare(network: Int32) throws(Fault) {
        try openDirectory()
        if network >= 0 {
            try check(linux_setns(network, Int32(NamespaceFlag.network)), "setns to the network namespace")
            closeDescriptor(network)
            hasNetwork = true
        }
        termination = try check(init_termination_descriptor(), "signalfd")
        if plan.openInput && !plan.terminal {
            try check(init_pipe(&inputReading, &inputWriting), "pipe")
        }
    }

    // MARK: The loop

    private static let maximumPolled = maximumClients + 16

    private let polled = UnsafeMutablePointer<pollfd>.allocate(capacity: maximumPolled)

    private func turn() {
        var count = 0
        func watch(_ descriptor: Int32) {
            guard descriptor >= 0, count < Self.maximumPolled else { return }
            polled[count] = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            count += 1
        }
        watch(termination)
        // Whoever comes while connections end waits for the last word.
        if !isClosing { watch(listener) }
        for client in clients { watch(client.descriptor) }
        if let process {
            watch(process.channel)
            watch(process.handle)
        }
        if !log.isBlocked {
            watch(output)
            watch(error)
            watch(terminal)
        }
        _ = init_poll(polled, count, timeout())
        if log.isBlocked { log.drain() }
        for index in 0..<count where polled[index].revents != 0 && !isFinished { handle(polled[index].fd) }
        if !isFinished { passTime() }
    }

    private func handle(_ descriptor: Int32) {
        if descriptor == listener {
            acceptClient()
        } else if descriptor == termination {
            requestTermination()
        } else if descriptor == output || descriptor == error || descriptor == terminal {
            readStream(descriptor)
        } else if let process, descriptor == process.channel {
            readChannel()
        } else if let process, descriptor == process.handle {
            collectProcess()
        } else {
            serveClient(descriptor)
        }
    }

    /// How long poll may wait, in milliseconds.
    private func timeout() -> Int32 {
        if log.isBlocked { return 200 }
        var next = killAt
        if case .waiting(let until) = phase { next = next == 0 ? until : min(next, until) }
        if case .closing(let closing) = phase { next = next == 0 ? closing.next : min(next, closing.next) }
        if recordAt > 0 { next = next == 0 ? recordAt : min(next, recordAt) }
        guard next > 0 else { return -1 }
        let rest = (next - init_monotonic_clock() + 999_999) / 1_000_000
        return Int32(clamping: max(rest, 0))
    }

    private func passTime() {
        let now = init_monotonic_clock()
        if killAt > 0 && now >= killAt, let process {
            killAt = 0
            _ = linux_pidfd_send_signal(process.handle, SIGKILL)
        }
        if case .waiting(let until) = phase, now >= until { startAgain() }
        if case .closing(let closing) = phase, now >= closing.next { endConnections(closing, now) }
        guard !isFinished, recordAt > 0, now >= recordAt else { return }
        if case .ended = phase { finish() } else { recordStatus() }
    }

    private func requestTermination() {
        var information = signalfd_siginfo()
        _ = read(termination, &information, MemoryLayout<signalfd_siginfo>.size)
        stop(signal: 0, timeout: -1, restart: false)
    }
}
