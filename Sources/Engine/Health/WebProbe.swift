import Linux

/// A GET from inside a container's network, so that an image needs no program for its health check.
enum WebProbe {
    /// What came back.
    struct Answer: Sendable, Hashable {
        /// Whether the status is 200 to 399.
        var isHealthy: Bool
        /// The status line and the beginning of the body, for people.
        var text: String
    }

    /// Asks `http://127.0.0.1:port/path` in the network namespace of a process.
    ///
    /// - Throws: `TimeoutError`, and what connecting answers.
    static func get(_ path: String, port: UInt16, networkOf pid: Int32, timeout: Duration) async throws -> Answer {
        try await withTimeout(timeout) {
            let namespace = SharedDescriptor(try Namespaces.open(pid, .network))
            let socket = try await AsyncSocket.connect(to: .loopback, port: port, networkNamespace: namespace.raw)
            defer { socket.close() }
            let safe = path.utf8.filter { $0 > 0x20 && $0 < 0x7F }
            try await socket.writeAll(
                Array("GET ".utf8) + safe
                    + Array(
                        " HTTP/1.1\r\nHost: localhost:\(port)\r\nUser-Agent: stackctl-health\r\nConnection: close\r\n\r\n"
                            .utf8))
            var answer: [UInt8] = []
            while answer.count < 8192 {
                let piece = try await socket.read(upTo: 8192 - answer.count)
                if piece.isEmpty { break }
                answer += piece
            }
            return parse(answer)
        }
    }

    /// Reads status and beginning of the body.
    static func parse(_ bytes: [UInt8]) -> Answer {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return Answer(isHealthy: false, text: bytes.isEmpty ? "no answer" : "the answer is not HTTP")
        }
        let body = text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...].prefix(1024)) } ?? ""
        return Answer(
            isHealthy: (200..<400).contains(status), text: "\(lines.first ?? "")\n\(body)")
    }
}
