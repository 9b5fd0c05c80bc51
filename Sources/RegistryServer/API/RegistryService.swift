import Diagnostics
import HTTP
import Linux

/// Answers requests: finds the route, asks who calls, and keeps count.
struct RegistryService: Sendable {
    let store: RegistryStore
    let access: AccessControl
    let metrics: RegistryMetrics
    let uploads: UploadTable
    let proxy: ProxyCache?
    let blobs: BlobRoutes
    let uploadRoutes: UploadRoutes
    let manifests: ManifestRoutes
    let lists: ListRoutes
    /// Whether `/metrics` is answered here; it may have an address of its own.
    let showsMetrics: Bool
    /// Whether requests are still taken.
    let isReady: @Sendable () -> Bool
    let log: RegistryLog

    /// Fields of every answer.
    static let common: HTTPHeaders = [
        "Docker-Distribution-Api-Version": "registry/2.0", "X-Content-Type-Options": "nosniff",
    ]

    /// What the server answers where no request could be read.
    static let failure: HTTPFailure = { error in
        let failure = APIFailure.of(error)
        return (failure.status, failure.fields, failure.body)
    }

    /// Answers one request of a connection.
    func handle(_ request: HTTPRequest, _ responder: HTTPResponder, on connection: RegistryConnection) async throws {
        connection.begin()
        defer { connection.end() }
        let call = APICall(request, responder, metrics: metrics)
        var label = "other"
        var failed: (any Error)?
        var closing: (any Error)?
        do {
            let route = try Route(path: call.path)
            label = route.label
            try await answer(call, route)
        } catch {
            failed = error
            // The server closes a connection on which the rest of a body or of an answer is not to be told from what
            // follows; where neither is in doubt, it goes on.
            closing = await call.hasBegun || error is HTTPError ? error : nil
            if await !call.hasBegun {
                let failure = APIFailure.of(error)
                try? await call.respond(failure.status, headers: failure.fields, body: failure.body)
            }
        }
        metrics.count(call.method, route: label, call.outcome, nanoseconds: call.nanoseconds)
        log.request(call, from: connection.remoteAddress ?? "-", failure: failed)
        if let closing { throw closing }
    }

    private func answer(_ call: APICall, _ route: Route) async throws {
        switch route {
        case .health: return try await health(call)
        case .token: return try await access.token(call)
        case .metrics where !showsMetrics: throw APIFailure.noSuchPage
        default: break
        }
        let caller = try await access.caller(call, route)
        switch route {
        case .version:
            guard call.method == "GET" || call.method == "HEAD" else { throw APIFailure.wrongMethod("GET, HEAD") }
            try await call.respond(200, headers: ["Content-Type": "application/json"], body: Array("{}".utf8))
        case .catalog: try await lists.catalog(call)
        case .tags(let repository): try await lists.tags(call, repository)
        case .referrers(let repository, let digest): try await lists.referrers(call, repository, digest)
        case .manifest(let repository, let reference): try await manifests.handle(call, repository, reference)
        case .blob(let repository, let digest): try await blobs.handle(call, repository, digest)
        case .uploads(let repository):
            try proxy?.refuseChange(of: repository)
            try await uploadRoutes.begin(call, repository, mayRead: caller.mayPull)
        case .upload(let repository, let id): try await uploadRoutes.handle(call, repository, id: id)
        case .metrics: try await Self.metrics(call, text: metricsText())
        case .health, .token: break
        }
    }

    private func health(_ call: APICall) async throws {
        let isGood = isReady()
        try await call.respond(
            isGood ? 200 : 503, headers: ["Content-Type": "text/plain"],
            body: Array((isGood ? "ok\n" : "stopping\n").utf8))
    }

    /// What is counted, as text.
    func metricsText() -> String { metrics.text(store.usage.now, uploads: uploads.total) }

    static func metrics(_ call: APICall, text: String) async throws {
        guard call.method == "GET" || call.method == "HEAD" else { throw APIFailure.wrongMethod("GET, HEAD") }
        try await call.respond(
            200, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: Array(text.utf8))
    }
}

/// The server's log: one line each, with the time first.
struct RegistryLog: Sendable {
    let write: @Sendable (String) -> Void
    /// Whether each request has a line.
    let hasRequests: Bool

    /// Notes something that happened.
    func note(_ text: String) { write("\(Clock.now().rfc3339) \(text)") }

    /// Notes a request and its answer; what the client must not know is here.
    func request(_ call: APICall, from remote: String, failure: (any Error)?) {
        let outcome = call.outcome
        let isFault = outcome.status >= 500 || outcome.status == 0
        guard hasRequests || isFault else { return }
        var line = "\(call.method) \(call.path) status=\(outcome.status) client=\(remote)"
        if let user = outcome.user { line += " user=\(user)" }
        line += " in=\(outcome.received) out=\(outcome.sent) ms=\(call.nanoseconds / 1_000_000)"
        if let agent = call.headers["User-Agent"] { line += " agent=\"\(agent.prefix(100))\"" }
        if let failure {
            switch failure {
            case let failure as APIFailure: line += " code=\(failure.code.rawValue)"
            default: line += " error=\"\(failure)\""
            }
        }
        note(TerminalText.line(line))
    }
}
