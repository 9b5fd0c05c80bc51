import Apply
import Diagnostics
import Engine
import HTTP
import Linux

/// The daemon: one engine, its stacks, and the API on a unix socket.
package final class EngineServer: Sendable {
    /// Makes the providers of stacks over an engine.
    package typealias Providers = @Sendable (HostEngine) -> [any ResourceProvider]

    /// The engine.
    package let engine: HostEngine
    /// The stacks.
    package let stacks: StackEngine
    private let configuration: EngineConfiguration
    private let lock: RootLock
    private let log: @Sendable (String) -> Void

    /// Opens the data root and takes it for this process.
    ///
    /// - Throws: `Diagnostic` where another daemon has it, the database is newer or damaged, or `stack-init` is missing.
    package init(
        _ configuration: EngineConfiguration, providers: Providers,
        log: @escaping @Sendable (String) -> Void = { _ = Console.error.line($0) }
    ) async throws {
        self.configuration = configuration
        self.log = log
        guard CurrentProcess.uid == 0 else {
            throw Diagnostic(
                code: "SC5001", summary: "the daemon needs root",
                detail: "Namespaces, mounts and networks are made by it.", hint: "run it with sudo, or as a service")
        }
        Signals.ignoreBrokenPipe()
        lock = try await RootLock.take(configuration)
        let providers = providers
        engine = try await BlockingExecutor.shared.run { try HostEngine(configuration, log: log) }
        stacks = StackEngine(database: engine.database, providers: providers(engine))
    }

    /// Recovers, serves, and returns when the daemon was asked to end (SIGTERM, SIGINT) or the task was cancelled.
    ///
    /// - Parameters:
    ///   - handlesSignals: false leaves signals to the caller, as tests do.
    ///   - onReady: runs when the socket accepts.
    package func run(handlesSignals: Bool = true, onReady: @Sendable () async -> Void = {}) async throws {
        let signals = handlesSignals ? try SignalQueue([2, 15, 1]) : nil
        let listener = try listen()
        for note in try await engine.recover() { log("\(Clock.now().rfc3339) \(note)") }
        let service = EngineService(engine: engine, stacks: stacks, recovery: recoverStacks())
        let server = HTTPServer(
            listener: listener, common: EngineService.commonHeaders(version: configuration.version),
            failure: { APIFailure.response($0) }, handler: service.handle)
        await onReady()
        do {
            try await Self.serve(server, until: signals)
        } catch is CancellationError {
        } catch  where Task.isCancelled {}
        listener.close()
        // Also where the task was cancelled, the engine is to be left in order.
        await Task { [engine] in await engine.shutdown() }.value
        _ = try? Files.unlinkIfPresent(configuration.socketPath)
    }

    /// Begins to close what interrupted applies left open.
    ///
    /// It may take as long as a container takes to stop: all but the stacks is served meanwhile.
    private func recoverStacks() -> BackgroundWork.Handle {
        let stacks = self.stacks
        let log = self.log
        return engine.runInBackground {
            do {
                for diagnostic in try await stacks.recover() { log("\(Clock.now().rfc3339) \(diagnostic)") }
            } catch {
                log("\(Clock.now().rfc3339) stacks cannot be recovered: \(error)")
            }
        }
    }

    private static func serve(_ server: HTTPServer, until signals: SignalQueue?) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            if let signals {
                group.addTask {
                    // A hang-up is for reading a configuration again; there is none yet.
                    while try await signals.next() == 1 {}
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func listen() throws -> SocketListener {
        do {
            return try SocketListener.unix(configuration.socketPath, mode: 0o660)
        } catch {
            throw Diagnostic(
                code: "SC5004", summary: "the socket \(configuration.socketPath) cannot be opened", detail: "\(error)",
                hint: "choose another with --host, or end whoever has it")
        }
    }
}

/// Keeps a data root for one daemon.
final class RootLock: Sendable {
    private let lock: FileLock

    private init(_ lock: consuming FileLock) { self.lock = lock }

    /// Takes `<root>/run/daemon.lock`.
    ///
    /// A daemon that was killed while it started a process leaves the lock to that process until its exec(2), which is a
    /// moment later.
    ///
    /// - Throws: `Diagnostic` naming the process that has it.
    static func take(_ configuration: EngineConfiguration) async throws -> RootLock {
        let path = "\(configuration.runDirectory)/daemon.lock"
        do {
            try Files.makeDirectories(configuration.runDirectory, mode: 0o711)
            var patience = 40
            while true {
                if let lock = try FileLock.acquire(path, wait: false) {
                    try Files.write("/proc/self/fd/\(lock.descriptor)", Array("\(CurrentProcess.pid)\n".utf8))
                    return RootLock(lock)
                }
                patience -= 1
                let isHeld = holder(path).map { $0 != CurrentProcess.pid && Files.exists("/proc/\($0)") } ?? false
                if patience == 0 || isHeld { throw taken(path, configuration) }
                try await EventLoop.shared.sleep(for: .milliseconds(25))
            }
        } catch let error as SystemError {
            throw Diagnostic(
                code: "SC5005", summary: "the data root \(configuration.root) cannot be used", detail: "\(error)",
                hint: "give one that can be written: --root DIR")
        }
    }

    private static func holder(_ path: String) -> Int32? {
        (try? Files.readText(path, limit: 64))?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    private static func taken(_ path: String, _ configuration: EngineConfiguration) -> Diagnostic {
        let name = holder(path).map { "pid \($0)" } ?? "another process"
        return Diagnostic(
            code: "SC5002", summary: "another daemon (\(name)) has the data root \(configuration.root)",
            hint: "stop it, or give this one a data root of its own: --root DIR")
    }
}
