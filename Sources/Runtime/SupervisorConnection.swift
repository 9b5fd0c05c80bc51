import LaunchProgram
import Linux
import Synchronization

/// A line to one container's supervisor: its status as it changes, and what can be asked of it.
///
/// Any number of connections may exist. Closing one does nothing to the container.
package final class SupervisorConnection: Sendable {
    /// The container's directory.
    package let directory: String
    /// The container's name, for messages.
    package let name: String
    private let socket: AsyncSocket?
    private let child: ChildProcess?
    private let patience: Duration
    private let state: Mutex<State>
    private let reader = Mutex<Task<Void, Never>?>(nil)

    struct State {
        var status: SupervisorStatus
        var isOver = false
        var waiting: [Int64: CheckedContinuation<Answer, Never>] = [:]
        var nextNumber: Int64 = 0
        /// Answers that came before their question began to wait.
        var early: [Int64: Answer] = [:]
        /// Questions whose answers nobody waits for any more.
        var abandoned: Set<Int64> = []
        var descriptors: [SharedDescriptor] = []
        var listeners: [Int: AsyncStream<SupervisorStatus>.Continuation] = [:]
        var nextListener = 0
    }

    enum Answer: Sendable {
        case done(SharedDescriptor?)
        case refused(Int32)
        case lost
        case silence
    }

    /// How long an answer may take: a supervisor gives it at once, but it may take seconds of an ended process's output
    /// first.
    package static let usualPatience = Duration.seconds(20)

    private init(
        directory: String, name: String, socket: AsyncSocket?, child: ChildProcess?, status: SupervisorStatus,
        patience: Duration = usualPatience
    ) {
        self.patience = patience
        self.directory = directory
        self.name = name
        self.socket = socket
        self.child = child
        state = Mutex(State(status: status))
    }

    /// A connection to nothing: the container ended, this is how.
    convenience init(ended status: SupervisorStatus, directory: String, name: String) {
        self.init(directory: directory, name: name, socket: nil, child: nil, status: status)
        state.withLock { $0.isOver = true }
    }

    deinit { close() }

    /// Connects; nil when no supervisor listens.
    static func open(
        directory: String, name: String, child: ChildProcess?, patience: Duration = usualPatience
    ) async throws(RuntimeError) -> SupervisorConnection? {
        let doing = "connecting to the supervisor of \(name.isEmpty ? directory : name)"
        do {
            let socket = try await AsyncSocket.connect(unix: directory + "/control.sock")
            var buffered: [UInt8] = []
            while !buffered.contains(0x0A) {
                let piece = try await withTimeout(.seconds(30)) { try await socket.read(upTo: 4096) }
                if piece.isEmpty { return nil }
                buffered += piece
            }
            let end = buffered.firstIndex(of: 0x0A) ?? buffered.endIndex
            if case .refused(_, let code)? = SupervisorMessage(decoding: Array(buffered[..<end])) {
                throw SystemError(call: "connect", errno: Errno(code), subject: "\(directory)/control.sock")
            }
            guard let status = SupervisorStatus(decoding: Array(buffered[..<end])) else {
                throw RuntimeError.lost(name: name, doing: doing)
            }
            let connection = SupervisorConnection(
                directory: directory, name: name, socket: socket, child: child, status: status, patience: patience)
            connection.beginReading(Array(buffered[(end + 1)...]))
            return connection
        } catch let error as SystemError
            where [.ENOENT, .ECONNREFUSED, .ECONNRESET, .EPIPE, .ENOTDIR].contains(error.errno)
        {
            return nil
        } catch {
            throw RuntimeError.from(error, doing: doing)
        }
    }

    // MARK: Status

    /// The latest status.
    package var status: SupervisorStatus { state.withLock { $0.status } }
    /// The host's id of the container's first process; 0 when there is none.
    package var pid: Int32 { status.pid }
    /// The host's id of the supervisor; its network namespace is the container's.
    package var supervisorPID: Int32 { status.supervisorPID }

    /// Each status, beginning with the present one; it ends after the final one.
    package func events() -> AsyncStream<SupervisorStatus> {
        let (stream, continuation) = AsyncStream<SupervisorStatus>.makeStream()
        let number = state.withLock { state -> Int? in
            continuation.yield(state.status)
            if state.isOver { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.listeners[number] = nil }
        }
        return stream
    }

    /// Waits until the container ended for good.
    ///
    /// The final status is enough: while the disk is full, its supervisor stays to write it down.
    package func waitForExit() async -> SupervisorStatus {
        var last = status
        for await status in events() {
            last = status
            if status.isFinal { break }
        }
        return last
    }

    /// The same, but not longer than this.
    func waitForExit(atMost timeout: Duration) async {
        _ = try? await withTimeout(timeout) { [self] in await waitForExit() }
    }

    /// Lets go of the supervisor.
    package func close() {
        socket?.close()
        reader.withLock { $0?.cancel() }
    }

    // MARK: Reading

    private func beginReading(_ first: [UInt8]) {
        guard let socket else { return }
        let child = child
        let task = Task { [weak self] in
            var line: [UInt8] = first
            while true {
                while let end = line.firstIndex(of: 0x0A) {
                    self?.take(Array(line[..<end]))
                    line.removeFirst(end + 1)
                }
                guard let received = try? await socket.receiveDescriptors(upTo: 4096), !received.bytes.isEmpty else {
                    break
                }
                let descriptors = received.descriptors
                if !descriptors.isEmpty { self?.state.withLock { $0.descriptors += descriptors } }
                line += received.bytes
            }
            self?.finish()
            _ = try? await child?.exitStatus()
        }
        reader.withLock { $0 = task }
    }

    private func take(_ line: [UInt8]) {
        switch SupervisorMessage(decoding: line) {
        case .status(let status):
            state.withLock { state in
                state.status = status
                for listener in state.listeners.values { listener.yield(status) }
            }
        case .done(let number, let carriesDescriptor):
            answer(number) { state in
                .done(carriesDescriptor && !state.descriptors.isEmpty ? state.descriptors.removeFirst() : nil)
            }
        case .refused(let number, let code): answer(number) { _ in .refused(code) }
        default: break
        }
    }

    private func answer(_ number: Int64, _ make: (inout State) -> Answer) {
        let (waiting, answer) = state.withLock { state in
            let answer = make(&state)
            let waiting = state.waiting.removeValue(forKey: number)
            if waiting == nil, state.abandoned.remove(number) == nil { state.early[number] = answer }
            return (waiting, answer)
        }
        waiting?.resume(returning: answer)
    }

    /// The supervisor is gone: after its final status, or without one.
    private func finish() {
        var last = status
        if !last.isFinal && socket?.isClosed == false {
            last = Self.lastWords(of: last, directory: directory)
        }
        let (waiting, listeners) = state.withLock { state in
            let gone = (Array(state.waiting.values), Array(state.listeners.values))
            let changed = state.status != last
            state.status = last
            state.isOver = true
            state.waiting = [:]
            state.listeners = [:]
            if changed { for listener in gone.1 { listener.yield(last) } }
            return gone
        }
        for continuation in waiting { continuation.resume(returning: .lost) }
        for listener in listeners { listener.finish() }
    }

    private static func lastWords(of status: SupervisorStatus, directory: String) -> SupervisorStatus {
        if let bytes = try? Files.readAll(directory + "/status", limit: 4096),
            let final = SupervisorStatus(decoding: Array(bytes.prefix { $0 != 0x0A })), final.isFinal
        {
            return final
        }
        var lost = status
        lost.state = .exited
        lost.pid = 0
        lost.exitCode = 137
        lost.signal = 9
        lost.finishedAt = Clock.now().nanosecondsSinceEpoch
        return lost
    }

    // MARK: Asking

    /// Sends a message and waits for its answer.
    ///
    /// - Throws: `RuntimeError.silent` when none comes: somebody stopped the supervisor.
    func ask(_ message: ControlMessage, doing: String) async throws(RuntimeError) -> SharedDescriptor? {
        guard let socket else { throw .notRunning(name: name) }
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let answer = await answer(to: message.encoded(number: number), number, on: socket)
        switch answer {
        case .done(let descriptor): return descriptor
        case .refused(3): throw .notRunning(name: name)
        case .refused(let code):
            throw .system(SystemError(call: "\(message)", errno: Errno(code), subject: name), doing: doing)
        case .lost:
            if status.isFinal { throw .notRunning(name: name) }
            throw .lost(name: name, doing: doing)
        case .silence: throw .silent(name: name, supervisor: supervisorPID, doing: doing)
        }
    }

    private func answer(to line: [UInt8], _ number: Int64, on socket: AsyncSocket) async -> Answer {
        do {
            // One that reads no more lets the line wait, too. The socket takes so short a line whole or not at all.
            try await withTimeout(patience) { try await socket.writeAll(line) }
        } catch is TimeoutError {
            return .silence
        } catch {
            return .lost
        }
        let impatience = Task { [weak self, patience] in
            try await EventLoop.shared.sleep(for: patience)
            self?.abandon(number)
        }
        defer { impatience.cancel() }
        return await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Answer? in
                if let answer = state.early.removeValue(forKey: number) { return answer }
                if state.isOver { return .lost }
                state.waiting[number] = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func abandon(_ number: Int64) {
        let waiting = state.withLock { state in
            let waiting = state.waiting.removeValue(forKey: number)
            if waiting != nil { state.abandoned.insert(number) }
            return waiting
        }
        waiting?.resume(returning: .silence)
    }
}
