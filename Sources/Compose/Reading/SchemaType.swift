/// What a value of a compose file must be.
package indirect enum SchemaType: Sendable {
    /// Anything, such as what follows `x-`.
    case any
    case null
    /// A string that keeps a rule.
    case text(SchemaText)
    /// True or false, or a string that means one.
    case flag
    /// A whole number within a range, or a string of one.
    case whole(ClosedRange<Int64>)
    /// A number that is at least this, or a string of one.
    case number(Double)
    /// A number of bytes, or a string such as "512m".
    case size
    /// Permissions of a file: a number, or a string of octal digits, which becomes one.
    case mode
    /// A string, number, truth value, or nothing: what an environment has.
    case scalar
    /// A list; `isSet` where nothing may stand twice.
    case list(SchemaType, isSet: Bool = false, rule: SchemaListRule = .any)
    /// A map with keys of the user's choice.
    case map(SchemaKey, SchemaType)
    /// A map with attributes that have names.
    case object(SchemaObject)
    /// One of several: the first one that a value is of the kind of.
    case either([SchemaType])

    /// Any string.
    static let string = SchemaType.text(.any)
    /// Any whole number.
    static let anyWhole = SchemaType.whole(Int64.min...Int64.max)
    /// A whole number that is not negative.
    static let count = SchemaType.whole(0...Int64.max)
    /// A string such as "1m30s".
    static let duration = SchemaType.text(.duration)
    /// A list of any strings.
    static let strings = SchemaType.list(.string)
    /// A list of strings, none twice.
    static let stringSet = SchemaType.list(.string, isSet: true)
    /// A string, or a list of strings.
    static let stringOrStrings = SchemaType.either([.string, .strings])
    /// `KEY=VALUE` as a list or as a map.
    static let variables = SchemaType.either([.list(.string), .map(.any, .scalar)])
    /// Options as a map.
    static let options = SchemaType.map(.any, .scalar)

    /// The object that it is or may be.
    var object: SchemaObject? {
        switch self {
        case .object(let object): object
        case .either(let types): types.lazy.compactMap(\.object).first
        default: nil
        }
    }

    /// What is expected, in words.
    var words: String {
        switch self {
        case .any: "anything"
        case .null: "nothing"
        case .text(let rule): rule.words
        case .flag: "true or false"
        case .whole: "a whole number"
        case .number: "a number"
        case .size: "a size such as \"512m\""
        case .mode: "permissions such as 0440"
        case .scalar: "a string, a number, true or false, or nothing"
        case .list(.text, _, _): "a list of strings"
        case .list(.object, _, _): "a list of maps"
        case .list: "a list"
        case .map, .object: "a map"
        case .either(let types): Self.words(types.map(\.words))
        }
    }

    /// "a, b or c".
    private static func words(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.joined() }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// What holds for a list as a whole.
package enum SchemaListRule: Sendable {
    case any
    /// `healthcheck.test`.
    case test
}

/// A map whose attributes have names.
package struct SchemaObject: Sendable {
    /// What it describes, such as "a service".
    let name: String
    let attributes: [String: SchemaType]
    /// The attributes it must have.
    let required: [String]
    /// Whether they must be there in each file, not only in what all files are merged to.
    let isCompleteAlone: Bool
    /// Whether attributes that begin with `x-` are allowed.
    let isExtensible: Bool
    /// Attributes it does not have, and what to write in their place.
    let instead: [String: String]
    /// Attributes of which only one may stand.
    let exclusive: [[String]]

    init(
        _ name: String, _ attributes: [String: SchemaType], required: [String] = [], isCompleteAlone: Bool = true,
        isExtensible: Bool = true, instead: [String: String] = [:], exclusive: [[String]] = []
    ) {
        self.name = name
        self.attributes = attributes
        self.required = required
        self.isCompleteAlone = isCompleteAlone
        self.isExtensible = isExtensible
        self.instead = instead
        self.exclusive = exclusive
    }
}

/// What keys of the user's choice must be like.
package enum SchemaKey: Sendable {
    case any
    /// Names of services, networks, volumes and so on.
    case name
    /// Names of limits, such as `nofile`.
    case limit

    /// Whether a key is right.
    func accepts(_ key: String) -> Bool {
        switch self {
        case .any:
            return !key.isEmpty
        case .name:
            return !key.isEmpty
                && key.utf8.allSatisfy { byte in
                    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                        || "._-".utf8.contains(byte)
                }
        case .limit:
            return !key.isEmpty && key.utf8.allSatisfy { (97...122).contains($0) }
        }
    }

    /// What it must be like, in words.
    var words: String {
        switch self {
        case .any: "a name of at least one character"
        case .name: "letters, digits, \".\", \"_\" and \"-\""
        case .limit: "the name of a limit in small letters, such as \"nofile\""
        }
    }
}
