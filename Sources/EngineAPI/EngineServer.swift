import Apply
import Builder
import Diagnostics
import Engine
import HTTP
import JSONText
import Linux

/// The daemon: one engine, its stacks, and the API on its sockets.
package final class EngineServer: Sendable {
    /// Makes the providers of stacks over an engine.
    package typealias Providers = @Sendable (HostEngine) -> [any ResourceProvider]
    /// Reads the settings anew.
    package typealias Rereading = @Sendable () throws -> DaemonSettings

    /// The engine.
    package let engine: HostEngine
    /// The stacks.
    package let stacks: StackEngine
    private let configuration: EngineConfiguration
    private let settings: LiveSettings
    private let reread: Rereading?
    private let lock: RootLock
    private let log: DaemonLog

    /// Opens the data root and takes it for this process.
    ///
    /// - Parameters:
    ///   - reread: reads the settings anew at a hang-up signal; nil leaves them as they are.
    ///   - sink: takes the lines of the log.
    /// - Throws: `Diagnostic` where another daemon has it, the database is newer or damaged, or `stack-init` is missing.
    package init(
        _ configuration: EngineConfiguration, settings: DaemonSettings = DaemonSettings(), reread: Rereading? = nil,
        providers: Providers, log sink: @escaping @Sendable (String) -> Void = { _ = Console.error.line($0) }
    ) async throws {
        self.settings = LiveSettings(settings)
        self.reread = reread
        let log = DaemonLog(level: settings.logLevel, format: settings.logFormat, sink: sink)
        self.log = log
        guard CurrentProcess.uid == 0 else {
            throw Diagnostic(
                code: "SC5001", summary: "the daemon needs root",
                detail: "Namespaces, mounts and networks are made by it.", hint: "run it with sudo, or as a service")
        }
        Signals.ignoreBrokenPipe()
        lock = try await RootLock.take(configuration)
        let providers = providers
        var told = configuration
        told.registrySettings.insert(DaemonRegistries.path(configuration), at: 0)
        let chosen = told
        self.configuration = chosen
        engine = try await BlockingExecutor.shared.run {
            try DaemonRegistries.write(settings, for: chosen)
            return try HostEngine(chosen) { log.write(.info, $0) }
        }
        engine.containerDefaults = settings.defaults
        stacks = StackEngine(database: engine.database, providers: providers(engine), writer: engine.writer)
    }

    /// Recovers, serves, and returns when the daemon was asked to end (SIGTERM, SIGINT) or the task was cancelled.
    ///
    /// - Parameters:
    ///   - handlesSignals: false leaves signals to the caller, as tests do.
    ///   - onReady: runs when the sockets accept.
    package func run(handlesSignals: Bool = true, onReady: @Sendable () async -> Void = {}) async throws {
        let signals = handlesSignals ? try SignalQueue([2, 15, 1]) : nil
        let current = settings.current
        let listeners = try await BlockingExecutor.shared.run { [configuration, log] in
            try DaemonListeners(current, standard: configuration.socketPath, log: log)
        }
        for key in current.idleKeys { log.write(.warn, "the configuration's `\(key)` changes nothing here") }
        for note in try await engine.recover() { log.write(.info, note) }
        let servers = try servers(listeners)
        await onReady()
        for place in listeners.places { log.write(.info, "serving the API", [("on", place.name)]) }
        notify("READY=1")
        do {
            try await serve(servers, listeners, until: signals)
        } catch is CancellationError {
        } catch  where Task.isCancelled {}
        listeners.close()
        // Also where the task was cancelled, the engine is to be left in order.
        await Task { [engine] in await engine.shutdown() }.value
        listeners.removePaths()
    }

    private func servers(_ listeners: DaemonListeners) throws -> [HTTPServer] {
        let service = EngineService(
            engine: engine, stacks: stacks, recovery: recoverStacks(), settings: settings, log: log)
        let common = EngineService.commonHeaders(version: configuration.version)
        var servers = listeners.places.map { place in
            HTTPServer(
                listener: place.listener, common: common, failure: { APIFailure.response($0) },
                handler: service.handle)
        }
        if let text = settings.current.metricsAddress {
            guard case .tcp(let address, let port) = try DaemonHost("tcp://\(text)", isSecure: false) else {
                throw Diagnostic(code: "SC5013", summary: "`metrics-addr` must be ADDRESS:PORT, not `\(text)`")
            }
            let listener: SocketListener
            do {
                listener = try SocketListener.tcp(address, port: port)
            } catch {
                throw Diagnostic(
                    code: "SC5004", summary: "metrics cannot be served on \(text)", detail: "\(error)",
                    hint: "choose another place with --metrics-addr")
            }
            let page = MetricsPage(engine: engine)
            servers.append(
                HTTPServer(
                    listener: listener, common: common, failure: { APIFailure.response($0) }, handler: page.handle))
        }
        return servers
    }

    /// Begins to close what interrupted applies left open.
    ///
    /// It may take as long as a container takes to stop: all but the stacks is served meanwhile.
    private func recoverStacks() -> BackgroundWork.Handle {
        let stacks = self.stacks
        let log = self.log
        return engine.runInBackground {
            do {
                for diagnostic in try await stacks.recover() { log.write(.warn, "\(diagnostic)") }
            } catch {
                log.write(.error, "stacks cannot be recovered: \(error)")
            }
        }
    }

    /// Serves until every server has ended: at a signal, after the requests that are under way.
    private func serve(
        _ servers: [HTTPServer], _ listeners: DaemonListeners, until signals: SignalQueue?
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for server in servers {
                group.addTask {
                    try await server.run()
                    return true
                }
            }
            if let signals {
                group.addTask {
                    while try await signals.next() == 1 { await self.reload(listeners) }
                    await self.stop(servers)
                    // Whoever asks again does not want to wait.
                    while try await signals.next() == 1 {}
                    throw CancellationError()
                }
            }
            defer { group.cancelAll() }
            var left = servers.count
            while left > 0, let hasEnded = try await group.next() {
                if hasEnded { left -= 1 }
            }
        }
    }

    private func stop(_ servers: [HTTPServer]) async {
        notify("STOPPING=1")
        log.write(.info, "stopping: requests under way are answered first")
        // Followers of events get a proper end.
        await engine.events.close()
        // A build may take for ever, and is found again as far as it came.
        await engine.builder.cancelBuilds()
        try? await EventLoop.shared.sleep(for: .milliseconds(20))
        for server in servers { server.stop(within: .seconds(settings.current.shutdownSeconds)) }
    }

    /// Takes over what can change without a new start; where the new settings are wrong, the old ones stay.
    private func reload(_ listeners: DaemonListeners) async {
        guard let reread else { return }
        notify("RELOADING=1\nMONOTONIC_USEC=\(Systemd.monotonicMicroseconds)")
        defer { notify("READY=1") }
        let old = settings.current
        do {
            let (next, context) = try await BlockingExecutor.shared.run { [configuration, log] in
                let next = try reread()
                // A renewed certificate is in the same files.
                let context = old.isSecure ? try DaemonListeners.context(old, log) : nil
                try DaemonRegistries.write(next, for: configuration)
                return (next, context)
            }
            settings.current = next
            engine.containerDefaults = next.defaults
            log.configure(level: next.logLevel, format: next.logFormat)
            if let context { for listener in listeners.secure { listener.replaceContext(context) } }
            for key in next.keysForRestart(from: old) {
                log.write(.warn, "the configuration's `\(key)` takes effect with the next start of the daemon")
            }
            log.write(.info, "configuration read again")
            let facts = await BlockingExecutor.shared.run { HostFacts.read() }
            await engine.noteReload(
                id: facts.machineID,
                [
                    "debug": "\(next.logLevel == .debug)",
                    "labels": JSONValue.strings(next.labels).serialized(.compact),
                    "log-level": next.logLevel.name, "name": facts.hostname,
                    "registry-mirrors": JSONValue.strings(next.registryMirrors).serialized(.compact),
                    "insecure-registries": JSONValue.strings(next.insecureRegistries).serialized(.compact),
                ])
        } catch let list as DiagnosticList {
            for diagnostic in list.diagnostics { log.write(.error, "configuration not taken over: \(diagnostic)") }
        } catch {
            log.write(.error, "configuration not taken over: \(error)")
        }
    }

    private func notify(_ lines: String) {
        do {
            try Systemd.notify(lines)
        } catch {
            log.write(.warn, "the service manager cannot be told: \(error)")
        }
    }
}

/// What the daemon's settings say of registries, as the file that the registries' configuration is read from first.
enum DaemonRegistries {
    static func path(_ configuration: EngineConfiguration) -> String {
        "\(configuration.runDirectory)/daemon-registries.json"
    }

    /// Writes the file.
    ///
    /// Blocks.
    static func write(_ settings: DaemonSettings, for configuration: EngineConfiguration) throws {
        var registries = JSONObject()
        if !settings.registryMirrors.isEmpty {
            registries["docker.io"] = ["mirrors": .strings(settings.registryMirrors)]
        }
        for name in settings.insecureRegistries {
            var entry = registries[name]?.objectValue ?? JSONObject()
            entry["insecure"] = true
            registries[name] = .object(entry)
        }
        // A mirror that says http:// is asked for in so many words.
        for mirror in settings.registryMirrors where mirror.hasPrefix("http://") {
            let authority = String(mirror.dropFirst("http://".count).prefix { $0 != "/" })
            var entry = registries[authority]?.objectValue ?? JSONObject()
            entry["insecure"] = true
            registries[authority] = .object(entry)
        }
        let path = path(configuration)
        guard !registries.isEmpty else {
            _ = try Files.unlinkIfPresent(path)
            return
        }
        let document: JSONValue = ["registries": .object(registries)]
        try Files.writeAtomically(path, document.serializedBytes(.pretty), mode: 0o644)
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
            var patience = 400
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
