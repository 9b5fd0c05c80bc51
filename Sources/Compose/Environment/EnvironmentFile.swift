import Diagnostics

/// The variables of a `.env` file or of one that `env_file` names.
package struct EnvironmentFile: Sendable, Hashable {
    /// One line of it.
    package struct Entry: Sendable, Hashable {
        package var name: String
        /// The value with its variables replaced; nil for a name alone, which takes its value from elsewhere or has none.
        package var value: String?
        /// Where the name is written.
        package var location: SourceLocation

        package init(name: String, value: String?, location: SourceLocation) {
            self.name = name
            self.value = value
            self.location = location
        }
    }

    /// The lines in order; of two with one name the later one counts.
    package var entries: [Entry] = []
    /// Variables in values that are not set, each once.
    package var warnings: [Diagnostic] = []

    /// The values by name, names alone left out.
    package var values: [String: String] {
        var values: [String: String] = [:]
        for entry in entries { values[entry.name] = entry.value }
        return values
    }

    /// The most bytes a file may have.
    package static let bytes = 4 << 20

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - isRaw: Whether everything behind `=` is the value, as `format: raw` has it: no quotes, no escapes, no variables.
    ///   - lookup: The values that go before those the file has itself, in `$X`.
    /// - Throws: every line that is none, with its place.
    package static func read(
        _ bytes: [UInt8], file: String, isRaw: Bool = false, lookup: (String) -> String?
    ) throws(DiagnosticList) -> EnvironmentFile {
        let start = SourceLocation(file: file, line: 1, column: 1)
        guard bytes.count <= Self.bytes else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC2044",
                    summary: "the file has \(bytes.count) bytes, more than the \(Self.bytes) that are read",
                    location: start))
        }
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        if let problem = TextProblem.first(in: content) {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC2043", summary: "the file is no text: \(problem.reason)",
                    hint: problem.hint,
                    location: SourceLocation(file: file, line: problem.line, column: problem.column)))
        }
        if isRaw { return try RawEnvironmentReader.read(content, file: file) }
        return try withoutActuallyEscaping(lookup) { lookup throws(DiagnosticList) in
            var reader = EnvironmentReader(content, file: file, lookup: lookup)
            return try reader.read()
        }
    }
}

/// Why bytes are no text.
private struct TextProblem {
    var reason: String
    var hint: String
    var line: Int
    var column: Int

    static func first(in bytes: ArraySlice<UInt8>) -> TextProblem? {
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            let isUTF8 = String(validating: line, as: UTF8.self) != nil
            guard line.contains(0) || !isUTF8 else { continue }
            let scalars = String(decoding: line, as: UTF8.self).unicodeScalars
            let column = scalars.prefix { $0 != "\0" && (isUTF8 || $0 != "\u{FFFD}") }.count + 1
            return isUTF8
                ? TextProblem(reason: "it has a NUL byte", hint: "delete it", line: number + 1, column: column)
                : TextProblem(
                    reason: "it has bytes that are no UTF-8", hint: "save it as UTF-8", line: number + 1, column: column
                )
        }
        return nil
    }
}

/// Reads `NAME=VALUE` lines as they are.
private enum RawEnvironmentReader {
    static func read(_ bytes: ArraySlice<UInt8>, file: String) throws(DiagnosticList) -> EnvironmentFile {
        var result = EnvironmentFile()
        var errors: [Diagnostic] = []
        for (number, bytes) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            let trimmed = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
            let indent = trimmed.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
            let line = trimmed.dropFirst(indent)
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(decoding: parts.first ?? [], as: UTF8.self)
            let location = SourceLocation(file: file, line: number + 1, column: indent + 1)
            guard !name.isEmpty, !name.contains(where: \.isWhitespace) else {
                errors.append(
                    Diagnostic(
                        code: "SC2040",
                        summary: name.isEmpty
                            ? "there is no name before \"=\"" : "\"\(name)\" is no name of a variable",
                        hint: "write NAME=VALUE, without spaces in the name", location: location))
                continue
            }
            let value = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : nil
            result.entries.append(EnvironmentFile.Entry(name: name, value: value, location: location))
        }
        guard errors.isEmpty else { throw DiagnosticList(errors) }
        return result
    }
}
