import Engine
import HTTP
import JSONText
import Linux

/// A request to the API, with helpers to read it and to answer.
struct APIRequest: Sendable {
    /// The request.
    let http: HTTPRequest
    /// The answer.
    let responder: HTTPResponder
    /// What the path's variables stand for.
    let variables: [String: String]
    /// The minor version the client speaks.
    let version: Int
    /// The largest JSON body.
    static let bodyLimit = 16 << 20

    /// A path variable.
    func variable(_ name: String) -> String { variables[name] ?? "" }

    /// A query parameter; empty counts as not given.
    func query(_ name: String) -> String? {
        guard let value = http.target.first(name), !value.isEmpty else { return nil }
        return value
    }

    /// Docker's booleans: empty, 0, no, false and none are false, anything else is true.
    func flag(_ name: String, default standard: Bool = false) -> Bool {
        guard let value = http.target.first(name) else { return standard }
        return !["", "0", "no", "false", "none"].contains(value.lowercased())
    }

    /// A whole number.
    func integer(_ name: String) throws(EngineError) -> Int? {
        guard let text = query(name) else { return nil }
        guard let number = Int(text) else {
            throw EngineError(.invalid, "invalid value \"\(text)\" of \(name): expected a whole number")
        }
        return number
    }

    /// Seconds since 1970, with a fraction, or RFC 3339.
    func time(_ name: String) throws(EngineError) -> Timestamp? {
        guard let text = query(name), text != "0" else { return nil }
        guard let time = ClientTime.read(text) else {
            throw EngineError(.invalid, "invalid value for \"\(name)\": \(text)")
        }
        return time
    }

    /// The JSON body; `.null` where there is none.
    ///
    /// - Throws: where it is not JSON by name or content.
    func json() async throws -> JSONValue {
        let bytes = try await http.body.collect(limit: Self.bodyLimit)
        guard !bytes.isEmpty else { return .null }
        guard http.headers.mediaType == "application/json" else {
            throw EngineError(
                .invalid,
                "unsupported Content-Type header (\(http.headers["Content-Type"] ?? "")): must be 'application/json'")
        }
        do {
            return try JSONValue.parse(bytes)
        } catch {
            throw EngineError(
                .invalid, "invalid JSON: \(error.reason) at line \(error.line), column \(error.column)")
        }
    }

    /// Answers with JSON.
    func respond(_ value: JSONValue, status: Int = 200) async throws {
        try await responder.respond(
            status, headers: ["Content-Type": "application/json"], body: value.serializedBytes(.compact) + [0x0A])
    }

    /// Answers with a list of objects.
    func respond(_ objects: [JSONObject]) async throws {
        try await respond(.array(objects.map { .object($0) }))
    }

    /// Answers with a status alone.
    func respond(status: Int) async throws { try await responder.respond(status) }

    /// Begins a stream of JSON lines.
    ///
    /// - Parameter endless: whether it goes on until somebody ends it.
    func beginLines(_ type: String = "application/json", endless: Bool = false) async throws {
        try await responder.begin(headers: ["Content-Type": type], endless: endless)
    }

    /// Sends one JSON line.
    func line(_ value: JSONValue) async throws {
        try await responder.write(value.serializedBytes(.compact) + [0x0A])
    }

    /// Filters from the query.
    func filters(_ allowed: Set<String>) throws(EngineError) -> FilterSet {
        try FilterSet(query("filters"), allowed: allowed)
    }
}
