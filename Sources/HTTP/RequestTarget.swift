/// A request target in origin form, decoded (RFC 9112, section 3.2).
package struct RequestTarget: Sendable, Equatable {
    /// The decoded path, beginning with `/`.
    package var path: String
    /// Query parameters in order, decoded; a name may repeat.
    package var query: [(name: String, value: String)]

    /// Splits and decodes a target; the absolute form is accepted and its authority dropped.
    package init(_ target: String) throws(HTTPError) {
        let origin = try Self.originForm(Substring(target))
        let parts = origin.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = try Self.decoded(parts.first ?? "/", plusIsSpace: false)
        guard !path.utf8.contains(0) else { throw .malformed("NUL in the path") }
        query = []
        guard parts.count == 2 else { return }
        for pair in parts[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decoded(sides.first ?? "", plusIsSpace: true)
            let value = try Self.decoded(sides.count == 2 ? sides[1] : "", plusIsSpace: true)
            query.append((name, value))
        }
    }

    /// The first value of a query parameter.
    package func first(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// Every value of a query parameter.
    package func all(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    package static func == (left: RequestTarget, right: RequestTarget) -> Bool {
        left.path == right.path && left.query.elementsEqual(right.query) { $0 == $1 }
    }

    /// Percent-encodes everything but unreserved characters, for one path segment or query value.
    package static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func originForm(_ target: Substring) throws(HTTPError) -> Substring {
        if target.hasPrefix("/") { return target }
        if target == "*" { return "/*" }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(of: "/") else { return "/" }
            return rest[slash...]
        }
        throw .malformed("the request target must begin with /")
    }

    private static func decoded(_ text: Substring, plusIsSpace: Bool) throws(HTTPError) -> String {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case 0x25:
                guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                    throw .malformed("invalid percent escape")
                }
                bytes.append(high << 4 | low)
            case 0x2B where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .malformed("target is not UTF-8") }
        return decoded
    }
}

/// The value of one hexadecimal digit.
func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
