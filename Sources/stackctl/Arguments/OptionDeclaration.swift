/// One option of a command, as declared once: parsing, help and shell completion all read this value.
struct OptionDeclaration: Sendable, Hashable {
    /// What follows the option.
    enum Value: Sendable, Hashable {
        /// Nothing: the option is a flag.
        case none
        /// Any text; the payload is its name in the help text.
        case text(String)
        /// A path, completed as one by the shells.
        case path(String)
        /// A whole number that is zero or more.
        case integer(String)
        /// `KEY=VALUE`, or what the payload says.
        case pair(String)
        /// One of these words.
        case choice([String])
    }

    /// The name after `--`.
    let long: String
    /// The letter after `-`, if there is one.
    let short: Character?
    /// What follows the option.
    let value: Value
    /// Whether giving it again adds a value; otherwise the last one counts.
    let repeats: Bool
    /// One line for the help text, without a full stop.
    let summary: String
    /// Other names after `--` that mean the same, such as those of older versions of Docker; help does not list them.
    var otherNames: [String] = []
    /// What the shells may offer as its value, by asking the daemon.
    var offers: CompletedKind?

    /// Whether `name`, without its dashes, is this option.
    func answers(to name: String) -> Bool { long == name || otherNames.contains(name) }

    /// The same option, known by other names too.
    func named(also names: String...) -> OptionDeclaration {
        var copy = self
        copy.otherNames += names
        return copy
    }

    /// The same option, whose value is the name of such a thing.
    func offering(_ kind: CompletedKind) -> OptionDeclaration {
        var copy = self
        copy.offers = kind
        return copy
    }

    /// An option that is there or not.
    static func flag(_ long: String, _ short: Character? = nil, _ summary: String) -> OptionDeclaration {
        OptionDeclaration(long: long, short: short, value: .none, repeats: false, summary: summary)
    }

    /// An option with a value; the last one given counts.
    static func value(
        _ long: String, _ short: Character? = nil, _ value: Value, _ summary: String
    ) -> OptionDeclaration {
        OptionDeclaration(long: long, short: short, value: value, repeats: false, summary: summary)
    }

    /// An option with a value that may be given many times.
    static func list(
        _ long: String, _ short: Character? = nil, _ value: Value, _ summary: String
    ) -> OptionDeclaration {
        OptionDeclaration(long: long, short: short, value: value, repeats: true, summary: summary)
    }

    /// Whether a value follows.
    var takesValue: Bool { value != .none }

    /// The value's name in help texts: `FILE`, `dot|mermaid`.
    var placeholder: String {
        switch value {
        case .none: ""
        case .text(let name), .path(let name), .integer(let name), .pair(let name): name
        case .choice(let words): words.joined(separator: "|")
        }
    }

    /// What is wrong with `text` as this option's value, or `nil`.
    func complaint(about text: String) -> String? {
        switch value {
        case .none, .text: return nil
        case .path: return text.isEmpty ? "a path is expected, found an empty text" : nil
        case .integer:
            guard let number = Int(text), number >= 0 else {
                return "a whole number that is zero or more is expected, found `\(text)`"
            }
            return nil
        case .pair(let shape):
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                return "`\(shape)` is expected, found `\(text)`"
            }
            return nil
        case .choice(let words):
            return words.contains(text) ? nil : "one of \(words.joined(separator: ", ")) is expected, found `\(text)`"
        }
    }
}

/// What a shell completes with the names of, as the daemon or the user's files have them.
enum CompletedKind: String, Sendable, Hashable, CaseIterable {
    case containers
    /// Containers that run.
    case running
    /// Containers that do not run.
    case stopped
    case images
    case networks
    case volumes
    case contexts
    /// Objects of any kind.
    case objects
    case stacks
    /// Addresses in stacks that are applied.
    case resources
}

/// A word without a dash that a command takes.
struct OperandDeclaration: Sendable, Hashable {
    /// How many of them.
    enum Count: Sendable, Hashable {
        case one
        case optional
        case oneOrMore
        case any
    }

    /// What the shells offer for it.
    enum Completion: Sendable, Hashable {
        case none
        case path
        case choice([String])
        case names(CompletedKind)
    }

    /// Its name in help texts: `CONTAINER`.
    let name: String
    /// How many.
    let count: Count
    /// One line for the help text, without a full stop.
    let summary: String
    /// What the shells offer.
    let completion: Completion

    /// An operand.
    init(_ name: String, _ count: Count, _ summary: String, completion: Completion = .none) {
        self.name = name
        self.count = count
        self.summary = summary
        self.completion = completion
    }

    /// An operand that is required once.
    init(_ name: String, _ summary: String, completion: Completion = .none) {
        self.init(name, .one, summary, completion: completion)
    }

    /// How it reads in a usage line: `[STACK]`, `CONTAINER...`.
    var usage: String {
        switch count {
        case .one: name
        case .optional: "[\(name)]"
        case .oneOrMore: "\(name)..."
        case .any: "[\(name)...]"
        }
    }
}
