/// The head of a request: start line and fields.
package struct RequestHead: Sendable, Equatable {
    /// The method, as sent.
    package var method: String
    /// The target, as sent.
    package var target: String
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    package var minorVersion: Int
    /// The fields.
    package var headers: HTTPHeaders
}

/// The head of a response.
package struct ResponseHead: Sendable, Equatable {
    /// The status code.
    package var status: Int
    /// The reason phrase.
    package var reason: String
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    package var minorVersion: Int
    /// The fields.
    package var headers: HTTPHeaders
}

/// Strict parsing of message heads (RFC 9112): no bare LF or CR, no folded lines, no space before a colon.
///
/// Leniency here is what request smuggling lives on, so whatever is not plainly valid is refused.
package enum HeadParser {
    /// The number of bytes of a complete head at the start of `bytes`, its empty line included.
    ///
    /// - Parameter searched: bytes at the start that held no end when they were all there was.
    package static func headLength(_ bytes: some RandomAccessCollection<UInt8>, searched: Int = 0) -> Int? {
        var matched = 0
        // The end may have begun in the last three of them.
        let start = max(0, searched - 3)
        for (offset, byte) in bytes.dropFirst(start).enumerated() {
            let expected: UInt8 = matched % 2 == 0 ? 0x0D : 0x0A
            if byte == expected {
                matched += 1
                if matched == 4 { return start + offset + 1 }
            } else {
                matched = byte == 0x0D ? 1 : 0
            }
        }
        return nil
    }

    /// Parses a complete request head.
    package static func request(_ bytes: [UInt8], limits: HTTPLimits) throws(HTTPError) -> RequestHead {
        let lines = try split(bytes)
        guard let start = lines.first else { throw .malformed("empty head") }
        let parts = start.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("the request line needs a method, a target and a version") }
        guard !parts[0].isEmpty, parts[0].count <= 32, parts[0].allSatisfy(isTokenByte) else {
            throw .malformed("invalid method")
        }
        guard !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw .malformed("invalid request target")
        }
        let minor = try version(parts[2])
        let headers = try fields(lines.dropFirst(), limits: limits)
        let hosts = headers.all("Host").count
        guard hosts <= 1, minor == 0 || hosts == 1 else { throw .malformed("exactly one Host field is needed") }
        return RequestHead(
            method: String(decoding: parts[0], as: UTF8.self), target: String(decoding: parts[1], as: UTF8.self),
            minorVersion: minor, headers: headers)
    }

    /// Parses a complete response head.
    package static func response(_ bytes: [UInt8], limits: HTTPLimits) throws(HTTPError) -> ResponseHead {
        let lines = try split(bytes)
        guard let start = lines.first else { throw .malformed("empty head") }
        let parts = start.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[1].count == 3, let status = Int(String(decoding: parts[1], as: UTF8.self)),
            (100...599).contains(status)
        else { throw .malformed("invalid status line") }
        return ResponseHead(
            status: status, reason: parts.count == 3 ? String(decoding: parts[2], as: UTF8.self) : "",
            minorVersion: try version(parts[0]), headers: try fields(lines.dropFirst(), limits: limits))
    }

    /// Lines without their CR LF; the head's empty line is not returned.
    private static func split(_ bytes: [UInt8]) throws(HTTPError) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        var index = start
        while index < bytes.endIndex {
            switch bytes[index] {
            case 0x0D:
                guard index + 1 < bytes.endIndex, bytes[index + 1] == 0x0A else { throw .malformed("bare CR") }
                if index > start { lines.append(bytes[start..<index]) }
                index += 2
                start = index
            case 0x0A: throw .malformed("bare LF")
            default: index += 1
            }
        }
        return lines
    }

    private static func version(_ bytes: ArraySlice<UInt8>) throws(HTTPError) -> Int {
        switch String(decoding: bytes, as: UTF8.self) {
        case "HTTP/1.1": return 1
        case "HTTP/1.0": return 0
        default: throw .malformed("only HTTP/1.0 and HTTP/1.1 are spoken here")
        }
    }

    private static func fields(
        _ lines: ArraySlice<ArraySlice<UInt8>>, limits: HTTPLimits
    ) throws(HTTPError) -> HTTPHeaders {
        guard lines.count <= limits.headFields else { throw .headTooLarge }
        var headers = HTTPHeaders()
        for line in lines {
            guard let colon = line.firstIndex(of: 0x3A) else { throw .malformed("a field line has no colon") }
            let name = line[line.startIndex..<colon]
            guard !name.isEmpty, name.allSatisfy(isTokenByte) else { throw .malformed("invalid field name") }
            let value = trimmed(line[(colon + 1)...])
            guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .malformed("control character in a field value")
            }
            headers.add(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        return headers
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return bytes
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}
