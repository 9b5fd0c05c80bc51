import CLinux

/// The process's life: start, streams, end, and what follows.
extension Supervisor {
    /// What the process can write ahead of the log, in bytes; the kernel takes memory only for what is there.
    private static let pipeSize: Int32 = 1 << 20
    /// How long the output of an ended process is taken, in nanoseconds.
    private static let drainTime: Int64 = 5_000_000_000

    func start() throws(Fault) {
        var streams = ProcessStreams()
        var outputWriting: Int32 = -1
        var errorWriting: Int32 = -1
        if !plan.terminal && !plan.log.isEmpty {
            try check(init_pipe(&output, &outputWriting), "pipe")
            try check(init_pipe(&error, &errorWriting), "pipe")
            for reading in [output, error] {
                _ = init_set_nonblocking(reading)
                _ = init_set_pipe_size(reading, Self.pipeSize)
            }
        }
        defer {
            closeDescriptor(outputWriting)
            closeDescriptor(errorWriting)
        }
        streams.input = inputReading
        streams.output = outputWriting
        streams.error = errorWriting
        memoryKills = readMemoryKills()
        failure = nil
        let cgroups = try CgroupEntrance(plan.cgroupFiles, isUnified: plan.cgroupIsUnified, opensFiles: false)
        defer { cgroups.close() }
        var launch = ProcessLaunch(
            plan: bytes, programOffset: programOffset, cloneFlags: plan.cloneFlags, streams: streams)
        let donors = try joinDonors()
        defer { for donor in donors { closeDescriptor(donor.handle) } }
        launch.donor = donors.first { $0.flags & NamespaceFlag.ipc != 0 }?.handle ?? -1
        process = try launch.start(in: cgroups)
        phase = .starting
    }

    /// The next start after a wait.
    ///
    /// That it cannot even be made counts as its exit.
    func startAgain() {
        do throws(Fault) {
            try start()
        } catch {
            failure = LaunchFailure(operation: LaunchFailure.processStep, code: error.code, detail: error.detail)
            closeStreams()
            startedAt = init_monotonic_clock()
            status.startedAt = init_wall_clock()
            end(exitCode: 125, signal: 0)
        }
    }

    /// Takes one report of the process; false when there was none.
    @discardableResult
    func readChannel() -> Bool {
        guard let current = process else { return false }
        switch LaunchReport(from: current.channel) {
        case .nothing:
            return false
        case .executing:
            process?.isExecuting = true
        case .terminal(let master):
            closeDescriptor(terminal)
            terminal = master
            _ = init_set_nonblocking(master)
        case .failed(let reported):
            failure = reported
            closeChannel()
        case .closed:
            closeChannel()
            if current.isExecuting { becomeRunning(current) } else { failure = .interrupted }
        }
        return true
    }

    private func becomeRunning(_ current: LaunchedProcess) {
        phase = .running
        startedAt = init_monotonic_clock()
        status.state = .running
        status.pid = current.pid
        status.startedAt = init_wall_clock()
        status.failure = nil
        publish()
        report(.status(status))
    }

    private func closeChannel() {
        closeDescriptor(process?.channel ?? -1)
        process?.channel = -1
    }

    /// Tells the daemon how the first start went.
    func report(_ message: SupervisorMessage) {
        guard ready >= 0 else { return }
        writeAll(ready, message.encoded())
        closeDescriptor(ready)
        ready = -1
    }

    func readStream(_ descriptor: Int32) {
        let count = read(descriptor, log.input, LogFile.readSize)
        if count > 0 {
            log.take(count, stream: descriptor == error ? "stderr" : "stdout")
        } else if count == 0 || linux_errno() != EAGAIN {
            // End of the pipe; or EIO: nobody has the terminal open.
            closeDescriptor(descriptor)
            if descriptor == output { output = -1 }
            if descriptor == error { error = -1 }
            if descriptor == terminal { terminal = -1 }
        }
    }

    private func closeStreams() {
        for descriptor in [output, error, terminal] { closeDescriptor(descriptor) }
        output = -1
        error = -1
        terminal = -1
    }

    /// Takes what was written, to the last byte.
    ///
    /// Whoever else has the pipe, as a process that was sent the descriptor, may write on for ever, and a full disk may stay
    /// full: neither holds up the container's end for long. What a pipe can hold is read however late it is.
    private func drainStreams() {
        let deadline = init_monotonic_clock() + Self.drainTime
        for descriptor in [output, error, terminal] where descriptor >= 0 {
            var taken = 0
            while taken < Int(Self.pipeSize) || init_monotonic_clock() < deadline {
                if log.isBlocked {
                    guard init_monotonic_clock() < deadline else { break }
                    _ = init_poll(nil, 0, 100)
                    log.drain()
                    continue
                }
                let count = read(descriptor, log.input, LogFile.readSize)
                guard count > 0 else { break }
                log.take(count, stream: descriptor == error ? "stderr" : "stdout")
                taken += count
            }
        }
        closeStreams()
    }

    func collectProcess() {
        guard let ended = process else { return }
        while process?.channel ?? -1 >= 0, readChannel() {}
        var waitStatus: Int32 = 0
        let waited = init_wait(ended.pid, &waitStatus, 0, nil)
        if plan.killsGroup { killGroup() }
        drainStreams()
        closeChannel()
        closeDescriptor(ended.handle)
        process = nil
        while init_wait(-1, nil, WNOHANG, nil) > 0 {}
        guard waited == ended.pid else {
            end(exitCode: 125, signal: 0)
            return
        }
        if let failure, case .starting = phase {
            if ready >= 0 {
                failFirstStart(failure)
                return
            }
            startedAt = init_monotonic_clock()
            if failure.operation != LaunchFailure.interruptedStep {
                end(exitCode: Self.exitCode(of: failure), signal: 0)
            } else {
                end(exitCode: init_exit_code(waitStatus), signal: init_exit_signal(waitStatus))
            }
        } else {
            end(exitCode: init_exit_code(waitStatus), signal: init_exit_signal(waitStatus))
        }
    }

    /// As shells and Docker have it: 127 not found, 126 not executable, 125 anything else.
    private static func exitCode(of failure: LaunchFailure) -> Int32 {
        switch failure.code {
        case ENOENT: 127
        case EACCES, EISDIR, ENOEXEC: 126
        default: 125
        }
    }

    private func end(exitCode: Int32, signal: Int32) {
        status.pid = 0
        status.exitCode = exitCode
        status.signal = signal
        status.finishedAt = init_wall_clock()
        status.failure = failure
        status.oomKilled = readMemoryKills() > memoryKills
        killAt = 0
        if restartRequested {
            restartRequested = false
            status.stopRequested = false
            backoff = RestartBackoff()
            wait(milliseconds: 0)
        } else if status.stopRequested || !plan.restart.restarts(exitCode: exitCode, restartCount: status.restartCount)
        {
            endForGood()
        } else {
            let ran = init_monotonic_clock() - startedAt
            status.restartCount &+= 1
            wait(milliseconds: backoff.next(afterRunning: ran))
        }
    }

    private func wait(milliseconds: Int64) {
        status.state = .restarting
        phase = .waiting(until: max(init_monotonic_clock() + milliseconds * 1_000_000, 1))
        publish()
    }

    /// Asks the process to end; without one, the waiting for the next start ends.
    func stop(signal: Int32, timeout: Int64, restart: Bool) {
        restartRequested = restart
        if !restart { status.stopRequested = true }
        guard let process else {
            if isClosing {
                restartRequested = false
            } else if restart {
                restartRequested = false
                phase = .waiting(until: 1)
            } else {
                finish()
            }
            return
        }
        let milliseconds = timeout < 0 ? Int64(plan.stopTimeout) : min(timeout, 1 << 40)
        let signal = milliseconds == 0 ? SIGKILL : signal == 0 ? plan.stopSignal : signal
        killAt = init_monotonic_clock() + milliseconds * 1_000_000
        _ = linux_pidfd_send_signal(process.handle, signal)
    }
}
