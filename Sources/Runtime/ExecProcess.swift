import LaunchProgram
import Linux
import Synchronization

/// A process executed beside a container's own.
///
/// Its parent is a `stack-init` outside the container, which keeps its exit code; so a signal never meets a stranger.
package final class ExecProcess: Sendable {
    /// The process's id on the host.
    package let pid: Int32
    /// The terminal's other end, when one was asked for.
    package let terminal: SharedDescriptor?
    private let link: ExecutionLink
    private let result: Mutex<Result<SupervisorMessage, RuntimeError>?>

    init(pid: Int32, terminal: SharedDescriptor?, link: ExecutionLink) {
        self.pid = pid
        self.terminal = terminal
        self.link = link
        result = Mutex(nil)
    }

    /// Sends the process a signal.
    ///
    /// One that has ended is fine.
    package func kill(signal: Int32) async throws(RuntimeError) {
        try await link.send(.kill(signal: signal))
    }

    /// Waits for the end: the exit code, 128 + n for signal n.
    package func exitCode() async throws(RuntimeError) -> Int32 {
        if let known = result.withLock({ $0 }) { return try Self.code(known.get()) }
        let message: Result<SupervisorMessage, RuntimeError>
        do throws(RuntimeError) {
            message = .success(try await link.next().message)
        } catch {
            // Whoever gives up waiting says nothing about the process.
            if Task.isCancelled { throw error }
            message = .failure(error)
        }
        let first = result.withLock { result in
            if result == nil { result = message }
            return result ?? message
        }
        await link.reap()
        return try Self.code(first.get())
    }

    private static func code(_ message: SupervisorMessage) throws(RuntimeError) -> Int32 {
        guard case .ended(let code, _, _, _) = message else {
            throw .lost(name: "the executed process", doing: "waiting for it")
        }
        return code
    }

    /// Changes the terminal's size.
    package func resize(rows: Int, columns: Int) throws(RuntimeError) {
        guard let terminal else { return }
        try RuntimeError.wrap("resizing a terminal") { () throws(SystemError) in
            try Terminal.setSize(
                terminal.raw, TerminalSize(rows: UInt16(clamping: rows), columns: UInt16(clamping: columns)))
        }
    }
}

/// A line to the parent of one executed process.
final class ExecutionLink: Sendable {
    private let socket: AsyncSocket
    private let child: ChildProcess
    private let buffered = Mutex<[UInt8]>([])
    private let name: String

    /// Starts a `stack-init exec` for a plan.
    ///
    /// - Parameter descriptors: what the program gets: its number → ours. 4, and two numbers above all, are used for the
    ///   plan's own.
    init(
        program: Int32, plan: ExecutionPlan, container: Int32?, descriptors: [Int32: Int32], name: String
    ) throws(SystemError) {
        self.name = name
        let memory = try MemoryFile.sealed(name: "launch", content: plan.encoded())
        try memory.seek(0)
        let pair = try SocketPair().separate()
        var descriptors = descriptors
        let first = max(descriptors.keys.max() ?? 2, 2) + 1
        descriptors[first] = memory.raw
        descriptors[first + 1] = pair.second.raw
        if let container { descriptors[first + 2] = container }
        let last = container == nil ? "-1" : "\(first + 2)"
        let request = SpawnRequest(
            executable: .descriptor(program), arguments: ["stack-init", "exec", "\(first)", "\(first + 1)", last],
            descriptors: descriptors, newSession: true)
        // All that can fail comes before the child.
        socket = try AsyncSocket(try pair.first.duplicate())
        child = try withExtendedLifetime(pair) { () throws(SystemError) in try Spawn.start(request) }
    }

    deinit { socket.close() }

    /// The next message, and the descriptor that came with it.
    func next() async throws(RuntimeError) -> (message: SupervisorMessage, descriptor: SharedDescriptor?) {
        var descriptor: SharedDescriptor?
        let doing = "waiting for \(name)"
        while true {
            let line = buffered.withLock { bytes -> [UInt8]? in
                guard let end = bytes.firstIndex(of: 0x0A) else { return nil }
                defer { bytes.removeFirst(end + 1) }
                return Array(bytes[..<end])
            }
            if let line {
                guard let message = SupervisorMessage(decoding: line) else { throw .lost(name: name, doing: doing) }
                return (message, descriptor)
            }
            do {
                let received = try await socket.receiveDescriptors(upTo: 1024)
                if received.bytes.isEmpty { throw RuntimeError.lost(name: name, doing: doing) }
                descriptor = received.descriptors.first ?? descriptor
                let bytes = received.bytes
                buffered.withLock { $0 += bytes }
            } catch {
                throw RuntimeError.from(error, doing: doing)
            }
        }
    }

    /// Sends a message; a process that has ended does not mind.
    func send(_ message: ControlMessage) async throws(RuntimeError) {
        do {
            try await socket.writeAll(message.encoded())
        } catch let error as SystemError where error.errno == .EPIPE || error.errno == .ECONNRESET {
            return
        } catch {
            throw RuntimeError.from(error, doing: "signalling \(name)")
        }
    }

    /// Lets go of the parent: with the link, a process that dies with its caller dies.
    func close() { socket.close() }

    /// Collects the parent, which ends right after its last message.
    func reap() async { _ = try? await child.exitStatus() }
}

extension ContainerRuntime {
    /// Executes a program in a running container; returns when it runs.
    ///
    /// - Throws: `RuntimeError.notRunning`; `RuntimeError.launchFailed`, naming the operation that failed.
    package func exec(
        _ configuration: ExecConfiguration, in connection: SupervisorConnection, streams: ExecStreams
    ) async throws(RuntimeError) -> ExecProcess {
        let plan = try LaunchCompiler.execution(
            of: configuration, cgroup: try layout(configuration.cgroupPath), host: host)
        guard connection.pid > 0 else { throw .notRunning(name: configuration.containerName) }
        let process: SharedDescriptor
        do throws(RuntimeError) {
            process = try await connection.openProcess()
        } catch .notRunning {
            throw .notRunning(name: configuration.containerName)
        }
        let link: ExecutionLink
        do throws(SystemError) {
            var descriptors: [Int32: Int32] = [:]
            if case .descriptors(let input, let output, let error) = streams {
                descriptors = [1: output, 2: error]
                descriptors[0] = input
            }
            link = try withExtendedLifetime(process) { () throws(SystemError) in
                try ExecutionLink(
                    program: program.raw, plan: plan, container: process.raw, descriptors: descriptors,
                    name: "exec in container \(configuration.containerName)")
            }
        } catch {
            if error.errno == .ESRCH { throw .notRunning(name: configuration.containerName) }
            throw .system(error, doing: "executing in container \(configuration.containerName)")
        }
        let (message, terminal) = try await link.next()
        switch message {
        case .started(let pid): return ExecProcess(pid: pid, terminal: terminal, link: link)
        case .failed(let failure):
            await link.reap()
            throw .launchFailed(
                name: "container \(configuration.containerName)", operation: plan.program.summary(of: failure),
                failure: failure)
        default: throw .lost(name: configuration.containerName, doing: "executing")
        }
    }
}
