/// One line of comma-separated values, as Go's `encoding/csv` reads it: fields may be in double quotes.
enum CommaSeparated {
    /// The fields of a line.
    static func fields(_ text: String) throws(Reason) -> [String] {
        var fields: [String] = []
        var rest = text[...]
        while true {
            if rest.first == "\"" {
                fields.append(try quoted(&rest))
            } else {
                let field = rest.prefix { $0 != "," }
                guard !field.contains("\"") else {
                    let column = text.distance(from: text.startIndex, to: rest.startIndex) + 1
                    throw Reason("parse error on line 1, column \(column): bare \" in non-quoted field")
                }
                fields.append(String(field))
                rest = rest[field.endIndex...]
            }
            guard rest.popFirst() != nil else { return fields }
        }
    }

    private static func quoted(_ rest: inout Substring) throws(Reason) -> String {
        var field = ""
        rest.removeFirst()
        while let character = rest.popFirst() {
            guard character == "\"" else {
                field.append(character)
                continue
            }
            switch rest.first {
            case "\"":
                field.append("\"")
                rest.removeFirst()
            case ",", nil: return field
            default: throw Reason("parse error on line 1: extraneous or missing \" in quoted-field")
            }
        }
        throw Reason("parse error on line 1: extraneous or missing \" in quoted-field")
    }

    /// The two sides of the first `=`; the second is nil where there is none.
    static func cut(_ text: String, at separator: Character = "=") -> (key: String, value: String?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (String(text[..<index]), String(text[text.index(after: index)...]))
    }
}
