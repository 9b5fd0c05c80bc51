/// A pattern of `${name#pattern}` and its like: `*` is any characters, `?` one, a backslash takes their meaning away.
///
/// Source: POSIX shell command language, 2.13, without brackets, as BuildKit has it.
struct ShellPattern {
    private enum Piece: Hashable {
        case scalar(Unicode.Scalar)
        case one
        case run
    }

    private var pieces: [Piece] = []

    /// Reads a pattern.
    init(_ text: String) throws(ExpansionFault) {
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if pieces.last != .run { pieces.append(.run) }
            case "?": pieces.append(.one)
            case "\\":
                // `}` and `/` have to be escaped inside `${}`; the escape is not the pattern's.
                if rest.first == "}" || rest.first == "/" { continue }
                let escaped = rest.popFirst()
                guard let escaped, escaped == "*" || escaped == "?" || escaped == "\\" else {
                    let shown = escaped.map(String.init) ?? ""
                    throw ExpansionFault(
                        message: "invalid pattern (\(text)) in substitution: invalid escape '\\\(shown)'")
                }
                pieces.append(.scalar(escaped))
            default: pieces.append(.scalar(scalar))
            }
        }
    }

    /// Most comparisons that one replacement may take.
    private static let budget = 10_000_000

    /// Where matches end that begin at `start`: the first and the last of these places.
    private func ends(
        in text: [Unicode.Scalar], from start: Int, _ budget: inout Int
    ) throws(ExpansionFault) -> (first: Int, last: Int)? {
        var active = [Bool](repeating: false, count: pieces.count + 1)
        activate(0, &active)
        var found: (first: Int, last: Int)?
        var position = start
        while true {
            if active[pieces.count] { found = (found?.first ?? position, position) }
            guard position < text.count else { return found }
            budget -= pieces.count + 1
            guard budget > 0 else { throw ExpansionFault(message: "the pattern takes too long to match") }
            var next = [Bool](repeating: false, count: pieces.count + 1)
            var isAlive = false
            for (index, piece) in pieces.enumerated() where active[index] {
                switch piece {
                case .scalar(let wanted) where wanted == text[position]: activate(index + 1, &next)
                case .one where text[position] != "\n": activate(index + 1, &next)
                case .run where text[position] != "\n": activate(index, &next)
                default: continue
                }
                isAlive = true
            }
            guard isAlive else { return found }
            active = next
            position += 1
        }
    }

    private func activate(_ index: Int, _ states: inout [Bool]) {
        states[index] = true
        if index < pieces.count, pieces[index] == .run { activate(index + 1, &states) }
    }

    func removingPrefix(of text: String, longest: Bool) throws(ExpansionFault) -> String {
        let scalars = Array(text.unicodeScalars)
        var budget = Self.budget
        guard let ends = try ends(in: scalars, from: 0, &budget) else { return text }
        return Self.text(scalars[(longest ? ends.last : ends.first)...])
    }

    func removingSuffix(of text: String, longest: Bool) throws(ExpansionFault) -> String {
        var reversed = self
        reversed.pieces.reverse()
        let backwards = String(String.UnicodeScalarView(text.unicodeScalars.reversed()))
        let rest = try reversed.removingPrefix(of: backwards, longest: longest)
        return String(String.UnicodeScalarView(rest.unicodeScalars.reversed()))
    }

    /// Replaces the first match, or each, by a text; the longest from the left.
    func replacing(in text: String, with new: String, all: Bool) throws(ExpansionFault) -> String {
        let scalars = Array(text.unicodeScalars)
        var budget = Self.budget
        var result = String.UnicodeScalarView()
        var position = 0
        var lastEnd = -1
        while position <= scalars.count {
            if let end = try ends(in: scalars, from: position, &budget)?.last, end > position || position != lastEnd {
                result += new.unicodeScalars
                guard result.count <= ShellWords.limit else {
                    throw ExpansionFault(message: "the text becomes longer than \(ShellWords.limit >> 20) MiB")
                }
                lastEnd = end
                guard all else { return String(result) + Self.text(scalars[end...]) }
                if end > position {
                    position = end
                    continue
                }
            }
            if position < scalars.count { result.append(scalars[position]) }
            position += 1
        }
        return String(result)
    }

    private static func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
