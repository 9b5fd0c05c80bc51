import YAMLText

extension ComposeNode {
    /// A scalar as Docker prints it where a text is wanted: 1e3 is "1000", true "true"; nil for null, lists and maps.
    package var text: String? {
        switch value {
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): YAMLScalar.text(number)
        case .string(let text): text
        case .null, .list, .map: nil
        }
    }

    /// What it is, in words: "a number", "a list".
    package var kind: String {
        switch value {
        case .null: "nothing"
        case .bool: "true or false"
        case .int, .double: "a number"
        case .string: "a string"
        case .list: "a list"
        case .map: "a map"
        }
    }
}
