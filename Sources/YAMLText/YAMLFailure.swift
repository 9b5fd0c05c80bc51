/// What is wrong with a YAML text.
public struct YAMLFailure: Error, Sendable, Hashable {
    /// What kind of thing is wrong.
    public enum Kind: Sendable, Hashable {
        /// The text is no YAML.
        case syntax
        /// The text is YAML, but more of it than is read.
        case limit
        /// YAML cannot be read on this machine.
        case unavailable
    }

    /// What kind of thing is wrong.
    public var kind: Kind
    /// What, in a few words.
    public var reason: String
    /// Where.
    public var mark: YAMLMark
    /// What the text was doing there: "while parsing a block mapping".
    public var context: String?
    /// Where that began.
    public var contextMark: YAMLMark?

    /// A failure.
    public init(
        _ reason: String, kind: Kind = .syntax, at mark: YAMLMark, context: String? = nil,
        contextMark: YAMLMark? = nil
    ) {
        self.kind = kind
        self.reason = reason
        self.mark = mark
        self.context = context
        self.contextMark = contextMark
    }
}

/// How much of a YAML text is read.
///
/// A text that says more is an error, whatever its aliases make of a few lines.
public struct YAMLLimits: Sendable, Hashable {
    /// Bytes of the text.
    public var textBytes = 8 << 20
    /// Values, each alias counted as what it stands for.
    public var nodes = 250_000
    /// Bytes of all scalars, each alias counted as what it stands for.
    public var scalarBytes = 32 << 20
    /// Lists and maps within each other.
    public var depth = 100

    /// The limits for files that people write.
    public init() {}
}
