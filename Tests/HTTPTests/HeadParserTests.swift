import HTTP
import Testing

@Suite("Heads")
struct HeadParserTests {
    private func parse(_ text: String) throws -> RequestHead {
        try HeadParser.request(Array(text.utf8), limits: HTTPLimits())
    }

    @Test("a plain request head is read")
    func plain() throws {
        let head = try parse("GET /v1.50/info?x=1 HTTP/1.1\r\nHost: docker\r\nX-Empty:\r\nX-A:  b \t\r\n\r\n")
        #expect(head.method == "GET")
        #expect(head.headers["host"] == "docker")
        #expect(head.headers["x-empty"] == "")
        #expect(head.headers["X-a"] == "b")
    }

    @Test(
        "what smuggling lives on is refused",
        arguments: [
            "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n",
        ])
    func refused(_ text: String) {
        #expect(throws: HTTPError.self) { try parse(text) }
    }

    @Test("both framings, two lengths, odd lengths and odd codings are refused")
    func framings() throws {
        let bad: [HTTPHeaders] = [
            ["Content-Length": "1", "Transfer-Encoding": "chunked"], ["Content-Length": "1", "content-length": "1"],
            ["Content-Length": "-1"], ["Content-Length": "+1"], ["Content-Length": "1, 1"], ["Content-Length": ""],
            ["Content-Length": "99999999999999999999"], ["Transfer-Encoding": "gzip, chunked"],
            ["Transfer-Encoding": "chunked", "transfer-encoding": "chunked"], ["Transfer-Encoding": "xchunked"],
        ]
        for headers in bad { #expect(throws: HTTPError.self) { try BodyFraming.request(headers) } }
        #expect(try BodyFraming.request(["Content-Length": "12"]) == .length(12))
        #expect(try BodyFraming.request(["Transfer-Encoding": "Chunked"]) == .chunked)
        #expect(try BodyFraming.request([:]) == .none)
    }

    @Test("a target is decoded once, its query split and repeated names kept")
    func target() throws {
        let target = try RequestTarget("/images/a%2Fb%20c/json?t=1&t=a+b%26&all")
        #expect(target.path == "/images/a/b c/json")
        #expect(target.all("t") == ["1", "a b&"])
        #expect(target.first("all") == "")
        #expect(try RequestTarget("http://docker/v1.24/info").path == "/v1.24/info")
        for bad in ["info", "/%zz", "/%2", "/%00", "/%ff"] {
            #expect(throws: HTTPError.self) { try RequestTarget(bad) }
        }
    }

    @Test("every prefix of a head is incomplete, and random bytes never trap")
    func prefixes() {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        for length in 0..<bytes.count { #expect(HeadParser.headLength(bytes[..<length]) == nil) }
        #expect(HeadParser.headLength(bytes) == bytes.count)
        for searched in 0..<bytes.count { #expect(HeadParser.headLength(bytes, searched: searched) == bytes.count) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            let noise = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
                Array("GET /:\r\n\t 1.HTP\u{0}".utf8).randomElement(using: &random) ?? 0
            }
            _ = try? HeadParser.request(noise, limits: HTTPLimits())
            var decoder = ChunkedDecoder()
            _ = try? decoder.decode(noise[...])
        }
    }
}

@Suite("Bodies")
struct BodyTests {
    @Test("chunks are decoded however they are cut", arguments: [false, true])
    func chunks(takesDataWhole: Bool) throws {
        let coded = Array("5;ext=1\r\nhello\r\nA\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\nNEXT".utf8)
        for step in 1...coded.count {
            var decoder = ChunkedDecoder()
            var data: [UInt8] = []
            var index = 0
            while !decoder.isDone, index < coded.count {
                let piece = coded[index..<min(index + step, coded.count)]
                if takesDataWhole, decoder.takeData(piece.count) {
                    data += piece
                    index += piece.count
                    continue
                }
                let (more, taken) = try decoder.decode(piece)
                data += more
                index += taken
            }
            #expect(decoder.isDone)
            #expect(String(decoding: data, as: UTF8.self) == "hello, chunked!")
            #expect(String(decoding: coded[index...], as: UTF8.self) == "NEXT")
        }
    }

    @Test(
        "bad chunks are refused",
        arguments: [
            "\r\n", "g\r\n", "-1\r\n", "0x5\r\n", "5\nhello", "5\r\nhelloX\r\n", "ffffffffffffffffff\r\n", " 5\r\n",
            "5\r\r\n",
        ])
    func badChunks(_ text: String) {
        #expect(throws: HTTPError.self) {
            var decoder = ChunkedDecoder()
            _ = try decoder.decode(Array(text.utf8)[...])
            #expect(decoder.isDone, "taken as fine")
        }
    }

    @Test("multiplexed frames survive any cut; an unknown stream is refused")
    func frames() throws {
        let coded =
            StreamFrame(stream: .stdout, bytes: Array("out".utf8)).encoded
            + StreamFrame(stream: .stderr, bytes: []).encoded
            + StreamFrame(stream: .stderr, bytes: Array("err".utf8)).encoded
        for step in 1...coded.count {
            var decoder = StreamFrameDecoder()
            var frames: [StreamFrame] = []
            for start in stride(from: 0, to: coded.count, by: step) {
                frames += try decoder.decode(Array(coded[start..<min(start + step, coded.count)]))
            }
            #expect(frames.map(\.stream) == [.stdout, .stderr, .stderr])
            #expect(!decoder.isPartial)
        }
        var decoder = StreamFrameDecoder()
        #expect(throws: HTTPError.self) { try decoder.decode([9, 0, 0, 0, 0, 0, 0, 0]) }
    }
}
