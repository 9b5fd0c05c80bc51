import Apply
import Diagnostics
import Engine
import HTTP
import JSONText
import Linux
import OCI
import Registry
import StackModel

/// `/stacks/…`: plan, apply, destroy, and what is known of stacks.
struct StackRoutes: Sendable {
    let engine: HostEngine
    let stacks: StackEngine
    /// Closes what the applies of an earlier daemon left open.
    let recovery: BackgroundWork.Handle
    /// A recovery may have to stop containers, each in its own time.
    private static let recoveryPatience = Duration.seconds(120)

    func add(to router: inout Router) {
        on("POST", "/stacks/plan", &router, plan)
        on("POST", "/stacks/apply", &router, apply)
        on("POST", "/stacks/tags", &router, tags)
        router.on("POST", "/stacks/seal", seal)
        on("POST", "/stacks/{name}/destroy", &router, destroy)
        on("GET", "/stacks", &router, list)
        on("GET", "/stacks/{name}", &router) { request in
            try await known(request) { try await request.respond(try await stacks.show($0).json) }
        }
        on("GET", "/stacks/{name}/outputs/{output}", &router) { request in
            let output = request.variable("output")
            try await known(request) {
                try await request.respond(try await stacks.output(output, of: $0).revealed)
            }
        }
        on("GET", "/stacks/{name}/drift", &router) { request in
            let options = try Self.options(.object(JSONObject()), request)
            try await known(request) { try await request.respond(try await stacks.drift($0, options: options).json) }
        }
        on("GET", "/stacks/{name}/history/{generation}", &router, generation)
        on("GET", "/stacks/{name}/history", &router) { request in
            let limit = max(1, try request.integer("limit") ?? 100)
            try await known(request) {
                try await request.respond(.array(try await stacks.history($0, limit: limit).map(\.json)))
            }
        }
    }

    private static let unknown = ["SC3141", "SC3145", "SC3153"]

    /// A route that is answered when recovery is over: in the middle of it, a stack is not what it will be.
    private func on(_ method: String, _ path: String, _ router: inout Router, _ handler: @escaping Router.Handler) {
        router.on(method, path) { request in
            try await waitForRecovery()
            let access = request.registryLogins
            try await RegistryAccess.$caller.withValue(access) { try await handler(request) }
        }
    }

    private func waitForRecovery() async throws {
        guard await recovery.wait(atMost: Self.recoveryPatience) else {
            throw EngineError(
                .unavailable,
                "the stacks are still being recovered from an interrupted apply; try again in a moment")
        }
    }

    /// A stack or an output nobody knows is 404.
    func known(_ request: APIRequest, _ body: (String) async throws -> Void) async throws {
        do {
            try await body(request.variable("name"))
        } catch let list as DiagnosticList where list.diagnostics.contains(where: { Self.unknown.contains($0.code) }) {
            throw EngineError(
                .notFound, list.diagnostics.first?.summary ?? "no such stack", diagnostics: list.diagnostics)
        }
    }

    private func list(_ request: APIRequest) async throws {
        var result: [JSONValue] = []
        for name in try await stacks.stackNames() {
            let newest = try? await stacks.history(name, limit: 1).first
            var stack: JSONObject = ["name": .string(name), "last": newest?.json ?? .null]
            if let damage = try await stacks.damage(of: name) { stack["damage"] = .string(damage) }
            result.append(.object(stack))
        }
        try await request.respond(.array(result))
    }

    /// `options` of a body, and who asks.
    private static func options(_ json: JSONValue, _ request: APIRequest) throws -> StackEngine.Options {
        let body = try FieldReader(json)
        var options = StackEngine.Options()
        if let given = try body.reader("options") {
            options.origin = try given.string("origin")
            options.takeOver = try given.flag("takeOver")
            options.rollback = try given.integer("rollback", in: 1...Int64.max)
            if let seconds = try given.integer("patience", in: 0...86_400) { options.patience = .seconds(seconds) }
            if let value = given.value("scope") {
                guard let scope = PlanScope(json: value) else {
                    throw EngineError(.invalid, "scope must have lists of addresses: targets, replaced")
                }
                options.scope = scope
            }
            if let expected = given.value("expected") { options.expected = try Plan(json: expected) }
        }
        if let peer = request.http.peer {
            options.uid = peer.uid
            options.pid = peer.pid
        }
        return options
    }

    private func plan(_ request: APIRequest) async throws {
        let body = try await request.json()
        let document = try StackDocument(json: body["document"] ?? .null)
        let options = try Self.options(body, request)
        try await request.respond(try await stacks.plan(document, options: options).json)
    }

    /// Seals values, by name; only this data root opens them.
    private func seal(_ request: APIRequest) async throws {
        let values = try FieldReader(try await request.json()).dictionary("values")
        let sealed = engine.sealedTexts
        let result = try await BlockingExecutor.shared.run { () throws(EngineError) in
            var result: [String: String] = [:]
            for (name, text) in values { result[name] = try sealed.seal(text) }
            return result
        }
        try await request.respond(["sealed": .object(.strings(result))])
    }

    /// Which digests the image tags of a document mean.
    private func tags(_ request: APIRequest) async throws {
        let json = try await request.json()
        let body = try FieldReader(json)
        let stack = try body.text("stack")
        let asked = (json["tags"]?.arrayValue ?? []).compactMap { item -> TagResolution.Request? in
            guard let tag = item["tag"]?.stringValue else { return nil }
            return TagResolution.Request(
                tag: tag, address: item["address"]?.stringValue,
                location: item["location"].flatMap { SourceLocation(json: $0) })
        }
        let digests = try await TagResolution(engine: engine).digests(
            asked, recorded: try await recordedTags(stack), upgrade: try body.flag("upgrade"))
        try await request.respond(["tags": .object(.strings(digests.mapValues(\.description)))])
    }

    /// The digests that tags had when the stack was last applied.
    private func recordedTags(_ stack: String) async throws -> [String: Digest] {
        var digests: [String: Digest] = [:]
        for (address, attributes) in try await stacks.recordedAttributes(stack) {
            for name in ImageUse.names(address.kind, attributes) {
                guard let at = name.lastIndex(of: "@"), let digest = Digest(name[name.index(after: at)...]) else {
                    continue
                }
                digests[String(name[..<at])] = digest
            }
        }
        return digests
    }

    /// Runs what a body asks for, with the time that its `options.stopTimeout` gives containers to stop.
    private static func withStopTimeout(_ body: JSONValue, _ run: () async throws -> Void) async throws {
        let seconds = try FieldReader(body).reader("options")?.integer("stopTimeout", in: -1...86_400 * 365)
        try await StopPatience.$asked.withValue(seconds.map { Int($0) }, operation: run)
    }

    private func apply(_ request: APIRequest) async throws {
        let body = try await request.json()
        try await Self.withStopTimeout(body) { try await carryOut(body, request) }
    }

    private func carryOut(_ body: JSONValue, _ request: APIRequest) async throws {
        let options = try Self.options(body, request)
        let stacks = self.stacks
        if let plan = body["plan"], !plan.isNull {
            let saved = try SavedPlan(json: plan)
            return try await stream(request) { try await stacks.apply(saved, options: options, events: $0) }
        }
        let document = try StackDocument(json: body["document"] ?? .null)
        try await stream(request) { try await stacks.apply(document, options: options, events: $0) }
    }

    private func destroy(_ request: APIRequest) async throws {
        let body = try await request.json()
        let name = request.variable("name")
        let stacks = self.stacks
        let options = try Self.options(body, request)
        if body["planOnly"] == true {
            return try await known(request) {
                try await request.respond(try await stacks.planDestroy($0, options: options).json)
            }
        }
        try await known(request) { _ in
            try await Self.withStopTimeout(body) {
                try await stream(request) { try await stacks.destroy(name, options: options, events: $0) }
            }
        }
    }

    /// Runs an apply and sends its events as lines.
    ///
    /// A client that goes away does not stop it.
    private func stream(
        _ request: APIRequest, _ run: @escaping @Sendable (@escaping EventSink) async throws -> ApplySummary
    ) async throws {
        let (lines, sender) = AsyncThrowingStream.makeStream(of: ApplyEvent.self)
        engine.runInBackground {
            do {
                _ = try await run { sender.yield($0) }
                sender.finish()
            } catch {
                sender.finish(throwing: error)
            }
        }
        var begun = false
        var lost = false
        do {
            for try await event in lines where !lost {
                do {
                    if !begun { try await request.beginLines("application/x-ndjson") }
                    begun = true
                    try await request.line(event.json)
                } catch {
                    lost = true
                }
            }
        } catch {
            guard begun else { throw error }
            let (_, message, diagnostics) = APIFailure.parts(error)
            guard case .object(var object) = APIFailure.body(message, diagnostics) else { return }
            object["type"] = "error"
            try await request.line(.object(object))
        }
        if !begun { try await request.beginLines("application/x-ndjson") }
        try await request.responder.finish()
    }
}
