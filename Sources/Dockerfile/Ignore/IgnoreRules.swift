/// The rules of a `.dockerignore`: what of a context is left out.
///
/// Each line is a pattern; `!` takes back in; the last one that matches a path or a directory above it decides.
///
/// Source: moby/patternmatcher, `ignorefile.ReadAll`.
package struct IgnoreRules: Sendable, Hashable {
    /// The patterns that count, clean, `!` included.
    package private(set) var patterns: [String] = []
    /// Patterns that make no sense (`syntax error in pattern`); they match nothing.
    package private(set) var malformed: [String] = []
    /// Whether one takes back in.
    package private(set) var hasExceptions = false
    private var rules: [Rule] = []

    private struct Rule: Sendable, Hashable {
        enum Form: Sendable, Hashable {
            /// `**/name` and `**name`: the end of the path.
            case suffix([UInt8])
            /// `name/**`: the beginning of the path.
            case prefix([UInt8])
            case program(PathProgram)
        }
        var form: Form
        var isException: Bool
    }

    /// Rules that leave out nothing.
    package init() {}

    /// Reads the text of a `.dockerignore`.
    package init(_ text: [UInt8]) {
        var text = text[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        for line in text.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
            add(String(decoding: line, as: UTF8.self))
        }
    }

    /// Rules of patterns, as `COPY --exclude` gives them.
    package init(patterns: [String]) {
        for pattern in patterns { add(pattern) }
    }

    private mutating func add(_ line: String) {
        var pattern = line.trimmingSpaces
        guard !pattern.isEmpty else { return }
        let isException = pattern.utf8.first == UInt8(ascii: "!")
        if isException { pattern = String(pattern.dropFirst()).trimmingSpaces }
        guard !pattern.isEmpty else {
            malformed.append(line)
            return
        }
        pattern = GoPath.clean(pattern)
        if pattern.utf8.count > 1, pattern.utf8.first == UInt8(ascii: "/") { pattern.removeFirst() }
        guard let form = Self.form(pattern) else {
            malformed.append(line)
            return
        }
        rules.append(Rule(form: form, isException: isException))
        patterns.append((isException ? "!" : "") + pattern)
        hasExceptions = hasExceptions || isException
    }

    private static func form(_ pattern: String) -> Rule.Form? {
        let bytes = Array(pattern.utf8)
        let star = UInt8(ascii: "*")
        let special: [UInt8] = [star, UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\\")]
        let isPlain = { (part: ArraySlice<UInt8>) in !part.contains { special.contains($0) } }
        if bytes.starts(with: [star, star]), isPlain(bytes.dropFirst(2)) { return .suffix(Array(bytes.dropFirst(2))) }
        if bytes.suffix(2) == [star, star], isPlain(bytes.dropLast(2)) { return .prefix(Array(bytes.dropLast(2))) }
        return (try? PathProgram(bytes, crossesDirectories: true)).map { .program($0) }
    }

    /// Whether nothing is left out.
    package var isEmpty: Bool { rules.isEmpty }

    /// Whether a path is left out.
    ///
    /// - Parameters:
    ///   - path: relative to the context, without a slash at its start.
    ///   - isDirectory: nothing depends on it; Go's rules do not tell files and directories apart.
    package func excludes(_ path: String, isDirectory: Bool) -> Bool {
        guard !rules.isEmpty else { return false }
        return excludes(path.utf8Span.span)
    }

    /// Whether a path is left out.
    package func excludes(_ path: Span<UInt8>) -> Bool {
        var isExcluded = false
        // Only what would change the answer is looked at.
        for rule in rules where rule.isException == isExcluded {
            if matches(rule, path) { isExcluded = !rule.isException }
        }
        return isExcluded
    }

    private func matches(_ rule: Rule, _ path: Span<UInt8>) -> Bool {
        switch rule.form {
        case .program(let program): program.matches(path, .pathOrParent)
        case .prefix(let prefix): path.begins(with: prefix)
        case .suffix(let suffix): path.hasNameEnding(in: suffix)
        }
    }

    /// Whether something below a directory that is left out may be taken back in, so that it has to be walked.
    package func mayContainIncluded(_ directory: String) -> Bool {
        guard hasExceptions else { return false }
        return mayContainIncluded(directory.utf8Span.span)
    }

    /// Whether something below a directory that is left out may be taken back in, so that it has to be walked.
    package func mayContainIncluded(_ directory: Span<UInt8>) -> Bool {
        for rule in rules where rule.isException {
            switch rule.form {
            case .suffix: return true
            case .prefix(let prefix): if directory.isCompatible(with: prefix) { return true }
            case .program(let program): if program.matches(directory, .below) { return true }
            }
        }
        return false
    }
}

extension Span<UInt8> {
    fileprivate func begins(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in 0..<prefix.count where self[index] != prefix[index] { return false }
        return true
    }

    /// Whether this and a longer path below it can begin with `prefix`.
    fileprivate func isCompatible(with prefix: [UInt8]) -> Bool {
        for index in 0..<Swift.min(count, prefix.count) where self[index] != prefix[index] { return false }
        return true
    }

    /// Whether the path or a directory above it ends in `suffix`; one that starts with a slash is also a whole path.
    fileprivate func hasNameEnding(in suffix: [UInt8]) -> Bool {
        guard let first = suffix.first else { return true }
        var end = count
        while end > 0 {
            if ends(at: end, with: suffix) { return true }
            if first == UInt8(ascii: "/"), end == suffix.count - 1, ends(at: end, with: Array(suffix.dropFirst())) {
                return true
            }
            end -= 1
            while end > 0, self[end] != UInt8(ascii: "/") { end -= 1 }
        }
        return false
    }

    private func ends(at end: Int, with suffix: [UInt8]) -> Bool {
        guard end >= suffix.count else { return false }
        let start = end - suffix.count
        var index = suffix.count
        while index > 0 {
            index -= 1
            if self[start + index] != suffix[index] { return false }
        }
        return true
    }
}

extension String {
    /// Without spaces, tabs and line ends at both ends.
    var trimmingSpaces: String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let start = utf8.firstIndex(where: { !isSpace($0) }), let end = utf8.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[start...end])
    }
}
