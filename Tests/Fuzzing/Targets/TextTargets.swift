import HTTP
import JSONText

extension FuzzTarget {
    /// JSON: a value is the same in each of its written forms.
    static let json = FuzzTarget("json", mutations: 300) { input in
        guard let value = parsed({ () throws(JSONParseError) in try JSONValue.parse(input) }) else { return }
        for style in [JSONStyle.compact, .pretty, .canonical] {
            try requireSame(value, as: "JSON") { () throws(JSONParseError) in
                try JSONValue.parse(value.serializedBytes(style))
            }
        }
        let canonical = value.serializedBytes(.canonical)
        let again = try JSONValue.parse(canonical)
        try require(again.serializedBytes(.canonical) == canonical, "the canonical form changes when it is read")
    }

    /// The head of a request and, behind it, a chunked body.
    static let requests = FuzzTarget("http-request", mutations: 200) { input in
        guard let length = HeadParser.headLength(input) else { return try decodeChunks(input) }
        let bytes = Array(input.prefix(length))
        if let head = parsed({ () throws(HTTPError) in try HeadParser.request(bytes, limits: HTTPLimits()) }) {
            let written = "\(head.method) \(head.target) HTTP/1.\(head.minorVersion)\r\n" + fields(head.headers)
            try requireSame(head, as: "request") { () throws(HTTPError) in
                try HeadParser.request(Array(written.utf8), limits: HTTPLimits())
            }
            _ = parsed { () throws(HTTPError) in try BodyFraming.request(head.headers) }
            try readTarget(head.target)
        }
        try decodeChunks(Array(input.dropFirst(length)))
    }

    /// The head of a response, and frames of output behind it.
    static let responses = FuzzTarget("http-response", mutations: 200) { input in
        let length = HeadParser.headLength(input) ?? 0
        let bytes = Array(input.prefix(length))
        if let head = parsed({ () throws(HTTPError) in try HeadParser.response(bytes, limits: HTTPLimits()) }) {
            let written = "HTTP/1.\(head.minorVersion) \(head.status) \(head.reason)\r\n" + fields(head.headers)
            try requireSame(head, as: "response") { () throws(HTTPError) in
                try HeadParser.response(Array(written.utf8), limits: HTTPLimits())
            }
            for method in ["GET", "HEAD"] {
                _ = parsed { () throws(HTTPError) in try BodyFraming.response(head, to: method) }
            }
        }
        var frames = StreamFrameDecoder()
        _ = parsed { () throws(HTTPError) in try frames.decode(Array(input.dropFirst(length))) }
    }

    private static func fields(_ headers: HTTPHeaders) -> String {
        headers.fields.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n"
    }

    private static func readTarget(_ text: String) throws {
        guard let target = parsed({ () throws(HTTPError) in try RequestTarget(text) }) else { return }
        let path = target.path.split(separator: "/", omittingEmptySubsequences: false).map {
            RequestTarget.encoded(String($0))
        }
        let query = target.query.map { RequestTarget.encoded($0.name) + "=" + RequestTarget.encoded($0.value) }
        let written = path.joined(separator: "/") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        try requireSame(target, as: "target `\(text)`") { () throws(HTTPError) in try RequestTarget(written) }
    }

    /// However a chunked body is cut into pieces, the same comes out of it.
    private static func decodeChunks(_ input: [UInt8]) throws {
        try require(decode(input, by: input.count) == decode(input, by: 1), "a body depends on how it is cut")
        try require(decode(input, by: input.count) == decode(input, by: 7), "a body depends on how it is cut")
    }

    private struct Decoded: Equatable {
        var data: [UInt8] = []
        var taken = 0
        var isDone = false
        var isRefused = false
    }

    private static func decode(_ input: [UInt8], by size: Int) -> Decoded {
        var decoder = ChunkedDecoder()
        var result = Decoded()
        while result.taken < input.count, !decoder.isDone {
            let piece = input[result.taken..<min(input.count, result.taken + size)]
            guard let part = parsed({ () throws(HTTPError) in try decoder.decode(piece) }) else {
                // How much came before the mistake depends on the cut, and does not matter.
                return Decoded(isRefused: true)
            }
            result.data += part.data
            result.taken += part.taken
        }
        result.isDone = decoder.isDone
        return result
    }
}
