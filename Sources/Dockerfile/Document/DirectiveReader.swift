/// Reads `# name=value` at the top of a Dockerfile: nothing else may be before them.
struct DirectiveReader {
    private var isOver = false
    private var seen: Set<String> = []

    /// Takes a line whose spaces at the start are gone.
    ///
    /// - Returns: the directive in it; nil where it is something else, after which there are none.
    /// - Throws: a message where one is said twice.
    mutating func read(_ line: ArraySlice<UInt8>) throws(ExpansionFault) -> (name: String, value: String)? {
        guard !isOver else { return nil }
        guard line.first == UInt8(ascii: "#"), let directive = Self.parse(line.dropFirst()) else {
            isOver = true
            return nil
        }
        guard seen.insert(directive.name).inserted else {
            throw ExpansionFault(message: "only one \(directive.name) parser directive can be used")
        }
        return directive
    }

    /// Reads what is after the comment's sign; nil where it is no directive.
    static func parse(_ comment: ArraySlice<UInt8>) -> (name: String, value: String)? {
        let text = comment.trimmed
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = text[..<equals].trimmed.text.lowercased()
        let value = text[(equals + 1)...].trimmed.text
        guard ["syntax", "escape", "check"].contains(name), !value.isEmpty else { return nil }
        return (name, value)
    }
}

/// `skip=…;error=…;experimental=…` of `# check=`.
package struct CheckOptions: Sendable, Hashable {
    /// Rules that are passed over.
    package var skipped: Set<String> = []
    package var skipsAll = false
    /// Rules on trial that are wanted.
    package var experimental: Set<String> = []
    package var wantsAllExperimental = false
    /// Whether a warning fails the build.
    package var isError = false

    package init() {}

    /// Reads the options.
    init(_ text: String) throws(ExpansionFault) {
        for part in text.split(separator: ";", maxSplits: 2, omittingEmptySubsequences: false) {
            let part = String(part)
            guard let equals = part.firstIndex(of: "=") else {
                throw ExpansionFault(
                    message: "failed to parse check options: invalid check option \(GoText.quoted(part))")
            }
            let name = String(part[..<equals]).trimmingSpaces
            let value = String(part[part.index(after: equals)...]).trimmingSpaces
            let rules = value.split(separator: ",").map { String($0).trimmingSpaces }
            switch name {
            case "skip": if value == "all" { skipsAll = true } else { skipped.formUnion(rules) }
            case "experimental":
                if value == "all" { wantsAllExperimental = true } else { experimental.formUnion(rules) }
            case "error":
                guard let wanted = GoBool.parse(value) else {
                    throw ExpansionFault(
                        message: "failed to parse check options: failed to parse check option \(GoText.quoted(part))")
                }
                isError = wanted
            default:
                throw ExpansionFault(
                    message: "failed to parse check options: invalid check option \(GoText.quoted(name))")
            }
        }
    }

    /// With what a comment before an instruction adds.
    func merging(_ other: CheckOptions) -> CheckOptions {
        var merged = self
        merged.skipped.formUnion(other.skipped)
        merged.skipsAll = skipsAll || other.skipsAll
        merged.experimental.formUnion(other.experimental)
        merged.wantsAllExperimental = wantsAllExperimental || other.wantsAllExperimental
        return merged
    }
}

/// Truth as Go's `strconv.ParseBool` reads it.
enum GoBool {
    static func parse(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}
