/// A place in a YAML text.
public struct YAMLMark: Sendable, Hashable {
    /// Line, from 1.
    public var line: Int
    /// Column, from 1, in characters.
    public var column: Int

    /// A place.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// One value of a YAML document, as written: no scalar has been given a type yet.
public struct YAMLNode: Sendable, Hashable {
    /// What it is.
    public indirect enum Content: Sendable, Hashable {
        /// A text; `isPlain` where it stands without quotes, so that `yes`, `12` and `~` may be more than texts.
        case scalar(String, isPlain: Bool)
        /// A list.
        case sequence([YAMLNode])
        /// A map, in the order written. Keys may stand twice; the reader says what that means.
        case mapping([YAMLEntry])
    }

    /// What it is.
    public var content: Content
    /// An explicit tag such as `!reset` or `tag:yaml.org,2002:str`.
    public var tag: String?
    /// Where it begins; for the target of an alias, where that is written.
    public var mark: YAMLMark

    /// A node.
    public init(_ content: Content, tag: String? = nil, mark: YAMLMark) {
        self.content = content
        self.tag = tag
        self.mark = mark
    }
}

/// One member of a mapping.
public struct YAMLEntry: Sendable, Hashable {
    /// The key, in compose files a scalar.
    public var key: YAMLNode
    /// The value.
    public var value: YAMLNode

    /// A member.
    public init(key: YAMLNode, value: YAMLNode) {
        self.key = key
        self.value = value
    }
}
