import CYAML

/// Reads YAML 1.1 texts by libyaml.
public enum YAMLParser {
    private static let library = yaml_library_load()

    /// The documents of a text; an empty text has none.
    ///
    /// UTF-8, or UTF-16 with a byte order mark.
    ///
    /// - Throws: what is no YAML, an alias without its anchor or within it, and what is over the limits.
    public static func documents(
        _ text: [UInt8], limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLFailure) -> [YAMLNode] {
        let start = YAMLMark(line: 1, column: 1)
        guard library.is_loaded == 1 else {
            throw YAMLFailure("libyaml is missing: install the package libyaml-0-2", kind: .unavailable, at: start)
        }
        guard text.count <= limits.textBytes else {
            throw YAMLFailure(
                "the text has \(text.count) bytes, more than the \(limits.textBytes) that are read", kind: .limit,
                at: start)
        }
        guard !text.isEmpty else { return [] }
        return try text.withUnsafeBufferPointer { bytes throws(YAMLFailure) in
            guard let events = YAMLEvents(bytes, library) else {
                throw YAMLFailure("there is no memory for a YAML parser", kind: .unavailable, at: start)
            }
            var composer = YAMLComposer(limits)
            return try composer.documents(events)
        }
    }
}
