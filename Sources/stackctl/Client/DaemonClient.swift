import Diagnostics
import HTTP
import JSONText

/// The daemon's API as the commands use it: JSON in, JSON out, its errors as diagnostics.
struct DaemonClient: Sendable {
    /// The connection maker.
    let http: HTTPClient
    /// What goes before each target: `/v1.44`, or nothing for the version the daemon takes by itself.
    var prefix = ""
    /// Whether all that is let through are requests that look, and those that plan.
    var onlyLooks = false

    /// The answer to a GET.
    func get(_ target: String, headers: HTTPHeaders = [:]) async throws -> JSONValue {
        try await call("GET", target, headers: headers)
    }

    /// The answer to a POST.
    func post(
        _ target: String, _ body: JSONValue? = nil, headers: HTTPHeaders = HTTPHeaders()
    ) async throws -> JSONValue {
        try await call("POST", target, body, headers: headers)
    }

    /// The answer to a POST whose body comes piece by piece, until there is no more.
    func post(_ target: String, streaming body: @Sendable () async throws -> [UInt8]?) async throws -> JSONValue {
        let response = try await send(
            "POST", target, headers: ["Content-Type": "application/x-tar"], streaming: body)
        let bytes = try await response.collect()
        guard response.status < 400 else {
            throw DaemonClient.failure(status: response.status, body: bytes, of: target)
        }
        return bytes.isEmpty ? .null : try DaemonClient.parse(String(decoding: bytes, as: UTF8.self))
    }

    /// The answer to a DELETE.
    func delete(_ target: String) async throws -> JSONValue { try await call("DELETE", target) }

    /// Sends a request and gives every line of the answer, a JSON value each, to `each` as it comes.
    func stream(
        _ method: String, _ target: String, _ body: JSONValue? = nil, headers: HTTPHeaders = HTTPHeaders(),
        each: (JSONValue) async throws -> Void
    ) async throws {
        let response = try await open(method, target, body, headers: headers)
        defer { response.close() }
        var lines = response.lines()
        while let line = try await lines.next() {
            guard !line.isEmpty else { continue }
            try await each(try DaemonClient.parse(line))
        }
    }

    /// Sends a request and returns once its head is there and says success.
    func open(
        _ method: String, _ target: String, _ body: JSONValue? = nil, headers given: HTTPHeaders = [:]
    ) async throws -> HTTPClientResponse {
        var headers = given
        if body != nil { headers.set("Content-Type", "application/json") }
        let response = try await send(method, target, headers: headers, body: body?.serializedBytes(.compact))
        guard response.status < 400 else {
            throw DaemonClient.failure(status: response.status, body: try await response.collect(), of: target)
        }
        return response
    }

    /// Sends a request and returns when the answer's head is there, whatever its status.
    func send(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil
    ) async throws -> HTTPClientResponse {
        try expectLook(method, target)
        return try await http.send(method, prefix + target, headers: headers, body: body)
    }

    /// The same with a body that comes piece by piece.
    func send(
        _ method: String, _ target: String, headers: HTTPHeaders = [:],
        streaming body: @Sendable () async throws -> [UInt8]?
    ) async throws -> HTTPClientResponse {
        try expectLook(method, target)
        return try await http.send(method, prefix + target, headers: headers, streaming: body)
    }

    /// Sends a request that asks for the raw connection, and returns it.
    ///
    /// - Throws: `StatusFailure` where the daemon refuses.
    func hijack(_ target: String, body: JSONValue? = nil) async throws -> HijackedStream {
        try expectLook("POST", target)
        var headers: HTTPHeaders = [:]
        if body != nil { headers.set("Content-Type", "application/json") }
        let (response, stream) = try await http.upgrade(
            "POST", prefix + target, headers: headers, body: body?.serializedBytes(.compact) ?? [])
        guard let stream else {
            throw DaemonClient.failure(status: response.status, body: try await response.collect(), of: target)
        }
        return stream
    }

    /// The plan for a document, or for the end of a stack: questions that change nothing although they are asked by POST.
    func plan(_ question: PlanQuestion) async throws -> JSONValue {
        var asking = self
        asking.onlyLooks = false
        return try await asking.post(question.target, question.body)
    }

    /// What is asked by POST and changes nothing.
    private static let answersOnly = ["/stacks/seal", "/stacks/tags"]

    /// - Throws: `Diagnostic` (SC0225) for a request that changes something where only looking is allowed.
    private func expectLook(_ method: String, _ target: String) throws(Diagnostic) {
        guard onlyLooks, method != "GET", method != "HEAD", !Self.answersOnly.contains(target) else { return }
        throw Diagnostic(
            code: "SC0225", summary: "--dry-run: this cannot be told without doing it",
            detail: "\(method) \(target) was not sent", hint: "leave out --dry-run")
    }

    private func call(
        _ method: String, _ target: String, _ body: JSONValue? = nil, headers: HTTPHeaders = [:]
    ) async throws -> JSONValue {
        let bytes = try await open(method, target, body, headers: headers).collect()
        return bytes.isEmpty ? .null : try DaemonClient.parse(String(decoding: bytes, as: UTF8.self))
    }

    /// What the daemon said went wrong.
    ///
    /// - Parameter target: what was asked for; tells which list has the names that there are.
    static func failure(status: Int, body: [UInt8], of target: String = "") -> StatusFailure {
        let text = String(decoding: body, as: UTF8.self)
        let fallback = "the daemon answered with status \(status)"
        guard let value = try? JSONValue.parse(text) else {
            let diagnostic = Diagnostic(code: "SC0121", summary: fallback, detail: text.isEmpty ? nil : text)
            return StatusFailure(status: status, diagnostics: [diagnostic])
        }
        var found = diagnostics(of: value, code: status == 404 ? "SC0122" : "SC0121", fallback: fallback)
        if status == 404, found.count == 1, found[0].hint == nil,
            let list = listing(for: target, told: found[0].summary)
        {
            found[0].hint = "`stackctl \(list)` lists what there is"
        }
        return StatusFailure(status: status, diagnostics: found)
    }

    /// The command that lists objects of the kind that a target is about, or that the daemon names.
    private static func listing(for target: String, told message: String) -> String? {
        let parts = target.split(separator: "/")
        return switch parts.first {
        case "containers":
            // What is missing may be what a container is made of, or a file in it.
            message.hasPrefix("No such container")
                ? "ps -a"
                : message.hasPrefix("No such image") ? "images" : message.hasPrefix("network ") ? "network ls" : nil
        case "images": "images"
        case "networks": "network ls"
        case "volumes": "volume ls"
        case "stacks": "stacks list"
        // Without an id something is not there that a build wants.
        case "builds" where parts.count > 1: "builder history ls"
        default: nil
        }
    }

    /// What an error body says: its diagnostics, or else its message as one.
    static func diagnostics(
        of body: JSONValue, code: String = "SC0121", fallback: String = "the daemon failed"
    ) -> [Diagnostic] {
        let diagnostics = (body["diagnostics"]?.arrayValue ?? []).compactMap { Diagnostic(json: $0) }
        if !diagnostics.isEmpty { return diagnostics }
        return [Diagnostic(code: code, summary: body["message"]?.stringValue ?? fallback)]
    }

    private static func parse(_ text: String) throws -> JSONValue {
        do {
            return try JSONValue.parse(text)
        } catch {
            throw Diagnostic(
                code: "SC0123", summary: "the daemon's answer is not JSON", detail: "\(error)",
                hint: "is the socket that of another program? look at --host and STACKCTL_SOCKET")
        }
    }
}

/// What a plan is asked for.
enum PlanQuestion: Sendable {
    /// What an apply of a document would do.
    case apply(document: JSONValue, options: JSONValue)
    /// What the end of a stack would take away.
    case destroy(stack: String, options: JSONValue)

    fileprivate var target: String {
        switch self {
        case .apply: "/stacks/plan"
        case .destroy(let stack, _): Target("stacks", stack, "destroy").text
        }
    }

    fileprivate var body: JSONValue {
        switch self {
        case .apply(let document, let options): ["document": document, "options": options]
        case .destroy(_, let options): ["planOnly": true, "options": options]
        }
    }
}

/// An answer that is not success.
struct StatusFailure: Error, Sendable, Equatable {
    /// The HTTP status.
    let status: Int
    /// What the daemon said.
    let diagnostics: [Diagnostic]
}

/// Builds request targets: path segments and query values are percent-encoded, absent values left out.
struct Target {
    private(set) var text: String
    private var hasQuery = false

    /// A path of these segments.
    init(_ segments: String...) {
        text = segments.map { "/" + RequestTarget.encoded($0) }.joined()
    }

    /// Adds a query value where there is one.
    func with(_ name: String, _ value: String?) -> Target {
        guard let value else { return self }
        var copy = self
        copy.text += (hasQuery ? "&" : "?") + name + "=" + RequestTarget.encoded(value)
        copy.hasQuery = true
        return copy
    }

    /// Adds `name=1` where `isSet`.
    func with(_ name: String, _ isSet: Bool) -> Target { with(name, isSet ? "1" : nil) }

    /// Adds Docker's `filters` from `KEY=VALUE` pairs.
    func with(filters: [(key: String, value: String)]) -> Target {
        guard !filters.isEmpty else { return self }
        var byKey = JSONObject()
        for filter in filters {
            let earlier = byKey[filter.key]?.arrayValue ?? []
            byKey[filter.key] = .array(earlier + [.string(filter.value)])
        }
        return with("filters", JSONValue.object(byKey).serialized(.compact))
    }
}
