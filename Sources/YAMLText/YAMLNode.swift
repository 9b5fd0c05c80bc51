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

extension YAMLNode {
    private static let nowhere = YAMLMark(line: 0, column: 0)

    /// `null`, to be written.
    public static var null: YAMLNode { YAMLNode(.scalar("null", isPlain: true), mark: nowhere) }

    /// `true` or `false`, to be written.
    public static func bool(_ flag: Bool) -> YAMLNode {
        YAMLNode(.scalar(flag ? "true" : "false", isPlain: true), mark: nowhere)
    }

    /// A whole number, to be written.
    public static func int(_ number: Int64) -> YAMLNode {
        YAMLNode(.scalar(String(number), isPlain: true), mark: nowhere)
    }

    /// A number, to be written.
    public static func double(_ number: Double) -> YAMLNode {
        let text = number.isNaN ? ".nan" : number.isInfinite ? (number < 0 ? "-.inf" : ".inf") : YAMLScalar.text(number)
        return YAMLNode(.scalar(text, isPlain: true), mark: nowhere)
    }

    /// A text, to be written; the writer quotes it where it would be read as something else.
    public static func string(_ text: String) -> YAMLNode {
        YAMLNode(.scalar(text, isPlain: false), mark: nowhere)
    }

    /// A list, to be written.
    public static func list(_ elements: [YAMLNode]) -> YAMLNode { YAMLNode(.sequence(elements), mark: nowhere) }

    /// A map, to be written in this order.
    public static func map(_ members: [(key: String, value: YAMLNode)]) -> YAMLNode {
        YAMLNode(.mapping(members.map { YAMLEntry(key: .string($0.key), value: $0.value) }), mark: nowhere)
    }
}
