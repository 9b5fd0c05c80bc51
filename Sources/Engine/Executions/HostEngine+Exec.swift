import Linux
import Runtime

extension HostEngine {
    /// Notes an execution to be started.
    package func createExecution(in container: Container, _ request: Execution.Request) async throws -> Execution {
        try requireRunning(container)
        let execution = try Execution(containerID: container.id, request: request)
        executions.insert(execution)
        await publish(
            "exec_create: \(request.arguments.joined(separator: " "))", container, ["execID": execution.id])
        return execution
    }

    /// Tells that a client let go of a terminal that goes on.
    package func noteDetach(_ execution: Execution) async {
        guard let container = containers.container(id: execution.containerID) else { return }
        await publish("exec_detach", container, ["execID": execution.id])
    }

    /// Says whether the container lets an execution start now.
    package func requireStartable(_ execution: Execution) throws(EngineError) {
        guard let container = containers.container(id: execution.containerID) else {
            throw EngineError.noContainer(execution.containerID)
        }
        try requireRunning(container)
    }

    private func requireRunning(_ container: Container) throws(EngineError) {
        switch container.state.phase {
        case .running: return
        case .paused:
            throw EngineError(.conflict, "Container \(container.name) is paused, unpause the container before exec")
        default: throw EngineError.notRunning(container.id)
        }
    }

    /// Starts an execution on the given streams.
    ///
    /// - Returns: the process, which the execution forgets when it has ended.
    @discardableResult
    package func start(
        _ execution: Execution, streams: ExecStreams, size: TerminalConfiguration? = nil
    ) async throws -> ExecProcess {
        guard let container = containers.container(id: execution.containerID) else {
            throw EngineError.noContainer(execution.containerID)
        }
        try requireRunning(container)
        let first = execution.change { facts -> Bool in
            defer { facts.started = true }
            return !facts.started
        }
        guard first else {
            throw EngineError(.conflict, "exec command \(execution.id) has already been run")
        }
        do {
            let process = try await launch(execution.request, in: container, streams: streams, size: size)
            execution.change { facts in
                facts.process = process
                facts.pid = process.pid
                facts.running = true
            }
            let follower = work.spawn { [self] in await follow(execution, process, container) }
            execution.change { $0.follower = follower }
            await publish(
                "exec_start: \(execution.request.arguments.joined(separator: " "))", container,
                ["execID": execution.id])
            return process
        } catch {
            let code = (error as? RuntimeError)?.exitCode ?? 126
            execution.change { $0.exitCode = code }
            throw Self.executionFailure(error)
        }
    }

    /// Runs a program in a container: what health checks and clients share.
    func launch(
        _ request: Execution.Request, in container: Container, streams: ExecStreams, size: TerminalConfiguration? = nil
    ) async throws -> ExecProcess {
        let facts = container.snapshot
        guard let connection = facts.connection else { throw EngineError.notRunning(container.id) }
        var specification = facts.specification
        specification.entrypoint = nil
        specification.command = request.arguments
        let unset = Set(request.env.filter { !$0.contains("=") })
        specification.env.removeAll { unset.contains(String($0.prefix { $0 != "=" })) }
        specification.env += request.env
        if request.tty { specification.tty = true }
        if !request.user.isEmpty { specification.user = request.user }
        if !request.workingDirectory.isEmpty { specification.workingDirectory = request.workingDirectory }
        if request.isPrivileged { specification.isPrivileged = true }
        var configuration = ExecConfiguration(
            process: Self.process(specification, id: container.id), containerName: facts.name,
            cgroupPath: cgroupPath(container))
        configuration.privileged = specification.isPrivileged
        if request.tty { configuration.terminal = size ?? TerminalConfiguration() }
        configuration.seccomp = try Self.seccomp(specification)
        configuration.oomScoreAdjustment = specification.hostSettings.outOfMemoryScore
        return try await runtime.exec(configuration, in: connection, streams: streams)
    }

    /// Waits until an execution has ended and its exit code is known.
    package func waitUntilEnded(_ execution: Execution) async {
        await execution.change(\.follower)?.wait()
    }

    private static func executionFailure(_ error: any Error) -> EngineError {
        guard let error = error as? RuntimeError else { return EngineError.wrapping(error) }
        return EngineError(.invalid, "OCI runtime exec failed: \(error)", diagnostics: [error.diagnostic])
    }

    private func follow(_ execution: Execution, _ process: ExecProcess, _ container: Container) async {
        let code = (try? await process.exitCode()) ?? 137
        execution.change { facts in
            facts.running = false
            facts.exitCode = code
            facts.process = nil
        }
        await publish("exec_die", container, ["execID": execution.id, "exitCode": "\(code)"])
    }

    /// Runs a program in a container and collects what it says, within a time-out.
    ///
    /// For health checks.
    ///
    /// - Returns: the exit code, `nil` for a time-out, and at most `limit` bytes of output.
    func probe(
        _ arguments: [String], in container: Container, timeout: Duration, limit: Int = 4096
    ) async throws -> (exitCode: Int32?, output: [UInt8]) {
        try await run(Execution.Request(arguments: arguments), in: container, within: timeout, limit: limit)
    }

    /// Runs a program in a container to its end and collects what it says.
    ///
    /// - Parameter timeout: how long it may take; nil is without end.
    /// - Returns: the exit code, `nil` for a time-out, and at most `limit` bytes of output.
    package func run(
        _ request: Execution.Request, in container: Container, within timeout: Duration?, limit: Int
    ) async throws -> (exitCode: Int32?, output: [UInt8]) {
        let (pipe, process) = try await launchOnPipe(request, in: container)
        let reading = PipeReader(pipe)
        defer { reading.close() }
        return try await withThrowingTaskGroup(of: ProbePart.self) { group in
            group.addTask { .exited(try await process.exitCode()) }
            group.addTask { .output(await Self.collect(reading, limit: limit)) }
            if let timeout {
                group.addTask {
                    try await EventLoop.shared.sleep(for: timeout)
                    return .timedOut
                }
            }
            defer { group.cancelAll() }
            var code: Int32?
            var output: [UInt8]?
            while code == nil || output == nil, let part = try await group.next() {
                switch part {
                case .output(let bytes): output = bytes
                case .exited(let exit):
                    code = exit
                    // A child may hold the pipe for ever; what was said is there by now.
                    reading.writerEnded()
                case .timedOut:
                    try? await process.kill(signal: 9)
                    reading.close()
                    return (nil, output ?? [])
                }
            }
            return (code, output ?? [])
        }
    }

    private func launchOnPipe(
        _ request: Execution.Request, in container: Container
    ) async throws -> (AsyncDescriptor, ExecProcess) {
        let pipe = try Pipe().separate()
        // All that can fail comes before the process.
        let reading = try AsyncDescriptor(FileDescriptor.duplicating(pipe.reading.raw))
        let process = try await launch(
            request, in: container,
            streams: .descriptors(input: nil, output: pipe.writing.raw, error: pipe.writing.raw))
        // Our writing end goes with this scope, so that the reader sees the end.
        return (reading, process)
    }

    private static func collect(_ reading: PipeReader, limit: Int) async -> [UInt8] {
        var output: [UInt8] = []
        while let piece = try? await reading.next(upTo: 4096) {
            if output.count < limit { output += piece.prefix(limit - output.count) }
        }
        return output
    }
}

/// A part of a probe's result.
private enum ProbePart: Sendable {
    case exited(Int32)
    case output([UInt8])
    case timedOut
}
