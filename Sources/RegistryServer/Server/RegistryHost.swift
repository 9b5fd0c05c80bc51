import Diagnostics
import HTTP
import Linux
import Registry
import Synchronization

/// A registry server: its store, its listeners, and what it does by itself.
package final class RegistryHost: Sendable {
    private let configuration: RegistryConfiguration
    private let store: RegistryStore
    private let uploads: UploadTable
    private let metrics: RegistryMetrics
    private let connections = ConnectionSet()
    private let proxy: ProxyCache?
    private let access: AccessControl
    private let collector: GarbageCollector
    private let log: RegistryLog
    private let isStopping: Flag

    /// Opens the root and takes it for this process; blocks.
    ///
    /// - Throws: `Diagnostic` for a root or a file that cannot be used.
    package init(
        _ configuration: RegistryConfiguration,
        log write: @escaping @Sendable (String) -> Void = { _ = Console.error.line($0) }
    ) throws {
        self.configuration = configuration
        let log = RegistryLog(write: write, hasRequests: configuration.logsRequests)
        let metrics = RegistryMetrics()
        let isStopping = Flag()
        let store = try RegistryStore(path: configuration.root, grace: configuration.grace)
        let collector = GarbageCollector(
            store: store, metrics: metrics,
            isForeign: { name in configuration.upstreams.contains { $0.repository(of: name) != nil } })
        proxy = try Self.proxy(configuration, store, metrics, log, isStopping) {
            Self.evict(collector, configuration, log)
        }
        uploads = try UploadTable(store, limit: configuration.uploadLimit, expiry: configuration.uploadExpiry)
        let issuesTokens = configuration.issuesTokens || configuration.anonymousPull
        access = AccessControl(
            passwords: try configuration.passwordFile.map { try PasswordVerifier(path: $0, log: log.note) },
            tokens: issuesTokens && configuration.passwordFile != nil ? try TokenIssuer(store.files) : nil,
            anonymousPull: configuration.anonymousPull, address: configuration.publicAddress,
            isSecure: configuration.certificate != nil)
        self.log = log
        self.metrics = metrics
        self.isStopping = isStopping
        self.store = store
        self.collector = collector
    }

    private static func proxy(
        _ configuration: RegistryConfiguration, _ store: RegistryStore, _ metrics: RegistryMetrics,
        _ log: RegistryLog, _ isStopping: Flag, afterDownload: @escaping @Sendable () -> Void
    ) throws -> ProxyCache? {
        guard !configuration.upstreams.isEmpty else { return nil }
        var options = try RegistryOptions.ofCallingUser()
        options.isCancelled = { isStopping.isSet }
        return ProxyCache(
            store, configuration.upstreams, options: options, freshness: configuration.freshness, metrics: metrics,
            log: log.note, afterDownload: afterDownload)
    }

    // MARK: Serving

    /// Serves until the process is asked to end (SIGTERM, SIGINT) or the task is cancelled, then lets the requests
    /// under way come to their end.
    ///
    /// - Parameters:
    ///   - handlesSignals: false leaves signals to the caller, as tests do.
    ///   - onReady: told where clients connect, once they can.
    package func run(
        handlesSignals: Bool = true, onReady: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws {
        let signals = handlesSignals ? try SignalQueue([1, 2, 15]) : nil
        let context = try await BlockingExecutor.shared.run { try self.context() }
        let listener = try listen(configuration.address, configuration.port)
        let metricsListener = try configuration.metricsAddress.map { try listen($0.0, $0.1) }
        let control = try ControlSocket(root: configuration.root, collector: collector, log: log)
        let service = makeService()
        let secure = context.map { context in
            TLSListener(over: listener, context: context) { [log] error, client in
                if error != .abandoned { log.note("client=\(client ?? "-") \(error)") }
            }
        }
        onReady(Self.text(configuration.address, try listener.localPort()))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.accept(secure ?? listener, service) }
            if let metricsListener { group.addTask { await self.serveMetrics(metricsListener, service) } }
            group.addTask { try await control.run() }
            group.addTask { try await self.housekeeping() }
            if let signals {
                group.addTask {
                    while try await signals.next() == 1 { await self.reload(secure) }
                }
            } else {
                group.addTask { try await EventLoop.shared.sleep(for: .seconds(1 << 40)) }
            }
            // The first to end is the signal, the cancellation, or something that must not end alone.
            _ = try? await group.next()
            await self.stop(listener, metricsListener, control)
            group.cancelAll()
        }
    }

    /// The certificate and its key, where TLS is to be spoken.
    private func context() throws -> TLSContext? {
        guard let certificate = configuration.certificate, let key = configuration.key else { return nil }
        do throws(TLSError) {
            let context = try TLSContext(server: TLSServerConfiguration(certificate: certificate, key: key))
            for warning in context.warnings { log.note("\(warning)") }
            return context
        } catch {
            throw Diagnostic(
                code: "SC4214", summary: "the registry cannot speak TLS", detail: "\(error)", hint: error.hint)
        }
    }

    /// Reads the certificate anew; connections that are open keep theirs.
    private func reload(_ listener: TLSListener?) async {
        guard let listener else { return }
        do {
            if let next = try await BlockingExecutor.shared.run({ try self.context() }) {
                listener.replaceContext(next)
                log.note("read the certificate anew")
            }
        } catch {
            log.note("the certificate stays as it was: \((error as? Diagnostic)?.detail ?? "\(error)")")
        }
    }

    private func stop(_ listener: SocketListener, _ second: SocketListener?, _ control: ControlSocket) async {
        log.note("stopping: requests under way have \(configuration.stopPatience.components.seconds) s")
        listener.close()
        second?.close()
        control.close()
        connections.drain()
        let end = Clock.monotonic() + configuration.stopPatience.wholeNanoseconds
        while !connections.isEmpty, Clock.monotonic() < end {
            // Also where the task was cancelled: clients are to get their answers.
            await Task { try? await EventLoop.shared.sleep(for: .milliseconds(20)) }.value
        }
        isStopping.set()
        connections.close()
        log.note("stopped")
    }

    private func makeService() -> RegistryService {
        let limit = configuration.blobLimit == 0 ? Int64.max : configuration.blobLimit
        return RegistryService(
            store: store, access: access, metrics: metrics, uploads: uploads, proxy: proxy,
            blobs: BlobRoutes(store: store, proxy: proxy),
            uploadRoutes: UploadRoutes(store: store, uploads: uploads, blobLimit: limit),
            manifests: ManifestRoutes(store: store, proxy: proxy), lists: ListRoutes(store: store),
            showsMetrics: configuration.metricsAddress == nil,
            isReady: { [connections] in !connections.isDraining }, log: log)
    }

    private func accept(_ listener: any ByteStreamListener, _ service: RegistryService) async {
        await withDiscardingTaskGroup { group in
            let places = Places(configuration.connectionLimit)
            while !Task.isCancelled {
                await places.take()
                guard let stream = try? await listener.acceptStream() else { break }
                group.addTask {
                    let connection = RegistryConnection(stream, idle: self.configuration.idle)
                    self.connections.add(connection)
                    self.metrics.connections(by: 1)
                    await Self.serve(connection, listener, service)
                    connection.close()
                    self.metrics.connections(by: -1)
                    self.connections.remove(connection)
                    await places.giveBack()
                }
            }
        }
    }

    private static func serve(
        _ connection: RegistryConnection, _ listener: any ByteStreamListener, _ service: RegistryService
    ) async {
        let server = HTTPServer(
            listener: listener, common: RegistryService.common, failure: RegistryService.failure
        ) { request, responder in
            try await service.handle(request, responder, on: connection)
        }
        await server.serve(connection)
    }

    private func serveMetrics(_ listener: SocketListener, _ service: RegistryService) async {
        let metrics = RegistryMetrics()
        let server = HTTPServer(listener: listener, failure: RegistryService.failure) { request, responder in
            let call = APICall(request, responder, metrics: metrics)
            switch call.path {
            case "/metrics": try await RegistryService.metrics(call, text: service.metricsText())
            case "/healthz": try await call.respond(service.isReady() ? 200 : 503)
            default: throw APIFailure.noSuchPage
            }
        }
        try? await server.run()
    }

    private func listen(_ address: IPAddress, _ port: UInt16) throws -> SocketListener {
        do {
            return try SocketListener.tcp(address, port: port)
        } catch {
            let place = Self.text(address, port)
            let hint =
                error.errno == .EADDRINUSE
                ? "another program has the port: choose another with --listen, or end that one"
                : "choose an address of this machine: --listen ADDRESS:PORT"
            throw Diagnostic(
                code: "SC4204", summary: "the registry cannot listen on \(place)", detail: "\(error)", hint: hint)
        }
    }

    private static func text(_ address: IPAddress, _ port: UInt16) -> String {
        address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    // MARK: By itself

    /// Counts what is stored, then drops what is over, for as long as the server runs.
    private func housekeeping() async throws {
        await BlockingExecutor.shared.run {
            do {
                try self.store.countUsage()
            } catch {
                self.log.note("what is stored cannot be counted: \(error)")
            }
        }
        let tick = Duration.seconds(60)
        var nextCollection = configuration.collectionInterval.map { Clock.monotonic() + $0.wholeNanoseconds }
        while true {
            let wait = min(tick, configuration.collectionInterval ?? tick)
            try await EventLoop.shared.sleep(for: wait)
            await BlockingExecutor.shared.run { self.tidy() }
            guard let interval = configuration.collectionInterval, let due = nextCollection, Clock.monotonic() >= due
            else { continue }
            await collect()
            nextCollection = Clock.monotonic() + interval.wholeNanoseconds
        }
    }

    private func tidy() {
        do {
            let dropped = try uploads.expire()
            if dropped > 0 { log.note("dropped \(dropped) uploads that were not finished") }
        } catch {
            log.note("uploads that were not finished cannot be dropped: \(error)")
        }
        Self.evict(collector, configuration, log)
    }

    /// Keeps what is stored of other registries within its limit.
    private static func evict(
        _ collector: GarbageCollector, _ configuration: RegistryConfiguration, _ log: RegistryLog
    ) {
        guard configuration.cacheLimit > 0 else { return }
        do {
            let freed = try collector.evict(to: configuration.cacheLimit)
            if freed > 0 { log.note("dropped \(freed) bytes of other registries to keep within --max-size") }
        } catch {
            log.note("what is kept of other registries cannot be made smaller: \(error)")
        }
    }

    private func collect() async {
        let untagged = configuration.collectsUntagged
        do {
            let report = try await BlockingExecutor.shared.run { try self.collector.collect(untagged: untagged) }
            log.note("garbage collection: \(report)")
        } catch {
            log.note("garbage collection failed: \(error)")
        }
    }
}

/// Something that happened, or not.
final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

/// Places that are taken and given back.
private actor Places {
    private var free: Int
    private var waiting: CheckedContinuation<Void, Never>?

    init(_ count: Int) { free = count }

    func take() async {
        if free == 0 { await withCheckedContinuation { waiting = $0 } } else { free -= 1 }
    }

    func giveBack() {
        if let next = waiting {
            waiting = nil
            next.resume()
        } else {
            free += 1
        }
    }
}
