import LaunchProgram
import Linux

extension SupervisorConnection {
    /// Sends the container's first process a signal.
    ///
    /// - Throws: `RuntimeError.notRunning`.
    package func kill(signal: Int32) async throws(RuntimeError) {
        _ = try await ask(.kill(signal: signal), doing: "sending signal \(signal) to container \(name)")
    }

    /// Ends the container for good: the signal, and SIGKILL after the timeout, by the supervisor, whatever becomes of
    /// the daemon.
    ///
    /// Returns when accepted; wait with `waitForExit`.
    ///
    /// - Parameters:
    ///   - signal: nil is the configured one.
    ///   - timeout: nil is the configured one; zero is SIGKILL at once.
    package func stop(signal: Int32? = nil, timeout: Duration? = nil) async throws(RuntimeError) {
        let message = ControlMessage.stop(signal: signal ?? 0, timeout: timeout?.wholeMilliseconds ?? -1)
        do throws(RuntimeError) {
            _ = try await ask(message, doing: "stopping container \(name)")
        } catch .notRunning {
            return
        }
    }

    /// Ends the process as `stop` does, and starts it again, with the same network.
    package func restart(signal: Int32? = nil, timeout: Duration? = nil) async throws(RuntimeError) {
        let message = ControlMessage.restart(signal: signal ?? 0, timeout: timeout?.wholeMilliseconds ?? -1)
        _ = try await ask(message, doing: "restarting container \(name)")
    }

    /// Changes when the process is started again.
    package func setRestartPolicy(_ policy: RestartPolicy) async throws(RuntimeError) {
        _ = try await ask(.setRestartPolicy(policy), doing: "changing the restart policy of container \(name)")
    }

    /// Changes the terminal's size.
    package func resize(rows: Int, columns: Int) async throws(RuntimeError) {
        let message = ControlMessage.resize(rows: UInt32(clamping: rows), columns: UInt32(clamping: columns))
        _ = try await ask(message, doing: "resizing the terminal of container \(name)")
    }

    /// The write end of stdin, or the terminal.
    package func openInput() async throws(RuntimeError) -> SharedDescriptor {
        let doing = "opening the input of container \(name)"
        guard let descriptor = try await ask(.openInput, doing: doing) else {
            throw .lost(name: name, doing: doing)
        }
        return descriptor
    }

    /// The first process's pidfd, from the supervisor whose child it is: no number is looked up that may be a stranger's.
    ///
    /// - Throws: `RuntimeError.notRunning`, also while its program has not begun.
    func openProcess() async throws(RuntimeError) -> SharedDescriptor {
        let doing = "asking for the process of container \(name)"
        guard let descriptor = try await ask(.openProcess, doing: doing) else {
            throw .lost(name: name, doing: doing)
        }
        return descriptor
    }

    /// Lets the process read the end of its input, once those who opened it close it too.
    package func closeInput() async throws(RuntimeError) {
        _ = try await ask(.closeInput, doing: "closing the input of container \(name)")
    }
}
