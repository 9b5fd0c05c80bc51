import Diagnostics

/// A whole stack as a value: what a manifest evaluates to and what is sent to the daemon.
public struct StackDocument: Sendable, Hashable {
    /// The version of the document's JSON this module writes and reads.
    public static let currentVersion = 1

    /// The version of its JSON.
    public var version: Int
    /// The stack's name.
    public var name: String
    /// The resources, in creation order of kinds and then as declared.
    public var resources: [StackResource]
    /// The outputs.
    public var outputs: [StackOutput]
    /// The declared inputs with the values used.
    public var inputs: [StackInput]
    /// What evaluation found.
    public var diagnostics: [Diagnostic]

    /// A document of the current version.
    public init(
        name: String, resources: [StackResource] = [], outputs: [StackOutput] = [], inputs: [StackInput] = [],
        diagnostics: [Diagnostic] = []
    ) {
        version = Self.currentVersion
        self.name = name
        self.resources = resources
        self.outputs = outputs
        self.inputs = inputs
        self.diagnostics = diagnostics
    }

    /// The resource at an address.
    public func resource(_ address: ResourceAddress) -> StackResource? {
        resources.first { $0.address == address }
    }
}
