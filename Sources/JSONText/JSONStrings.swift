extension JSONObject {
    /// An object of strings, sorted by key so that equal dictionaries give equal bytes.
    public static func strings(_ dictionary: [String: String]) -> JSONObject {
        JSONObject(dictionary.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }

    /// The members that are strings.
    public var strings: [String: String] {
        var found: [String: String] = [:]
        for (key, value) in self { found[key] = value.stringValue }
        return found
    }
}

extension JSONValue {
    /// A list of strings.
    public static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}
