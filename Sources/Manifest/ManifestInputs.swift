import Diagnostics
import JSONText
import Linux

/// The input values a user gives to a manifest; a flag wins over a file, a file over the environment.
package struct ManifestInputs: Sendable {
    /// One given value.
    package struct Value: Sendable, Hashable {
        /// Text, or a typed value from a JSON file.
        package var value: JSONValue
        /// Where it comes from, as the user wrote it.
        package var source: String
        /// Whether a name that the stack does not declare is an error (flag, file) or a warning (environment).
        package var mustBeDeclared: Bool
    }

    /// The prefix of environment variables that give inputs.
    package static let environmentPrefix = "STACKCTL_VAR_"

    /// The values by name.
    package private(set) var values: [String: Value] = [:]

    /// No values.
    package init() {}

    /// Reads all sources.
    ///
    /// - Parameters:
    ///   - flags: `name=value` of each `--var`, in order; the last of a name counts.
    ///   - files: paths of each `--var-file`, in order: a JSON object, or lines of `NAME=value`.
    ///   - environment: the process's environment; only names with `environmentPrefix` are looked at.
    /// - Throws: `DiagnosticList` with all mistakes.
    package init(
        flags: [String], files: [String] = [], environment: [String: String] = [:]
    ) throws(DiagnosticList) {
        var problems: [Diagnostic] = []
        for (name, text) in environment where name.hasPrefix(Self.environmentPrefix) {
            let input = String(name.dropFirst(Self.environmentPrefix.count))
            guard !input.isEmpty else { continue }
            values[input] = Value(value: .string(text), source: "the environment (\(name))", mustBeDeclared: false)
        }
        for path in files {
            do {
                for (name, value) in try Self.read(file: path) {
                    values[name] = Value(value: value, source: "--var-file \(path)", mustBeDeclared: true)
                }
            } catch {
                problems += error.diagnostics
            }
        }
        for flag in flags {
            guard let equals = flag.firstIndex(of: "="), equals != flag.startIndex else {
                problems.append(
                    Diagnostic(
                        code: "SC1240", summary: "--var \(flag) has no value",
                        hint: "write --var \(flag.isEmpty || flag.hasPrefix("=") ? "name" : flag)=value"))
                continue
            }
            let name = String(flag[..<equals])
            let text = String(flag[flag.index(after: equals)...])
            values[name] = Value(value: .string(text), source: "--var \(name)", mustBeDeclared: true)
        }
        guard problems.isEmpty else { throw DiagnosticList(problems) }
    }

    /// The document that the manifest's process reads.
    package var json: JSONValue {
        var members = JSONObject()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            members[name] = [
                "value": value.value, "source": .string(value.source), "strict": .bool(value.mustBeDeclared),
            ]
        }
        return ["values": .object(members)]
    }

    /// The values and how strictly their names are taken, for the cache's key.
    var keyText: String { json.serialized(.canonical) }

    private static func read(file path: String) throws(DiagnosticList) -> [(String, JSONValue)] {
        let bytes: [UInt8]
        do {
            bytes = try Files.readAll(path, limit: 1 << 20)
        } catch {
            throw DiagnosticList(
                Diagnostic(code: "SC1241", summary: "the file of inputs cannot be read", detail: error.description))
        }
        let firstByte = bytes.first { !" \t\r\n".utf8.contains($0) }
        return firstByte == UInt8(ascii: "{") ? try readJSON(bytes, path) : try readLines(bytes, path)
    }

    private static func readJSON(_ bytes: [UInt8], _ path: String) throws(DiagnosticList) -> [(String, JSONValue)] {
        do {
            guard let object = try JSONValue.parse(bytes).objectValue else { return [] }
            return object.map { ($0.key, $0.value) }
        } catch {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1242", summary: "the file of inputs is not JSON: \(error.reason)",
                    location: SourceLocation(file: path, line: error.line, column: error.column)))
        }
    }

    private static func readLines(_ bytes: [UInt8], _ path: String) throws(DiagnosticList) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        var problems: [Diagnostic] = []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for (offset, raw) in lines.enumerated() {
            let line = trimmed(raw)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "="), equals != line.startIndex else {
                problems.append(
                    Diagnostic(
                        code: "SC1243", summary: "a line of the file of inputs is not NAME=value",
                        hint: "write a JSON object, or one NAME=value a line",
                        location: SourceLocation(file: path, line: offset + 1)))
                continue
            }
            var text = trimmed(line[line.index(after: equals)...])
            if text.count >= 2, let quote = text.first, quote == text.last, quote == "\"" || quote == "'" {
                text = text.dropFirst().dropLast()
            }
            members.append((String(trimmed(line[..<equals])), .string(String(text))))
        }
        guard problems.isEmpty else { throw DiagnosticList(problems) }
        return members
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var result = text.drop { $0.isWhitespace }
        while result.last?.isWhitespace ?? false { result = result.dropLast() }
        return result
    }
}
