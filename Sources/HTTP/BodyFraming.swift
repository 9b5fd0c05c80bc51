/// How the end of a message body is known (RFC 9112, section 6).
package enum BodyFraming: Sendable, Equatable {
    /// No body.
    case none
    /// Exactly so many bytes.
    case length(Int)
    /// Chunked transfer coding.
    case chunked
    /// Until the peer closes; responses only.
    case untilClose

    /// The framing of a request.
    ///
    /// Ambiguity (both length and chunked, differing lengths) is refused.
    package static func request(_ headers: HTTPHeaders) throws(HTTPError) -> BodyFraming {
        let codings = headers.all("Transfer-Encoding")
        let lengths = headers.all("Content-Length")
        if !codings.isEmpty {
            guard lengths.isEmpty else { throw .malformed("both Transfer-Encoding and Content-Length") }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                throw .unsupportedCoding(codings.joined(separator: ", "))
            }
            return .chunked
        }
        guard let first = lengths.first else { return .none }
        guard lengths.count == 1 else { throw .malformed("more than one Content-Length") }
        let length = try decimal(first)
        return length == 0 ? .none : .length(length)
    }

    /// The framing of a response to `method`.
    package static func response(_ head: ResponseHead, to method: String) throws(HTTPError) -> BodyFraming {
        if method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304 { return .none }
        let framing = try request(head.headers)
        if framing == .none, head.headers["Content-Length"] == nil { return .untilClose }
        return framing
    }

    private static func decimal(_ text: String) throws(HTTPError) -> Int {
        guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int(text)
        else { throw .malformed("invalid Content-Length") }
        return value
    }
}

/// Decoder of the chunked transfer coding, fed piece by piece.
package struct ChunkedDecoder: Sendable {
    private enum State: Sendable { case size, data(Int), dataEnd, trailers, done }

    private var state = State.size
    private var line: [UInt8] = []
    private var trailerBytes = 0
    /// The longest size line, extensions included.
    private static let lineLimit = 1024
    private static let trailerLimit = 16 * 1024

    /// A decoder at the start of a body.
    package init() {}

    /// Whether the last chunk and the trailers were read.
    package var isDone: Bool { if case .done = state { true } else { false } }

    /// Takes coded bytes and returns decoded data with the number of bytes taken.
    ///
    /// Bytes after the end of the body are not taken.
    package mutating func decode(_ bytes: ArraySlice<UInt8>) throws(HTTPError) -> (data: [UInt8], taken: Int) {
        var data: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex, !isDone {
            switch state {
            case .data(let remaining):
                let count = min(remaining, bytes.endIndex - index)
                data += bytes[index..<index + count]
                index += count
                state = count == remaining ? .dataEnd : .data(remaining - count)
            case .size, .dataEnd, .trailers:
                let byte = bytes[index]
                index += 1
                try take(byte)
            case .done: break
            }
        }
        return (data, index - bytes.startIndex)
    }

    /// Takes so many coded bytes where all of them are data; false, and nothing is taken, where they are not.
    package mutating func takeData(_ count: Int) -> Bool {
        guard case .data(let remaining) = state, count <= remaining else { return false }
        state = count == remaining ? .dataEnd : .data(remaining - count)
        return true
    }

    private mutating func take(_ byte: UInt8) throws(HTTPError) {
        if byte != 0x0A {
            guard line.last != 0x0D else { throw .malformed("bare CR in chunked coding") }
            line.append(byte)
            guard line.count <= Self.lineLimit else { throw .malformed("chunk line too long") }
            return
        }
        guard line.popLast() == 0x0D else { throw .malformed("bare LF in chunked coding") }
        let complete = line
        line.removeAll(keepingCapacity: true)
        switch state {
        case .size:
            let size = try Self.size(complete)
            state = size == 0 ? .trailers : .data(size)
        case .dataEnd:
            guard complete.isEmpty else { throw .malformed("chunk data is longer than its size") }
            state = .size
        case .trailers:
            trailerBytes += complete.count
            guard trailerBytes <= Self.trailerLimit else { throw .headTooLarge }
            if complete.isEmpty { state = .done }
        case .data, .done: break
        }
    }

    private static func size(_ line: [UInt8]) throws(HTTPError) -> Int {
        let digits = line.prefix { $0 != 0x3B }
        guard (1...15).contains(digits.count) else { throw .malformed("invalid chunk size") }
        var size = 0
        for digit in digits {
            guard let value = hexValue(digit) else { throw .malformed("invalid chunk size") }
            size = size << 4 | Int(value)
        }
        return size
    }
}
