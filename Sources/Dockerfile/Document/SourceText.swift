import Diagnostics

/// The bytes of a Dockerfile, line by line.
struct SourceText {
    let bytes: [UInt8]
    /// Each line without its line feed; a carriage return before it is kept.
    let lines: [Range<Int>]

    /// Bytes of a line, as in BuildKit.
    static let lineLimit = 65535
    /// Bytes of a Dockerfile, as in BuildKit.
    static let limit = 16 << 20

    /// Splits a text.
    ///
    /// - Throws: a fault where it is no Dockerfile at all: a line that is too long, a NUL byte, too many bytes.
    init(_ input: [UInt8]) throws(SourceFault) {
        // A mark of byte order, which some editors write.
        let start = input.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var lines: [Range<Int>] = []
        var lineStart = start
        for index in start..<max(start, input.count) {
            switch input[index] {
            case 0x0A:
                lines.append(lineStart..<index)
                lineStart = index + 1
            case 0:
                throw SourceFault(
                    "line \(lines.count + 1) has a NUL byte: this is no text", line: lines.count + 1,
                    column: index - lineStart + 1,
                    hint: "give a Dockerfile in UTF-8; one in UTF-16 can be converted with iconv")
            default:
                guard index - lineStart < Self.lineLimit else {
                    throw SourceFault(
                        "dockerfile line greater than max allowed size of \(Self.lineLimit)", line: lines.count + 1,
                        column: 1, hint: "break the line with \\, or COPY the content from a file")
                }
            }
            guard index < Self.limit else {
                throw SourceFault(
                    "the Dockerfile is larger than \(Self.limit >> 20) MiB", line: lines.count + 1, column: 1,
                    hint: "COPY large content from files")
            }
        }
        if lineStart < input.count { lines.append(lineStart..<input.count) }
        bytes = input
        self.lines = lines
    }

    /// A line as text, without its line end.
    func text(_ line: Range<Int>) -> String {
        var bytes = bytes[line]
        while bytes.last == 0x0D { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Line and column, from 1, of a byte.
    func place(of offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = lines.count
        while low < high {
            let middle = (low + high) / 2
            if lines[middle].upperBound < offset { low = middle + 1 } else { high = middle }
        }
        guard low < lines.count else { return (max(lines.count, 1), 1) }
        let start = lines[low].lowerBound
        // Characters, not bytes: what continues one is not counted.
        let before = bytes[start..<max(start, min(offset, bytes.count))].count { $0 & 0xC0 != 0x80 }
        return (low + 1, before + 1)
    }
}

/// What is wrong at a place of a Dockerfile.
struct SourceFault: Error {
    var message: String
    var line: Int
    var column: Int
    /// How many characters are marked.
    var length: Int
    /// The last line that is shown; that of the place where it is nil.
    var lastLine: Int?
    var hint: String?
    /// Whether it is an instruction's, which BuildKit says with `dockerfile parse error on line …`.
    var isOfInstruction = false

    init(
        _ message: String, line: Int, column: Int, length: Int = 1, lastLine: Int? = nil, hint: String? = nil
    ) {
        self.message = message
        self.line = line
        self.column = column
        self.length = length
        self.lastLine = lastLine
        self.hint = hint
    }

    /// What the user reads.
    func diagnostic(name: String, lines: [String]) -> Diagnostic {
        Diagnostic(
            code: DockerfileCode.invalid,
            summary: (isOfInstruction ? "dockerfile parse error on line \(line): " : "") + message,
            detail: SourceExcerpt(lines: lines, first: line, last: lastLine ?? line, column: column, length: length)
                .text,
            hint: hint, location: SourceLocation(file: name, line: line, column: column))
    }
}

/// Codes of diagnostics of Dockerfiles.
package enum DockerfileCode {
    /// It makes no sense.
    package static let invalid = "SC7001"
    /// It names a stage that is not there.
    package static let notFound = "SC7002"
    /// A remark of the rules of `--check`.
    package static let check = "SC7010"
}

/// Lines of a Dockerfile with a mark under what is meant.
struct SourceExcerpt {
    var lines: [String]
    var first: Int
    var last: Int
    var column: Int
    var length: Int

    private static let width = 110

    /// The lines, numbered; empty where there is no such line.
    var text: String? {
        guard first >= 1, first <= lines.count else { return nil }
        let end = min(last, first + 4, lines.count)
        let digits = String(end).count
        var rows: [String] = []
        for number in max(1, first - 1)...end {
            let (shown, cut) = shown(lines[number - 1], isMarked: number == first)
            rows.append("  \(padded(number, digits)) | \(shown)")
            guard number == first else { continue }
            let indent = String(repeating: " ", count: max(0, column - 1 - cut))
            let room = max(1, min(length, shown.count - indent.count))
            rows.append("  \(String(repeating: " ", count: digits)) | \(indent)\(String(repeating: "^", count: room))")
        }
        return rows.joined(separator: "\n")
    }

    private func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: " ", count: max(0, digits - text.count)) + text
    }

    /// The part of a line that fits, and how many characters before it are left out; tabs are one blank each.
    private func shown(_ line: String, isMarked: Bool) -> (String, Int) {
        let scalars = line.unicodeScalars
        var start = 0
        if isMarked, column > Self.width { start = column - Self.width / 2 }
        var view = String.UnicodeScalarView()
        for scalar in scalars.dropFirst(start).prefix(Self.width) {
            view.append(scalar.value < 0x20 ? " " : scalar)
        }
        return (String(view) + (scalars.count - start > Self.width ? "…" : ""), start)
    }
}
