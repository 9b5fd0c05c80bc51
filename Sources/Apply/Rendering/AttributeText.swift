import Diagnostics
import JSONText
import StackModel

/// Writes attribute values as a reader wants them.
///
/// Pure; what comes out holds no control characters.
package enum AttributeText {
    /// The longest text shown in full.
    private static let limit = 120

    /// One value of the attribute at `path`; `(not set)` for none.
    package static func of(_ value: JSONValue?, path: String) -> String {
        guard let value else { return "(not set)" }
        if let reference = unknown(value) { return "(known after apply: \(reference))" }
        if value.holdsReference { return "(known after apply)" }
        if let quantity = value.intValue.flatMap({ quantity($0, path: path) }) { return quantity }
        if isSealed(path) { return "(sealed)" }
        return TerminalText.line(shortened(path == "files" ? FilesText.targets(value) : plain(value)))
    }

    /// Whether what stands at a path is a text that only the daemon can open.
    private static func isSealed(_ path: String) -> Bool { path.hasPrefix("from.secretValues.") }

    /// Two values of the attribute at `path`, of which the difference matters: of lists too long to be shown only those
    /// elements that one of them lacks.
    package static func pair(_ from: JSONValue?, _ to: JSONValue?, path: String) -> (from: String, to: String) {
        if path == "files" { return FilesText.pair(from, to) }
        guard let before = from?.arrayValue, let after = to?.arrayValue,
            max(from.map(plain)?.count ?? 0, to.map(plain)?.count ?? 0) > limit
        else { return (of(from, path: path), of(to, path: path)) }
        let common = Set(before).intersection(after)
        let (gone, new) = (before.filter { !common.contains($0) }, after.filter { !common.contains($0) })
        // The same elements in another order, or none in common.
        guard !common.isEmpty, !(gone.isEmpty && new.isEmpty) else { return (of(from, path: path), of(to, path: path)) }
        return (abridged(gone), abridged(new))
    }

    private static func abridged(_ elements: [JSONValue]) -> String {
        guard !elements.isEmpty else { return "[…]" }
        return TerminalText.line(shortened("[… " + elements.map(plain).joined(separator: ", ") + " …]"))
    }

    private static func unknown(_ value: JSONValue) -> String? {
        StackReference(json: value).map { "\($0.address).\($0.attribute)" }
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): "\"\(text)\""
        case .array(let elements): "[" + elements.map(plain).joined(separator: ", ") + "]"
        case .object(let object):
            "{" + object.map { "\($0.key): \(plain($0.value))" }.joined(separator: ", ") + "}"
        default: value.serialized(.compact)
        }
    }

    private static func shortened(_ text: String) -> String {
        text.count <= limit ? text : text.prefix(limit - 1) + "…"
    }

    /// Bytes, nanoseconds and billionths of a CPU in their own units.
    private static func quantity(_ number: Int64, path: String) -> String? {
        let name = path.split(separator: ".").last.map(String.init) ?? path
        switch name {
        case "memory": return bytes(number)
        case "nanoCPUs": return "\(decimal(number, unit: 1_000_000_000)) CPUs"
        case "interval", "timeout", "startPeriod": return duration(number)
        case "stopTimeout": return "\(number) s"
        default: return nil
        }
    }

    private static func bytes(_ number: Int64) -> String {
        for (unit, name) in [(Int64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        where number >= unit && number % unit == 0 {
            return "\(number / unit) \(name)"
        }
        return "\(number) bytes"
    }

    private static func duration(_ nanoseconds: Int64) -> String {
        for (unit, name) in [(Int64(1_000_000_000), "s"), (1_000_000, "ms"), (1_000, "µs")]
        where nanoseconds >= unit && nanoseconds % unit == 0 {
            return "\(nanoseconds / unit) \(name)"
        }
        return "\(nanoseconds) ns"
    }

    private static func decimal(_ number: Int64, unit: Int64) -> String {
        let whole = number / unit
        let rest = abs(number % unit)
        guard rest != 0 else { return "\(whole)" }
        var digits = String(unit + rest).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
