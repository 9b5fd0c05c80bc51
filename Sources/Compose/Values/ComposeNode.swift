import Diagnostics

/// A value of a compose file on its way through the passes, with the place it is written at.
package struct ComposeNode: Sendable, Hashable {
    /// What it is.
    package indirect enum Value: Sendable, Hashable {
        case null
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string(String)
        case list([ComposeNode])
        case map(ComposeMap)
    }

    /// What a tag asks of merging.
    package enum Instruction: String, Sendable, Hashable {
        /// `!reset`: the attribute is as if it had never been set.
        case reset = "!reset"
        /// `!override`: the value replaces, and is not merged.
        case override = "!override"
    }

    /// What it is.
    package var value: Value
    /// Where it is written.
    package var location: SourceLocation
    /// What its tag asks of merging, until that is done.
    package var instruction: Instruction?

    /// A value at a place.
    package init(_ value: Value, at location: SourceLocation, instruction: Instruction? = nil) {
        self.value = value
        self.location = location
        self.instruction = instruction
    }

    /// Its text, where it is a string.
    package var string: String? {
        if case .string(let text) = value { text } else { nil }
    }

    /// Its number, where it is a whole one.
    package var int: Int64? {
        if case .int(let number) = value { number } else { nil }
    }

    /// Its truth value, where it is one.
    package var bool: Bool? {
        if case .bool(let flag) = value { flag } else { nil }
    }

    /// Its elements, where it is a list.
    package var list: [ComposeNode]? {
        if case .list(let elements) = value { elements } else { nil }
    }

    /// Its members, where it is a map.
    package var map: ComposeMap? {
        if case .map(let members) = value { members } else { nil }
    }

    /// Whether it is null.
    package var isNull: Bool { value == .null }

    /// A member, where it is a map that has it.
    package subscript(key: String) -> ComposeNode? { map?[key] }
}
