import Diagnostics
import JSONText
import StackModel

/// A container, or several equal ones.
///
///     let web = Container("web", image: site, replicas: 3) {
///         Attach(backend)
///         DependsOn(db, until: .healthy)
///         Env("DATABASE_HOST", "\(db.host)")
///     }
public struct Container: Sendable {
    let node: ResourceNode
    /// The replica that is meant; nil for all of them.
    private(set) var number: Int?

    /// A container.
    ///
    /// - Parameters:
    ///   - name: its name in the stack and on the stack's networks.
    ///   - image: an `Image`, or the reference of one in the local store or a registry as a literal.
    ///   - replicas: how many equal containers; their addresses are `container.name[1]` and so on, also for 1.
    ///   - settings: the block with everything else.
    public init(
        _ name: String, image: Image, replicas: Int? = nil, fileID: String = #fileID, line: Int = #line,
        @ContainerBuilder settings: () -> ContainerSettings = ContainerSettings.init
    ) {
        var draft = Self.draft(name, image)
        if let replicas, !(0...1000).contains(replicas) {
            draft.problems.append(
                Diagnostic(code: "SC1117", summary: "\(replicas) is no number of replicas", hint: "use 0 to 1000"))
        }
        let block = settings()
        draft.apply(block.containerElements)
        node = ResourceNode(
            kind: .container, name: name, replicas: replicas.map { min(max($0, 0), 1000) },
            location: SourceLocation(fileID: fileID, line: line), protect: block.isProtected, draft: draft)
    }

    /// Containers that differ by their number: `container.name[1]` and so on.
    ///
    ///     let worker = Container("worker", image: app, numbered: 3) { number in Env("NUMBER", "\(number)") }
    ///
    /// - Parameters:
    ///   - count: how many there are.
    ///   - settings: the block, with the container's number from 1.
    public init(
        _ name: String, image: Image, numbered count: Int, fileID: String = #fileID, line: Int = #line,
        @ContainerBuilder settings: (_ number: Int) -> ContainerSettings
    ) {
        var draft = Self.draft(name, image)
        if !(0...1000).contains(count) {
            draft.problems.append(
                Diagnostic(code: "SC1117", summary: "\(count) is no number of replicas", hint: "use 0 to 1000"))
        }
        let number = min(max(count, 0), 1000)
        var isProtected = false
        let variants = (0..<number).map { offset in
            var variant = Self.draft(name, image)
            let block = settings(offset + 1)
            isProtected = isProtected || block.isProtected
            variant.apply(block.containerElements)
            return variant
        }
        if let first = variants.first {
            let problems = draft.problems
            draft = first
            draft.problems = problems.filter { problem in !first.problems.contains(problem) } + first.problems
            for variant in variants.dropFirst() {
                draft.edges += variant.edges
                draft.problems += variant.problems.filter { !draft.problems.contains($0) }
            }
        }
        node = ResourceNode(
            kind: .container, name: name, replicas: number, location: SourceLocation(fileID: fileID, line: line),
            protect: isProtected, draft: draft, variants: variants)
    }

    private static func draft(_ name: String, _ image: Image) -> AttributeDraft {
        var draft = AttributeDraft()
        checkName(name, "container", &draft)
        if let imageNode = image.node {
            draft.set("image", StackReference(address: imageNode.address, attribute: "id").json)
            draft.edges.append(Edge(node: imageNode, until: .created))
        } else {
            draft.set("image", .string(image.literal))
            if !isImageReference(image.literal) {
                draft.problems.append(
                    Diagnostic(
                        code: "SC1109", summary: "\"\(image.literal)\" is no image reference",
                        hint: "write name:tag in lower case, such as \"postgres:17\""))
            }
        }
        return draft
    }

    /// A container of an image reference in a variable.
    @_disfavoredOverload
    public init(
        _ name: String, image reference: some StringProtocol, replicas: Int? = nil, fileID: String = #fileID,
        line: Int = #line,
        @ContainerBuilder settings: () -> ContainerSettings = ContainerSettings.init
    ) {
        self.init(
            name, image: .existing(String(reference)), replicas: replicas, fileID: fileID, line: line,
            settings: settings)
    }

    /// One of its replicas, by its number from 1: `web[1]`.
    public subscript(number: Int) -> Container {
        var replica = self
        replica.number = number
        return replica
    }

    func reference(_ attribute: String) -> Reference {
        guard let number else { return Reference(node: node, attribute: attribute) }
        return Reference(node: node, number: number, attribute: attribute)
    }

    /// The name that the container answers to on its networks.
    public var host: Reference { reference("host") }

    /// The container's name on the host.
    public var name: Reference { reference("name") }

    /// The container's id.
    public var id: Reference { reference("id") }
}
