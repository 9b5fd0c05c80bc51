import JSONText
import Linux
import Runtime
import Synchronization

/// A further process asked for in a container.
package final class Execution: Sendable {
    /// How it was asked for.
    package struct Request: Sendable, Hashable {
        /// Program and arguments.
        package var arguments: [String]
        /// `NAME=value`, on top of the container's.
        package var env: [String] = []
        /// `user[:group]`; empty for the container's.
        package var user = ""
        /// Where it starts; empty for the container's.
        package var workingDirectory = ""
        /// Whether it gets a terminal.
        package var tty = false
        /// Whether a client feeds its stdin.
        package var attachStdin = false
        /// Whether a client reads its stdout.
        package var attachStdout = false
        /// Whether a client reads its stderr.
        package var attachStderr = false
        /// Whether it has every right of the host.
        package var isPrivileged = false
        /// What lets its client go from its terminal, as it was written; empty for Docker's.
        package var detachKeys = ""

        /// A request.
        package init(arguments: [String]) { self.arguments = arguments }

        /// The body of `POST /containers/{id}/exec`.
        package init(json: JSONValue) throws(EngineError) {
            let body = try FieldReader(json)
            self.init(arguments: try body.strings("Cmd") ?? [])
            guard let program = arguments.first, !program.isEmpty else {
                throw EngineError(.invalid, "No exec command specified")
            }
            env = try body.strings("Env") ?? []
            user = try body.text("User")
            workingDirectory = try body.text("WorkingDir")
            tty = try body.flag("Tty")
            attachStdin = try body.flag("AttachStdin")
            attachStdout = try body.flag("AttachStdout")
            attachStderr = try body.flag("AttachStderr")
            isPrivileged = try body.flag("Privileged")
            detachKeys = try body.text("DetachKeys")
            _ = try DetachKeys(detachKeys)
        }
    }

    struct Facts: Sendable {
        var process: ExecProcess?
        var started = false
        var running = false
        var exitCode: Int32?
        var pid: Int32 = 0
        var follower: BackgroundWork.Handle?
    }

    /// 64 hex digits.
    package let id: String
    /// The container's id.
    package let containerID: String
    /// How it was asked for.
    package let request: Request
    private let facts = Mutex(Facts())

    init(containerID: String, request: Request) throws {
        id = try Random.hexID()
        self.containerID = containerID
        self.request = request
    }

    func change<Value: Sendable>(_ body: (inout sending Facts) -> sending Value) -> Value {
        facts.withLock { body(&$0) }
    }

    /// The process, while it is known.
    package var process: ExecProcess? { facts.withLock { $0.process } }
    /// Whether it runs.
    package var isRunning: Bool { facts.withLock { $0.running } }
    /// Whether it was started once.
    package var wasStarted: Bool { facts.withLock { $0.started } }
    /// Its exit code, once it has one.
    package var exitCode: Int32? { facts.withLock { $0.exitCode } }
    /// Its pid on the host.
    package var pid: Int32 { facts.withLock { $0.pid } }
}

/// Every execution by id.
///
/// Those that ended are forgotten when there are too many.
package final class ExecutionRegistry: Sendable {
    private let state = Mutex<(byID: [String: Execution], order: [String])>(([:], []))
    private static let most = 2000

    /// An empty registry.
    package init() {}

    func insert(_ execution: Execution) {
        state.withLock { state in
            state.byID[execution.id] = execution
            state.order.append(execution.id)
            guard state.order.count > Self.most else { return }
            for id in state.order.prefix(Self.most / 2) where state.byID[id]?.isRunning == false {
                state.byID[id] = nil
            }
            let known = state.byID
            state.order.removeAll { known[$0] == nil }
        }
    }

    /// The execution of an id.
    package func find(_ id: String) throws(EngineError) -> Execution {
        guard let execution = state.withLock({ $0.byID[id] }) else {
            throw EngineError(.notFound, "No such exec instance: \(id)")
        }
        return execution
    }

    /// Those that run in a container.
    package func running(in container: String) -> [Execution] {
        state.withLock { $0.byID.values.filter { $0.containerID == container && $0.isRunning } }
    }

    func forget(container: String) {
        state.withLock { state in
            for (id, execution) in state.byID where execution.containerID == container { state.byID[id] = nil }
            let known = state.byID
            state.order.removeAll { known[$0] == nil }
        }
    }
}
