import Diagnostics
import Engine
import JSONText
import Linux

/// One attribute of a container: how it is read, how a specification says it, how it is seen again, what a change costs.
struct ContainerAttribute: Sendable {
    /// What a change of an attribute does to a container.
    enum Effect: Sendable {
        /// Nothing: it says what is done with the container, not how the container is.
        case none
        /// The engine takes note of it; what runs goes on.
        case noted
        /// It is changed while the container runs, by `ContainerSettings`.
        case live
        /// The next start uses it.
        case restart
        /// It needs another container.
        case recreate
    }

    typealias Reading = @Sendable (inout AttributeReader, ContainerNorms) -> Void
    typealias Writing = @Sendable (JSONValue?, inout ContainerSpecification) -> Void
    typealias Seeing = @Sendable (ContainerObservation, JSONValue?) -> JSONValue?

    let name: String
    let effect: Effect
    /// Whether it is a truth value, of which false says no more than nothing.
    private(set) var isFlag = false
    /// Brings it to its normal form.
    let read: Reading
    /// Puts its normal form into a specification; nil puts in what a container has that says nothing.
    let write: Writing
    /// What the container has, beside what was asked for; nil where it has nothing of the kind.
    let see: Seeing

    init(
        _ name: String, _ effect: Effect, read: @escaping Reading, write: @escaping Writing, see: @escaping Seeing
    ) {
        self.name = name
        self.effect = effect
        self.read = read
        self.write = write
        self.see = see
    }

    /// One that is no part of the container: as it was asked for, so it is.
    static func wish(_ name: String, _ effect: Effect = .none, read: @escaping Reading) -> Self {
        Self(name, effect, read: read, write: { _, _ in }, see: { _, asked in asked })
    }
}

/// What the normal form of a container's attributes depends on beside them.
struct ContainerNorms: Sendable {
    /// What the kernel can hold of a limit; nil where no controller is mounted.
    var hierarchy: CgroupHierarchy?
    /// What tells the content of a file of the host from another; nil for one that cannot be read.
    var digest: @Sendable (String) -> String? = { _ in nil }
}

// MARK: - Plain ones

extension ContainerAttribute {
    typealias Member<Value> = any WritableKeyPath<ContainerSpecification, Value> & Sendable

    /// A text; the empty one says nothing.
    static func text(
        _ name: String, _ member: Member<String>, _ effect: Effect, expected: String = "a string",
        _ check: @escaping @Sendable (String) -> String? = { $0 }
    ) -> Self {
        Self(
            name, effect,
            read: { reader, _ in
                reader.text(name, check, expected: expected)
                if reader[name] == "" { reader[name] = nil }
            },
            write: { $1[keyPath: member] = $0?.stringValue ?? ContainerSpecification()[keyPath: member] },
            see: { sight, _ in
                let text = sight.specification[keyPath: member]
                return text.isEmpty ? nil : .string(text)
            })
    }

    /// One of a few words, or any text; the empty one says nothing.
    ///
    /// `container:` is followed by a container's id, and may be asked for by name.
    static func mode(_ name: String, _ member: Member<String>, _ words: [String], joins: Bool = false) -> Self {
        let expected = words.joined(separator: ", ") + (joins ? " or container: and a container" : "")
        return Self(
            name, .recreate,
            read: { reader, _ in
                reader.text(
                    name,
                    { text in
                        text.isEmpty || words.contains(text) || joins && text.hasPrefix("container:") ? text : nil
                    }, expected: expected)
                if reader[name] == "" { reader[name] = nil }
            },
            write: { $1[keyPath: member] = $0?.stringValue ?? "" },
            see: { sight, asked in
                let found = sight.specification[keyPath: member]
                if let asked, sight.isSameContainer(asked.stringValue ?? "", found) { return asked }
                return found.isEmpty ? nil : .string(found)
            })
    }

    /// A truth value.
    static func flag(_ name: String, _ member: Member<Bool>, _ effect: Effect) -> Self {
        var attribute = Self(
            name, effect,
            read: { reader, _ in reader.flag(name) },
            write: { $1[keyPath: member] = $0?.boolValue ?? ContainerSpecification()[keyPath: member] },
            see: { sight, _ in .bool(sight.specification[keyPath: member]) })
        attribute.isFlag = true
        return attribute
    }

    /// A list of texts, or a set of them; the empty one says nothing.
    static func texts(
        _ name: String, _ member: Member<[String]>, _ effect: Effect, isSet: Bool = false, expected: String = "",
        _ check: @escaping @Sendable (String) -> String? = { $0 }
    ) -> Self {
        Self(
            name, effect,
            read: { reader, _ in reader.texts(name, isSet: isSet, expected: expected, check) },
            write: { $1[keyPath: member] = $0?.arrayValue?.compactMap(\.stringValue) ?? [] },
            see: { sight, _ in
                let texts = sight.specification[keyPath: member]
                return texts.isEmpty ? nil : .strings(isSet ? texts.sorted() : texts)
            })
    }

    /// Texts by name.
    static func dictionary(_ name: String, _ member: Member<[String: String]>, _ effect: Effect) -> Self {
        Self(
            name, effect,
            read: { reader, _ in reader.dictionary(name) },
            write: { value, specification in
                specification[keyPath: member] = JSONObject([(name, value ?? .null)]).strings(name)
            },
            see: { sight, _ in .object(.strings(sight.specification[keyPath: member])) })
    }

    /// A list of objects; the empty one says nothing.
    static func objects<Element: AttributeElement>(
        _ name: String, _ member: Member<[Element]>, _ effect: Effect
    ) -> Self {
        Self(
            name, effect,
            read: { reader, _ in
                reader.objects(name) { (element) throws(DiagnosticList) in try Element.normalize(element) }
                if reader[name] == [] { reader[name] = nil }
            },
            write: { $1[keyPath: member] = ($0?.arrayValue ?? []).compactMap { Element(attributes: $0) } },
            see: { sight, _ in
                let elements = sight.specification[keyPath: member]
                return elements.isEmpty ? nil : .array(elements.map { .object($0.attributes) })
            })
    }
}

/// What a list of objects among the attributes has for elements.
protocol AttributeElement: SendableMetatype {
    /// The normal form of one.
    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject
    /// Reads the normal form; nil for what is known only after apply.
    init?(attributes: JSONValue)
    /// The normal form.
    var attributes: JSONObject { get }
}
