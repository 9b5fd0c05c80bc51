import Dockerfile

/// Patterns that leave paths out, the last that matches counting, `!` in front of one taking paths back in.
struct PathRules: Sendable {
    /// Whether it leaves out nothing.
    let isEmpty: Bool
    /// Whether something can be taken back in.
    let hasExceptions: Bool
    private let lines: [(pattern: [GlobPattern], isException: Bool)]

    init(_ patterns: [String]) throws {
        lines = try patterns.compactMap { line in
            var text = Substring(line)
            let isException = text.hasPrefix("!")
            if isException { text = text.dropFirst() }
            let parts = TreePath.components(TreePath.clean(Array(text.utf8)))
            guard !parts.isEmpty else { return nil }
            return (try parts.map { try GlobPattern(String(decoding: $0, as: UTF8.self)) }, isException)
        }
        isEmpty = lines.isEmpty
        hasExceptions = lines.contains { $0.isException }
    }

    /// Whether a path is left out, by itself or with a directory it is in.
    func excludes(_ path: [UInt8]) -> Bool {
        guard !isEmpty else { return false }
        let parts = TreePath.components(path).map { String(decoding: $0, as: UTF8.self) }
        var isOut = false
        for line in lines where line.isException == isOut {
            // A pattern that is shorter matches a directory above.
            for count in 1...max(1, parts.count) where Self.matches(line.pattern[...], parts.prefix(count)) {
                isOut = !line.isException
                break
            }
        }
        return isOut
    }

    private static func matches(_ pattern: ArraySlice<GlobPattern>, _ parts: ArraySlice<String>) -> Bool {
        guard let first = pattern.first else { return parts.isEmpty }
        if first.text == "**" {
            for skipped in 0...parts.count where matches(pattern.dropFirst(), parts.dropFirst(skipped)) { return true }
            return false
        }
        guard let part = parts.first, first.matches(part) else { return false }
        return matches(pattern.dropFirst(), parts.dropFirst())
    }
}

/// A pattern for one component: `*`, `?`, `[a-z]`, `[^a-z]`, a backslash before what means itself.
///
/// Source: Go's path/filepath.Match.
struct GlobPattern: Sendable {
    private enum Piece: Sendable {
        case run
        case one
        case scalar(Unicode.Scalar)
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .run: false
            case .one: scalar != "/"
            case .scalar(let wanted): scalar == wanted
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
            }
        }
    }

    let text: String
    private let pieces: [Piece]

    /// Why a text is no pattern.
    struct Malformed: Error, Hashable { let pattern: String }

    init(_ text: String) throws(Malformed) {
        self.text = text
        var pieces: [Piece] = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if case .run? = pieces.last {} else { pieces.append(.run) }
            case "?": pieces.append(.one)
            case "\\":
                guard let escaped = rest.popFirst() else { throw Malformed(pattern: text) }
                pieces.append(.scalar(escaped))
            case "[":
                guard let set = Self.set(&rest) else { throw Malformed(pattern: text) }
                pieces.append(set)
            default: pieces.append(.scalar(scalar))
            }
        }
        self.pieces = pieces
    }

    /// Whether a text has characters that make it a pattern.
    static func isPattern(_ text: [UInt8]) -> Bool {
        var isEscaped = false
        for byte in text {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[") {
                return true
            }
        }
        return false
    }

    private static func set(_ rest: inout Substring.UnicodeScalarView) -> Piece? {
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while true {
            if rest.first == "]", !ranges.isEmpty {
                rest.removeFirst()
                return .set(ranges, isNegated: isNegated)
            }
            guard let low = member(&rest) else { return nil }
            var high = low
            if rest.first == "-" {
                rest.removeFirst()
                guard let end = member(&rest) else { return nil }
                high = end
            }
            ranges.append(low <= high ? low...high : low...low)
        }
    }

    private static func member(_ rest: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
        guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
        return scalar == "\\" ? rest.popFirst() : scalar
    }

    func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var (piece, position) = (0, 0)
        var retry: (piece: Int, position: Int)?
        while position < scalars.count || piece < pieces.count {
            if piece < pieces.count {
                if case .run = pieces[piece] {
                    retry = (piece, position)
                    piece += 1
                    continue
                }
                if position < scalars.count, pieces[piece].matches(scalars[position]) {
                    (piece, position) = (piece + 1, position + 1)
                    continue
                }
            }
            guard let last = retry, last.position < scalars.count else { return false }
            retry = (last.piece, last.position + 1)
            (piece, position) = (last.piece + 1, last.position + 1)
        }
        return true
    }
}
