import Diagnostics
import JSONText

/// How far a resource must be before what depends on it may start.
public enum DependencyCondition: String, Sendable, Hashable, CaseIterable {
    /// The object exists.
    case created
    /// The container's process runs.
    case started
    /// The container's health check has passed.
    case healthy
    /// The container has ended with exit code 0.
    case completed
}

/// One edge of the graph: what must be there first, and how far.
public struct StackDependency: Sendable, Hashable {
    /// The resource depended on.
    public var address: ResourceAddress
    /// How far it must be.
    public var until: DependencyCondition

    /// An edge.
    public init(address: ResourceAddress, until: DependencyCondition) {
        self.address = address
        self.until = until
    }
}

/// One resource as the author declared it.
public struct StackResource: Sendable, Hashable {
    /// Its identity in the stack.
    public var address: ResourceAddress
    /// Only what the author set; references (`StackReference`) are kept unevaluated.
    public var attributes: JSONObject
    /// What must be there first.
    public var dependencies: [StackDependency]
    /// Where it is declared.
    public var location: SourceLocation
    /// Whether plans that would delete its data are refused.
    public var protect: Bool
    /// Where single attributes are declared, by path, such as "env.POSTGRES_DB".
    public var locations: [String: SourceLocation]

    /// A resource.
    public init(
        address: ResourceAddress, attributes: JSONObject = [:], dependencies: [StackDependency] = [],
        location: SourceLocation, protect: Bool = false, locations: [String: SourceLocation] = [:]
    ) {
        self.address = address
        self.attributes = attributes
        self.dependencies = dependencies
        self.location = location
        self.protect = protect
        self.locations = locations
    }

    /// The place of an attribute: its own line, the one of its nearest enclosing path, or the resource's.
    public func location(of path: String) -> SourceLocation {
        var candidate = path[...]
        while true {
            if let found = locations[String(candidate)] { return found }
            guard let end = candidate.lastIndex(where: { $0 == "." || $0 == "[" }) else { return location }
            candidate = candidate[..<end]
        }
    }
}

/// A value the stack shows after apply.
public struct StackOutput: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// A string, a text or a reference.
    public var value: JSONValue
    /// Where it is declared.
    public var location: SourceLocation
    /// Whether it is hidden unless asked for.
    public var sensitive: Bool

    /// An output.
    public init(name: String, value: JSONValue, location: SourceLocation, sensitive: Bool = false) {
        self.name = name
        self.value = value
        self.location = location
        self.sensitive = sensitive
    }
}

/// A declared input and the value it had in this evaluation.
public struct StackInput: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its type as a reader would write it: "Int", "String", "one of small, large".
    public var type: String
    /// What it is for.
    public var description: String
    /// The value used when none is given.
    public var defaultValue: JSONValue?
    /// Whether a value must be given.
    public var required: Bool
    /// The value used.
    public var value: JSONValue?
    /// Where it is declared.
    public var location: SourceLocation

    /// An input.
    public init(
        name: String, type: String, description: String = "", defaultValue: JSONValue? = nil, required: Bool = false,
        value: JSONValue? = nil, location: SourceLocation
    ) {
        self.name = name
        self.type = type
        self.description = description
        self.defaultValue = defaultValue
        self.required = required
        self.value = value
        self.location = location
    }
}
