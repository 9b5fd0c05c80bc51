/// Variables in the order they were first set.
package struct VariableScope: Sendable, Hashable {
    private(set) var names: [String] = []
    private var values: [String: String] = [:]

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
            if values.updateValue(newValue ?? "", forKey: name) == nil { names.append(name) }
        }
    }

    /// `NAME=value`, in their order.
    var lines: [String] { names.map { "\($0)=\(values[$0] ?? "")" } }

    static func split(_ line: String) -> (name: String, value: String) {
        guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return (line, "") }
        return (String(line[..<equals]), String(line[line.utf8.index(after: equals)...]))
    }
}
