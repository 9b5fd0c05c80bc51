import Diagnostics
import JSONText

/// Attributes of a resource on their way, with the line of each.
struct ResourceDraft {
    private(set) var attributes = JSONObject()
    private(set) var locations: [String: SourceLocation] = [:]

    /// Sets an attribute; nil leaves it out.
    ///
    /// - Parameters:
    ///   - path: a name, or a group and a name in it, such as `limits.memory`.
    ///   - location: nil where it is the resource's.
    mutating func set(_ path: String, _ value: JSONValue?, at location: SourceLocation?) {
        guard let value else { return }
        if let dot = path.firstIndex(of: ".") {
            let group = String(path[..<dot])
            var members = attributes[group]?.objectValue ?? JSONObject()
            // So that the members are not copied for each of them.
            if attributes[group] != nil { attributes[group] = .null }
            members[String(path[path.index(after: dot)...])] = value
            attributes[group] = .object(members)
        } else {
            attributes[path] = value
        }
        if let location { locations[path] = location }
    }

    /// Sets a list, of which each element has a place; an empty one is left out.
    mutating func set(_ name: String, _ elements: [(value: JSONValue, location: SourceLocation)]) {
        guard let first = elements.first else { return }
        attributes[name] = .array(elements.map(\.value))
        locations[name] = first.location
        for (offset, element) in elements.enumerated() { locations["\(name)[\(offset)]"] = element.location }
    }

    /// Puts a text into a list of texts that is a set.
    mutating func add(_ text: String, to name: String, at location: SourceLocation?) {
        let texts = Set((attributes[name]?.arrayValue ?? []).compactMap(\.stringValue) + [text])
        set(name, .strings(texts.sorted()), at: locations[name] ?? location)
    }

    /// Takes a text out of a list of texts, or a member out of a group; nothing is left of an empty one.
    mutating func remove(_ text: String, from name: String) {
        if var members = attributes[name]?.objectValue, members[text] != nil {
            members[text] = nil
            attributes[name] = members.isEmpty ? nil : .object(members)
            locations["\(name).\(text)"] = nil
            return
        }
        guard let elements = attributes[name]?.arrayValue, elements.contains(.string(text)) else { return }
        let location = locations[name]
        remove(name)
        let rest = elements.filter { $0 != .string(text) }
        if !rest.isEmpty { set(name, .array(rest), at: location) }
    }

    /// Takes an attribute out.
    mutating func remove(_ name: String) {
        attributes[name] = nil
        locations = locations.filter {
            $0.key != name && !$0.key.hasPrefix(name + ".") && !$0.key.hasPrefix(name + "[")
        }
    }
}

extension JSONValue {
    static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}
