/// A shell pattern with the rules of Go's `path.Match`, by which Docker filters names.
///
/// `*` is any run of characters but `/`, `?` one character but `/`, `[a-z]` and `[^a-z]` one of a set, and a backslash
/// takes the meaning of the character after it.
package struct PathPattern: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
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

    private let pieces: [Piece]

    /// Reads a pattern; nil where it is malformed.
    package init?(_ text: String) {
        var pieces: [Piece] = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if pieces.last != .run { pieces.append(.run) }
            case "?": pieces.append(.one)
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                pieces.append(.scalar(escaped))
            case "[":
                guard let set = Self.set(&rest) else { return nil }
                pieces.append(set)
            default: pieces.append(.scalar(scalar))
            }
        }
        self.pieces = pieces
    }

    /// What follows a `[`, up to its `]`.
    private static func set(_ rest: inout Substring.UnicodeScalarView) -> Piece? {
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var isEmpty = true
        while true {
            // A `]` right at the start is an empty set, which is an error there.
            if rest.first == "]", !isEmpty {
                rest.removeFirst()
                return .set(ranges, isNegated: isNegated)
            }
            isEmpty = false
            guard let low = member(&rest) else { return nil }
            var high = low
            if rest.first == "-" {
                rest.removeFirst()
                guard let end = member(&rest) else { return nil }
                high = end
            }
            // A range the wrong way round is well formed, and empty.
            if low <= high { ranges.append(low...high) }
        }
    }

    private static func member(_ rest: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
        guard let scalar = rest.popFirst(), scalar != "-", scalar != "]" else { return nil }
        return scalar == "\\" ? rest.popFirst() : scalar
    }

    /// Whether the whole text is as the pattern says.
    package func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var (piece, position) = (0, 0)
        // Where to go on when what follows the last `*` does not match: one character later.
        var retry: (piece: Int, position: Int)?
        while position < scalars.count || piece < pieces.count {
            if piece < pieces.count {
                if pieces[piece] == .run {
                    retry = (piece, position)
                    piece += 1
                    continue
                }
                if position < scalars.count, pieces[piece].matches(scalars[position]) {
                    (piece, position) = (piece + 1, position + 1)
                    continue
                }
            }
            guard let last = retry, last.position < scalars.count, scalars[last.position] != "/" else { return false }
            retry = (last.piece, last.position + 1)
            (piece, position) = (last.piece + 1, last.position + 1)
        }
        return true
    }
}
