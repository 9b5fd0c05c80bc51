/// A line of comma-separated values, as Go's `encoding/csv` reads it.
enum CommaSeparated {
    static func fields(_ text: String, of what: String) throws(LineFault) -> [String] {
        var rest = Array(text.utf8)[...]
        guard !rest.isEmpty else { throw LineFault("failed to parse csv \(what): EOF") }
        var fields: [String] = []
        while true {
            if rest.first == UInt8(ascii: "\"") {
                fields.append(try quoted(&rest, what))
            } else {
                let field = rest.prefix { $0 != UInt8(ascii: ",") }
                guard !field.contains(UInt8(ascii: "\"")) else { throw bare(what) }
                fields.append(field.text)
                rest = rest[field.endIndex...]
            }
            guard rest.first == UInt8(ascii: ",") else { return fields }
            rest = rest.dropFirst()
        }
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>, _ what: String) throws(LineFault) -> String {
        var bytes: [UInt8] = []
        rest = rest.dropFirst()
        while true {
            let part = rest.prefix { $0 != UInt8(ascii: "\"") }
            bytes += part
            rest = rest[part.endIndex...].dropFirst()
            if rest.first == UInt8(ascii: "\""), !rest.isEmpty {
                bytes.append(UInt8(ascii: "\""))
                rest = rest.dropFirst()
                continue
            }
            guard part.endIndex < rest.startIndex, rest.isEmpty || rest.first == UInt8(ascii: ",") else {
                throw bare(what)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func bare(_ what: String) -> LineFault {
        LineFault("failed to parse csv \(what): parse error on line 1: bare \" in non-quoted-field")
    }
}

/// `--mount` of RUN.
enum MountOptions {
    /// The value of `from`, which no variable may be in; nil where there is none.
    static func origin(_ text: String) throws(LineFault) -> String? {
        var origin: String?
        for field in try CommaSeparated.fields(text, of: "mounts") {
            guard let equals = field.firstIndex(of: "="), field[..<equals].lowercased() == "from" else { continue }
            let value = String(field[field.index(after: equals)...])
            if let dollar = value.utf8.firstIndex(of: UInt8(ascii: "$")),
                value.utf8.index(after: dollar) != value.utf8.endIndex
            {
                throw LineFault("'from' doesn't support variable expansion, define alias stage instead")
            }
            origin = value.isEmpty ? nil : value
        }
        return origin
    }
}

/// `--device` of RUN.
enum DeviceOptions {
    /// The device's name.
    static func name(_ text: String) throws(LineFault) -> (name: String, isRequired: Bool) {
        var name = ""
        var isRequired = false
        for field in try CommaSeparated.fields(text, of: "devices") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let key = parts.first?.lowercased() ?? ""
            let value = parts.count > 1 ? parts[1] : nil
            switch (key, value) {
            case ("required", nil): isRequired = true
            case ("required", let value?):
                guard let truth = GoBool.parse(value) else {
                    throw LineFault("invalid value for required: \(value)")
                }
                isRequired = truth
            case ("name", let value?):
                guard name.isEmpty else { throw LineFault("device name already set to \(name)") }
                name = value
            default:
                if name.isEmpty {
                    name = field
                } else if value == nil {
                    throw LineFault("invalid field '\(field)' must be a key=value pair")
                } else {
                    let remark = Suggestion.remark(key, among: ["name", "required"])
                    throw LineFault("unexpected key '\(key)' in '\(field)'\(remark)")
                }
            }
        }
        return (name, isRequired)
    }
}
