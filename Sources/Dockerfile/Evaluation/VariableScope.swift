/// Variables in the order they were first set.
package struct VariableScope: Sendable, Hashable {
    private(set) var names: [String] = []
    /// `NAME=value`, in their order; shared by all that have them, for values may be long.
    private(set) var lines: [String] = []
    private var values: [String: String] = [:]
    private var places: [String: Int] = [:]

    package init() {}

    /// Those of `NAME=value` lines.
    init(_ lines: [String]) {
        for line in lines {
            let (name, value) = Self.split(line)
            self[name] = value
        }
    }

    subscript(name: String) -> String? {
        get { values[name] }
        set {
            let value = newValue ?? ""
            values[name] = value
            let line = "\(name)=\(value)"
            if let place = places[name] {
                lines[place] = line
            } else {
                places[name] = names.count
                names.append(name)
                lines.append(line)
            }
        }
    }

    /// Name and value of a line; an empty value where it has none.
    static func split(_ line: String) -> (name: String, value: String) {
        guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return (line, "") }
        return (String(line[..<equals]), String(line[line.utf8.index(after: equals)...]))
    }
}
