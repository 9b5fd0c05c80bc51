/// Where in the tree a value stands, as messages name it: `services.web.ports[0]`.
struct ComposePath: CustomStringConvertible {
    enum Part {
        case key(String)
        case position(Int)
    }

    private var parts: [Part] = []

    mutating func append(_ part: Part) { parts.append(part) }

    mutating func removeLast() { parts.removeLast() }

    /// A key or value as messages name it: the beginning of a long one.
    static func shown(_ text: String) -> String { text.utf8.count <= 100 ? text : text.prefix(80) + "…" }

    /// The key of the last part, where it is one.
    var lastKey: String? {
        if case .key(let key)? = parts.last { key } else { nil }
    }

    /// Whether nothing was appended.
    var isEmpty: Bool { parts.isEmpty }

    var description: String {
        var text = ""
        for part in parts {
            switch part {
            case .key(let key):
                let needsQuotes = key.isEmpty || key.contains { $0.isWhitespace || $0 == "." || $0 == "\"" }
                let name = Self.shown(key)
                text += (text.isEmpty ? "" : ".") + (needsQuotes ? "\"\(name)\"" : name)
            case .position(let position):
                text += "[\(position)]"
            }
        }
        return text
    }

    /// The path and what is said of it: "services.web: …"; the sentence alone at the top.
    func says(_ sentence: String) -> String { parts.isEmpty ? sentence : "\(self): \(sentence)" }
}
