import HTTP
import Testing

@Suite("Server", .timeLimit(.minutes(5)))
struct ServerTests {
    /// Serves one connection while `client` speaks on the other end.
    private func talk(
        limits: HTTPLimits = HTTPLimits(), _ handler: @escaping HTTPHandler,
        client: @Sendable (MemoryStream) async throws -> Void
    ) async throws {
        let (near, far) = MemoryStream.pair()
        let server = HTTPServer(
            listener: NoListener(), limits: limits, common: ["Api-Version": "1.50"], handler: handler)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await server.serve(far)
                far.close()
            }
            try await client(near)
            near.close()
            try await group.waitForAll()
        }
    }

    private let echo: HTTPHandler = { request, responder in
        let body = try await request.body.collect(limit: 1000)
        try await responder.respond(200, body: Array("\(request.target.path):".utf8) + body)
    }

    @Test("pipelined requests are answered in order on one connection")
    func pipelined() async throws {
        try await talk(echo) { client in
            try await client.write(
                "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
            try await client.write("GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let text = try await client.readAll()
            #expect(text.components(of: "HTTP/1.1 200 OK") == 3)
            #expect(text.contains("Api-Version: 1.50"))
            #expect(text.contains("/a:") && text.contains("/b:hi") && text.hasSuffix("/c:"))
        }
    }

    @Test("a chunked body with 100-continue is read after the interim response")
    func expectation() async throws {
        try await talk(echo) { client in
            try await client.write(
                "POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
            #expect(try await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.write("3\r\nabc\r\n0\r\n\r\n")
            #expect(try await client.read(until: "/x:abc").contains("200 OK"))
        }
    }

    @Test("a body beyond the handler's limit is 413 and ends the connection")
    func tooLarge() async throws {
        try await talk(echo) { client in
            try await client.write(
                "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" + String(repeating: "x", count: 2000))
            let text = try await client.readAll()
            #expect(text.hasPrefix("HTTP/1.1 413 "))
            #expect(text.contains("Connection: close"))
        }
    }

    @Test("malformed heads are 400, giant ones 431")
    func malformed() async throws {
        try await talk(echo) { client in
            try await client.write(
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")
            #expect(try await client.readAll().hasPrefix("HTTP/1.1 400 "))
        }
        try await talk(echo) { client async throws in
            try? await client.write("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 80_000))
            #expect(try await client.readAll().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test("a client that speaks TLS is told at once that nobody else does")
    func hello() async throws {
        try await talk(echo) { client in
            // The beginning of a ClientHello, which would never end a head.
            try await client.write("\u{16}\u{3}\u{1}\u{2}\u{0}")
            #expect(try await client.readAll().hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test("a body of a known length has neither more nor less")
    func knownLength() async throws {
        let handler: HTTPHandler = { request, responder in
            try await responder.begin(206, length: 6)
            try await responder.write(Array("abc".utf8))
            if request.target.path == "/more" { try await responder.write(Array("defg".utf8)) }
            if request.target.path == "/all" { try await responder.write(Array("def".utf8)) }
            try await responder.finish()
        }
        try await talk(handler) { client in
            try await client.write("HEAD /all HTTP/1.1\r\nHost: x\r\n\r\nGET /all HTTP/1.1\r\nHost: x\r\n\r\n")
            try await client.write("GET /less HTTP/1.1\r\nHost: x\r\n\r\n")
            let text = try await client.readAll()
            #expect(text.components(of: "HTTP/1.1 206 Partial Content\r\n") == 3)
            #expect(text.components(of: "Content-Length: 6\r\n") == 3)
            #expect(text.components(of: "\r\n\r\nabcdefHTTP") == 1)
            #expect(text.hasSuffix("\r\n\r\nabc"))
        }
        try await talk(handler) { client in
            try await client.write("GET /more HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.readAll().hasSuffix("\r\n\r\nabc"))
        }
    }

    @Test("a head that never ends is cut off by time")
    func slow() async throws {
        var limits = HTTPLimits()
        limits.stallSeconds = 1
        try await talk(limits: limits, echo) { client in
            try await client.write("GET / HT")
            let answer = try await client.readAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test("one byte now and then does not prolong the time for a head")
    func dripping() async throws {
        var limits = HTTPLimits()
        limits.stallSeconds = 1
        try await talk(limits: limits, echo) { client in
            let drip = Task {
                for byte in "GET / HTTP/1.1\r\nHost: " + String(repeating: "x", count: 100_000) {
                    try await client.write("\(byte)")
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let answer = try await client.readAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            drip.cancel()
        }
    }

    @Test("streamed pieces arrive as they are written; HEAD has no body")
    func streamed() async throws {
        let handler: HTTPHandler = { request, responder in
            try await responder.begin(headers: ["Content-Type": "text/plain"])
            try await responder.write(Array("one".utf8))
            try await responder.write(Array("two".utf8))
            try await responder.finish()
        }
        try await talk(handler) { client in
            try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let text = try await client.read(until: "0\r\n\r\n")
            #expect(text.hasSuffix("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"))
            try await client.write("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await client.readAll().hasSuffix("\r\n\r\n"))
        }
    }

    @Test("an error half way leaves the chunked body visibly incomplete")
    func failing() async throws {
        let handler: HTTPHandler = { _, responder in
            try await responder.begin()
            try await responder.write(Array("part".utf8))
            throw HTTPError.timeout
        }
        try await talk(handler) { client in
            try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let text = try await client.readAll()
            #expect(text.hasSuffix("4\r\npart\r\n"))
        }
    }

    @Test("a hijacked connection keeps the other direction after half-close")
    func hijacked() async throws {
        let handler: HTTPHandler = { request, responder in
            _ = try await request.body.collect(limit: 100)
            let raw = try await responder.hijack(upgrade: "tcp", contentType: "application/vnd.docker.raw-stream")
            var all: [UInt8] = []
            while true {
                let piece = try await raw.read()
                if piece.isEmpty { break }
                all += piece
            }
            try await raw.write(Array("got ".utf8) + all)
            await raw.shutdownWrite()
        }
        try await talk(handler) { client in
            // Bytes right behind the request belong to the raw stream.
            try await client.write(
                "POST /exec HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n{}early "
            )
            #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 UPGRADED\r\n"))
            try await client.write("late")
            client.finishWriting()
            #expect(try await client.readAll() == "got early late")
        }
    }

    @Test("work that waits is cancelled when its client goes away")
    func vanishing() async throws {
        let handler: HTTPHandler = { request, responder in
            try await responder.begin()
            try await request.whileConnected { try await Task.sleep(for: .seconds(3_600)) }
        }
        try await talk(handler) { client in
            try await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await client.read(until: "\r\n\r\n")
        }
    }

    @Test("the client reads lines, bodies and upgrades")
    func client() async throws {
        let server = HTTPServer(listener: NoListener()) { request, responder in
            if request.target.path == "/raw" {
                let raw = try await responder.hijack(upgrade: "tcp", contentType: "application/vnd.docker.raw-stream")
                try await raw.write(try await raw.read())
                return await raw.shutdownWrite()
            }
            try await responder.begin()
            for piece in ["{\"a\":", "1}\n{\"b\":2}\r", "\nlast"] { try await responder.write(Array(piece.utf8)) }
            try await responder.finish()
        }
        let client = HTTPClient {
            let (near, far) = MemoryStream.pair()
            Task {
                await server.serve(far)
                far.close()
            }
            return near
        }
        var lines = try await client.send("GET", "/").lines()
        #expect(try await lines.next() == "{\"a\":1}")
        #expect(try await lines.next() == "{\"b\":2}")
        #expect(try await lines.next() == "last")
        #expect(try await lines.next() == nil)
        let (response, raw) = try await client.upgrade("POST", "/raw")
        #expect(response.status == 101)
        try await raw?.write(Array("ping".utf8))
        #expect(try await raw?.read() == Array("ping".utf8))
    }
}

private struct NoListener: ByteStreamListener {
    func acceptStream() async throws -> any ByteStream { throw HTTPError.truncated }
    func close() {}
}

extension String {
    fileprivate func components(of needle: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: needle) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
