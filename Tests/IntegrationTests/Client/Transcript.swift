import Linux

/// A file of commands with what they print, as a user would type them.
///
/// `$ command` is run by bash; `~$ command` is run again until it does what is expected. What follows is expected:
/// lines of standard output, `! text` that standard error contains, `= N` for the exit code (0 where absent). `…` stands
/// for any text within a line; alone on a line it stands for any number of lines. `#` begins a note. `[docker] ` and
/// `[stackctl] ` before any of these say which client alone it is about.
struct Transcript: Sendable {
    /// A command and what is expected of it.
    struct Check: Sendable {
        var line: Int
        var command: String
        /// Whether it is tried until it is as expected.
        var isRepeated: Bool
        var output: [String] = []
        var errors: [String] = []
        var code: Int32 = 0
    }

    let checks: [Check]

    /// Reads what a transcript says of a client.
    init(_ text: String, for client: TranscriptTests.Client) {
        var checks: [Check] = []
        var isOthers = false
        for (index, full) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let owner = TranscriptTests.Client.allCases.first { full.hasPrefix("[\($0)] ") }
            let line = owner.map { full.dropFirst("[\($0)] ".count) } ?? full
            let isCommand = line.hasPrefix("$ ") || line.hasPrefix("~$ ")
            if isCommand { isOthers = owner.map { $0 != client } ?? false }
            if isOthers || owner.map({ $0 != client }) ?? false { continue }
            if line.hasPrefix("#") || line.allSatisfy(\.isWhitespace) { continue }
            if isCommand {
                let isRepeated = line.hasPrefix("~")
                checks.append(
                    Check(
                        line: index + 1, command: String(line.dropFirst(isRepeated ? 3 : 2)), isRepeated: isRepeated))
                continue
            }
            guard var check = checks.popLast() else { continue }
            if line.hasPrefix("! ") {
                check.errors.append(String(line.dropFirst(2)))
            } else if line.hasPrefix("= ") {
                check.code = Int32(line.dropFirst(2)) ?? -1
            } else {
                check.output.append(String(line))
            }
            checks.append(check)
        }
        self.checks = checks
    }

    /// The folder of this file's transcripts.
    static let folder =
        #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/Transcripts"

    /// Their names, without `.txt`.
    static var names: [String] {
        ((try? Files.list(folder)) ?? []).map(\.name).filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }
            .sorted()
    }
}

extension Transcript.Check {
    /// What is not as expected; nil where all is.
    func complaint(code: Int32, out: String, error: String) -> String? {
        var complaints: [String] = []
        if code != self.code { complaints.append("exit code \(code), expected \(self.code)") }
        if !Pattern.lines(output[...], match: Self.lines(out)[...]) {
            complaints.append("printed:\n\(out)expected:\n\(output.joined(separator: "\n"))")
        }
        let sentences = Self.words(error)
        for text in errors where !Pattern.text(Self.words("…\(text)…"), matches: sentences) {
            complaints.append("said: \(sentences)\nexpected: \(text)")
        }
        return complaints.isEmpty ? nil : complaints.joined(separator: "\n")
    }

    private static func lines(_ text: String) -> [String] {
        // A terminal ends lines with CR LF, which is one character.
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map { String($0) }
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func words(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// Text with `…` for what may be anything.
private enum Pattern {
    static func lines(_ patterns: ArraySlice<String>, match lines: ArraySlice<String>) -> Bool {
        guard let first = patterns.first else { return lines.isEmpty }
        if first == "…" {
            return (lines.startIndex...lines.endIndex).contains {
                Self.lines(patterns.dropFirst(), match: lines[$0...])
            }
        }
        guard let line = lines.first else { return false }
        return text(first, matches: line) && Self.lines(patterns.dropFirst(), match: lines.dropFirst())
    }

    static func text(_ pattern: String, matches text: String) -> Bool {
        let parts = pattern.split(separator: "…", omittingEmptySubsequences: false)
        guard let head = parts.first, let tail = parts.last, parts.count > 1 else { return pattern == text }
        guard text.hasPrefix(head) else { return false }
        var rest = text.dropFirst(head.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(tail)
    }
}
