import JSONText

/// A value that is known only once another resource exists: `{"$ref": "container.db", "attribute": "host"}`.
///
/// Text with references inside is `{"$text": ["postgres://", {"$ref": …, "attribute": "host"}, ":5432"]}`.
public struct StackReference: Sendable, Hashable {
    /// The resource.
    public var address: ResourceAddress
    /// The name of its output; a dot goes into an object.
    public var attribute: String

    /// A reference.
    public init(address: ResourceAddress, attribute: String) {
        self.address = address
        self.attribute = attribute
    }

    /// The reference as a member of attributes.
    public var json: JSONValue { ["$ref": .string(address.description), "attribute": .string(attribute)] }

    /// Reads `json`; nil when the value is no reference.
    public init?(json: JSONValue) {
        guard let object = json.objectValue, object.count == 2,
            let address = object["$ref"]?.stringValue.flatMap(ResourceAddress.init),
            let attribute = object["attribute"]?.stringValue
        else { return nil }
        self.init(address: address, attribute: attribute)
    }

    /// A text of literal strings and references; a plain string when it holds no reference.
    public static func text(_ parts: [JSONValue]) -> JSONValue {
        var merged: [JSONValue] = []
        for part in parts where part != "" {
            if case .string(let tail) = part, case .string(let head) = merged.last {
                merged[merged.count - 1] = .string(head + tail)
            } else {
                merged.append(part)
            }
        }
        if merged.isEmpty { return .string("") }
        if merged.count == 1, case .string = merged[0] { return merged[0] }
        return ["$text": .array(merged)]
    }
}

/// References of which the value is not known.
public struct UnresolvedReferences: Error, Sendable, Hashable {
    /// The references, in the order met.
    public var references: [StackReference]
}

extension StackReference {
    /// Every reference inside a value, in the order met.
    public static func references(in value: JSONValue) -> [StackReference] {
        if let reference = StackReference(json: value) { return [reference] }
        switch value {
        case .array(let elements): return elements.flatMap { references(in: $0) }
        case .object(let object): return object.flatMap { references(in: $0.value) }
        default: return []
        }
    }

    /// The value with every reference and text replaced by what `lookup` knows.
    /// - Throws: `UnresolvedReferences` when one is unknown.
    public static func resolve(
        _ value: JSONValue, _ lookup: (StackReference) -> JSONValue?
    ) throws(UnresolvedReferences) -> JSONValue {
        let partial = resolveKnown(value, lookup)
        guard partial.unresolved.isEmpty else { throw UnresolvedReferences(references: partial.unresolved) }
        return partial.value
    }

    /// The value with the known references replaced and the unknown ones left as they are.
    public static func resolveKnown(
        _ value: JSONValue, _ lookup: (StackReference) -> JSONValue?
    ) -> (value: JSONValue, unresolved: [StackReference]) {
        if let reference = StackReference(json: value) {
            return lookup(reference).map { ($0, []) } ?? (value, [reference])
        }
        switch value {
        case .array(let elements):
            let parts = elements.map { resolveKnown($0, lookup) }
            return (.array(parts.map(\.value)), parts.flatMap(\.unresolved))
        case .object(let object):
            if object.count == 1, let parts = object["$text"]?.arrayValue {
                let resolved = parts.map { resolveKnown($0, lookup) }
                let unresolved = resolved.flatMap(\.unresolved)
                let pieces = resolved.map {
                    StackReference(json: $0.value) == nil ? .string(plain($0.value)) : $0.value
                }
                return (text(pieces), unresolved)
            }
            var result = JSONObject()
            var unresolved: [StackReference] = []
            for (key, member) in object {
                let part = resolveKnown(member, lookup)
                result[key] = part.value
                unresolved += part.unresolved
            }
            return (.object(result), unresolved)
        default:
            return (value, [])
        }
    }

    private static func plain(_ value: JSONValue) -> String { value.stringValue ?? value.serialized(.canonical) }
}
