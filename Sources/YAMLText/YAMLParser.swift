import CYAML

/// What is wrong with a YAML text.
public struct YAMLFailure: Error, Sendable, Hashable {
    /// What, in a few words.
    public var reason: String
    /// Where.
    public var mark: YAMLMark
    /// What the text was doing there, and where that began: "while parsing a block mapping".
    public var context: String?
    public var contextMark: YAMLMark?

    /// A failure.
    public init(_ reason: String, at mark: YAMLMark, context: String? = nil, contextMark: YAMLMark? = nil) {
        self.reason = reason
        self.mark = mark
        self.context = context
        self.contextMark = contextMark
    }
}

/// Reads YAML 1.1 texts by libyaml.
public enum YAMLParser {
    private static let library = yaml_library_load()

    /// The documents of a text; an empty text has none.
    public static func documents(_ text: [UInt8]) throws(YAMLFailure) -> [YAMLNode] {
        guard library.is_loaded == 1 else {
            throw YAMLFailure(
                "libyaml is missing: install the package libyaml-0-2", at: YAMLMark(line: 1, column: 1))
        }
        return []
    }
}
