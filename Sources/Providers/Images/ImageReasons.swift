import JSONText

/// Says because of what an image is built again.
enum ImageReasons {
    /// Named in one sentence; of more only how many there are.
    private static let limit = 5

    /// `site/nginx.conf changed, base debian:12 is another image`.
    ///
    /// - Parameter path: `from.inputs`, or `from.bases.` or `from.contexts.` with a name.
    static func words(path: String, from: JSONValue?, to: JSONValue?) -> String? {
        if path.hasPrefix("from.contexts.") {
            let name = path.dropFirst("from.contexts.".count)
            guard let from, let to else { return nil }
            let arePaths = [from, to].allSatisfy { $0.stringValue?.hasPrefix("/") == true }
            return arePaths ? "context \(name) is another directory" : "context \(name) is another image"
        }
        guard path == "from.inputs" else {
            let name = path.dropFirst("from.bases.".count)
            return from == nil || to == nil ? nil : "base \(name) is another image"
        }
        let (before, after) = (marks(from), marks(to))
        var changes: [String] = []
        for name in Set(before.keys).union(after.keys).sorted() where before[name] != after[name] {
            if name.hasPrefix("base ") {
                changes.append("\(name) is another image")
            } else if before[name] == nil {
                changes.append("\(name) is new")
            } else {
                changes.append(after[name] == nil ? "\(name) is gone" : "\(name) changed")
            }
        }
        guard !changes.isEmpty, from != nil else { return nil }
        let rest = changes.count - limit
        return changes.prefix(limit).joined(separator: ", ") + (rest > 0 ? ", and \(rest) more" : "")
    }

    /// Whether inputs differ only by bases that were not here when the plan was made, and are now.
    static func areOnlyFound(from: JSONValue?, to: JSONValue?) -> Bool {
        let (before, after) = (marks(from), marks(to))
        return Set(before.keys) == Set(after.keys)
            && before.allSatisfy { name, mark in
                mark == after[name] || name.hasPrefix("base ") && mark == unknown
            }
    }

    /// The mark of a base that is not here.
    static let unknown = "unknown"

    /// The inputs with the marks of bases that a build has brought.
    static func found(_ inputs: JSONValue?, _ bases: JSONObject) -> JSONValue? {
        guard let lines = inputs?.arrayValue else { return inputs }
        return .array(
            lines.map { line in
                guard let text = line.stringValue, text.hasPrefix("base "), text.hasSuffix(" \(unknown)"),
                    let mark = bases[String(text.dropFirst(5).dropLast(unknown.count + 1))]?.stringValue
                else { return line }
                return .string(text.dropLast(unknown.count) + mark)
            })
    }

    /// The names of bases that are not here.
    static func missing(_ inputs: JSONValue?) -> [String] {
        marks(inputs).filter { $0.key.hasPrefix("base ") && $0.value == unknown }.map { String($0.key.dropFirst(5)) }
    }

    /// Marks by the names of inputs, which may have spaces: the mark is what follows the first word that is one.
    private static func marks(_ list: JSONValue?) -> [String: String] {
        var marks: [String: String] = [:]
        for text in (list?.arrayValue ?? []).compactMap(\.stringValue) {
            let words = text.split(separator: " ", omittingEmptySubsequences: false)
            let index = words.dropFirst().firstIndex { word in
                word == "->" || word == "unreadable" || word == "unknown"
                    || word.utf8.count >= 12 && word.allSatisfy { $0.isHexDigit }
            }
            guard let index else { continue }
            marks[words[..<index].joined(separator: " ")] = words[index...].joined(separator: " ")
        }
        return marks
    }
}
