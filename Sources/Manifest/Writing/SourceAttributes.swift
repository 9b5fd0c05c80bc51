import Diagnostics
import JSONText

/// Attributes that are written one by one, so that what is left over is known by its name.
struct SourceAttributes {
    private var members: JSONObject
    /// How messages call them, such as "container.web: mounts[0]".
    let path: String

    /// - Parameter keepsEmpty: members of which an empty list is more than none.
    init(_ object: JSONObject, path: String, keepsEmpty: Set<String> = []) {
        members = JSONObject(
            object.filter { key, value in
                if keepsEmpty.contains(key) { return value != .null }
                return value != .null && value != .array([]) && value != .object(JSONObject())
            }.map { ($0.key, $0.value) })
        self.path = path
    }

    func failure(_ key: String, _ reason: String) -> Diagnostic {
        Diagnostic(
            code: "SC1280", summary: "\(path)\(path.hasSuffix(": ") ? "" : ".")\(key) \(reason)",
            hint: "take it out of what is converted, and write it by hand")
    }

    /// Whether there is a member.
    func has(_ key: String) -> Bool { members[key] != nil }

    /// Takes a member of any kind.
    mutating func take(_ key: String) -> JSONValue? {
        defer { members[key] = nil }
        return members[key]
    }

    /// Puts back what was not written.
    mutating func put(_ key: String, _ value: JSONValue) {
        members[key] = value
        if value == .object(JSONObject()) { members[key] = nil }
    }

    /// Takes a text as it is.
    mutating func plain(_ key: String) throws(Diagnostic) -> String? {
        guard let value = take(key) else { return nil }
        guard let text = value.stringValue else { throw failure(key, "is no text") }
        return text
    }

    /// Takes a text as a literal.
    mutating func text(_ key: String) throws(Diagnostic) -> String? { try plain(key).map { SourceText.literal($0) } }

    /// Takes the entrypoint and the command, each as an element.
    mutating func programs() throws(Diagnostic) -> [String] {
        var calls: [String] = []
        for (key, name) in [("entrypoint", "Entrypoint"), ("command", "Command")] where has(key) {
            let words = try words(key).map { SourceText.literal($0) }
            var call = SourceCall(name)
            if words.isEmpty { call.add("[]") }
            for word in words { call.add(word) }
            calls.append(call.text)
        }
        return calls
    }

    mutating func number(_ key: String) throws(Diagnostic) -> Int64? {
        guard let value = take(key) else { return nil }
        guard let number = value.intValue else { throw failure(key, "is no whole number") }
        return number
    }

    mutating func integer(_ key: String) throws(Diagnostic) -> String? { try number(key).map { String($0) } }

    mutating func bytes(_ key: String) throws(Diagnostic) -> String? {
        try number(key).map { $0 == -1 ? ".unlimited" : SourceText.bytes($0) }
    }

    mutating func duration(_ key: String) throws(Diagnostic) -> String? {
        try number(key).map { SourceText.duration($0) }
    }

    mutating func flag(_ key: String) throws(Diagnostic) -> Bool? {
        guard let value = take(key) else { return nil }
        guard let flag = value.boolValue else { throw failure(key, "is neither true nor false") }
        return flag
    }

    mutating func truth(_ key: String) throws(Diagnostic) -> String? { try flag(key).map { $0 ? "true" : "false" } }

    mutating func values(_ key: String) throws(Diagnostic) -> [JSONValue] {
        guard let value = take(key) else { return [] }
        guard let elements = value.arrayValue else { throw failure(key, "is no list") }
        return elements
    }

    mutating func words(_ key: String) throws(Diagnostic) -> [String] {
        var words: [String] = []
        for value in try values(key) {
            guard let text = value.stringValue else { throw failure(key, "has an element that is no text") }
            words.append(text)
        }
        return words
    }

    /// Takes a list of texts as an array; nil where there is none.
    mutating func list(_ key: String) throws(Diagnostic) -> String? {
        let words = try words(key)
        return words.isEmpty ? nil : SourceText.list(words.map { SourceText.literal($0) })
    }

    mutating func pairs(_ key: String) throws(Diagnostic) -> [(key: String, value: JSONValue)] {
        guard let value = take(key) else { return [] }
        guard let object = value.objectValue else { throw failure(key, "is no object") }
        return object.map { ($0.key, $0.value) }
    }

    /// Takes an object of texts as a dictionary; nil where there is none.
    mutating func dictionary(_ key: String) throws(Diagnostic) -> String? {
        var members: [(key: String, value: String)] = []
        for (name, value) in try pairs(key) {
            guard let text = value.stringValue else { throw failure("\(key).\(name)", "is no text") }
            members.append((name, SourceText.literal(text)))
        }
        return members.isEmpty ? nil : SourceText.dictionary(members)
    }

    mutating func group(_ key: String) throws(Diagnostic) -> SourceAttributes? {
        guard let value = take(key) else { return nil }
        guard let object = value.objectValue else { throw failure(key, "is no object") }
        return SourceAttributes(object, path: "\(path)\(path.hasSuffix(": ") ? "" : ".")\(key)")
    }

    mutating func groups(_ key: String) throws(Diagnostic) -> [SourceAttributes] {
        var groups: [SourceAttributes] = []
        for (offset, value) in try values(key).enumerated() {
            guard let object = value.objectValue else { throw failure("\(key)[\(offset)]", "is no object") }
            groups.append(
                SourceAttributes(object, path: "\(path)\(path.hasSuffix(": ") ? "" : ".")\(key)[\(offset)]"))
        }
        return groups
    }

    /// - Throws: the first member that nothing was written for.
    func finish() throws(Diagnostic) {
        guard let key = members.keys.first else { return }
        throw failure(key, "is nothing that manifests say")
    }
}
