import HTTP
import Linux

/// Requests to a daemon as they go over its socket.
struct EngineWire: Sendable {
    /// The socket.
    let path: String

    /// What came back.
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Sends a request with a body and reads the whole answer.
    func call(
        _ method: String, _ target: String, type: String? = "application/x-tar", body: [UInt8]? = nil
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        if body != nil, let type { headers.add("Content-Type", type) }
        let response = try await HTTPClient.unix(path: path).send(method, target, headers: headers, body: body)
        return Answer(status: response.status, headers: response.headers, body: try await response.collect())
    }

    /// Sends a JSON body.
    func json(_ method: String, _ target: String, _ text: String) async throws -> Answer {
        try await call(method, target, type: "application/json", body: Array(text.utf8))
    }

    /// Sends bytes as they are and reads until the daemon closes.
    func raw(_ text: String, ending: Bool = true) async throws -> String {
        let socket = try await AsyncSocket.connect(unix: path)
        defer { socket.close() }
        try await socket.writeAll(Array(text.utf8))
        if ending { try socket.shutdownWrite() }
        var bytes: [UInt8] = []
        while case let piece = try await socket.read(), !piece.isEmpty { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension EngineLab {
    /// Requests to this daemon.
    var wire: EngineWire { EngineWire(path: root + "/run/stackctl.sock") }
}
