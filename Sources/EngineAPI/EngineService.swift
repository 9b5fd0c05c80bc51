import Apply
import Engine
import HTTP
import JSONText
import Linux
import Synchronization

/// The API of one engine, whatever it is served on.
package struct EngineService: Sendable {
    let engine: HostEngine
    let stacks: StackEngine
    private let router: Router
    private let log: DaemonLog

    /// The API of an engine and its stacks.
    ///
    /// - Parameter recovery: what closes interrupted applies; requests about stacks wait for it.
    package init(
        engine: HostEngine, stacks: StackEngine, recovery: BackgroundWork.Handle, settings: LiveSettings, log: DaemonLog
    ) {
        self.log = log
        self.engine = engine
        self.stacks = stacks
        var router = Router()
        SystemRoutes(engine: engine, settings: settings).add(to: &router)
        ContainerRoutes(engine: engine).add(to: &router)
        ContainerFileRoutes(engine: engine).add(to: &router)
        StreamRoutes(engine: engine).add(to: &router)
        WebSocketRoutes(engine: engine).add(to: &router)
        ExecutionRoutes(engine: engine).add(to: &router)
        ImageArchiveRoutes(engine: engine).add(to: &router)
        StoreRoutes(engine: engine).add(to: &router)
        RegistryRoutes(engine: engine).add(to: &router)
        ImageRoutes(engine: engine).add(to: &router)
        ImageImportRoutes(engine: engine).add(to: &router)
        ImageMountRoutes(engine: engine).add(to: &router)
        NetworkRoutes(engine: engine).add(to: &router)
        VolumeRoutes(engine: engine).add(to: &router)
        VolumeCopyRoutes(engine: engine).add(to: &router)
        PruneRoutes(engine: engine).add(to: &router)
        BuildRoutes(engine: engine).add(to: &router)
        OwnBuildRoutes(engine: engine).add(to: &router)
        AbsentRoutes().add(to: &router)
        StackRoutes(engine: engine, stacks: stacks, recovery: recovery).add(to: &router)
        self.router = router
    }

    /// Fields of every response.
    package static func commonHeaders(version: String) -> HTTPHeaders {
        [
            "Api-Version": "1.\(APIVersion.newest)", "Docker-Experimental": "false", "Ostype": "linux",
            "Server": "Docker/\(version) (linux)",
        ]
    }

    /// Answers one request.
    package func handle(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let begun = Clock.monotonic()
        do {
            try await answer(request, responder)
        } catch {
            await note(request, responder, since: begun, error)
            throw error
        }
        await note(request, responder, since: begun, nil)
    }

    private func answer(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        let (version, path) = try APIVersion.split(request.target.path)
        if request.method == "OPTIONS" { return try await responder.respond(200) }
        guard let (handler, variables) = router.match(request.method, path) else {
            throw EngineError(.notFound, "page not found")
        }
        try await handler(
            APIRequest(http: request, responder: responder, variables: variables, version: version))
    }

    /// Counts what was done, and logs the request where that is wanted.
    private func note(
        _ request: HTTPRequest, _ responder: HTTPResponder, since begun: Int64, _ error: (any Error)?
    ) async {
        let taken = Clock.monotonic() - begun
        if error == nil, let action = Self.action(request.method, request.target.path) {
            engine.metrics.count(action: action, nanoseconds: taken)
        }
        guard log.writes(.debug) else { return }
        let status = error.map { APIFailure.parts($0).status } ?? 0
        var fields = [
            ("id", Self.requestIDs.next()), ("method", request.method), ("path", request.target.path),
            ("status", "\(error == nil ? await responder.status : status)"), ("ms", "\(taken / 1_000_000)"),
        ]
        if let peer = request.peer { fields.append(("pid", "\(peer.pid)")) }
        if let certificate = request.certificate { fields.append(("client", certificate.subject)) }
        if let error { fields.append(("error", APIFailure.parts(error).message)) }
        log.write(.debug, "request", fields.map { (name: $0.0, value: $0.1) })
    }

    private static let requestIDs = RequestNumbers()

    /// What Docker calls an action on a container.
    private static func action(_ method: String, _ path: String) -> String? {
        let parts = path.split(separator: "/").drop { $0.first == "v" && $0.dropFirst().first?.isNumber == true }
        if method == "POST", parts.elementsEqual(["commit"]) { return "commit" }
        guard parts.first == "containers", let last = parts.last else { return nil }
        switch (method, last) {
        case ("POST", "create") where parts.count == 2: return "create"
        case ("POST", "start"), ("POST", "stop"), ("POST", "restart"), ("POST", "kill"), ("GET", "changes"):
            return parts.count == 3 ? String(last) : nil
        case ("DELETE", _): return parts.count == 2 ? "delete" : nil
        default: return nil
        }
    }
}

/// Numbers of requests, for the log.
private final class RequestNumbers: Sendable {
    private let last = Atomic<UInt64>(0)

    func next() -> String { String(last.wrappingAdd(1, ordering: .relaxed).newValue) }
}
