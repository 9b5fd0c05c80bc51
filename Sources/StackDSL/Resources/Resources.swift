/// The final list of a stack or component: resources and outputs.
///
/// List what nothing else refers to; what a listed resource refers to belongs to the stack as well.
public struct Resources: Sendable {
    enum Item: Sendable {
        case resource(ResourceNode)
        case output(Output)
    }

    var items: [Item]

    /// The list written in the block.
    public init(@ResourcesBuilder _ list: () -> Resources) { self = list() }

    /// An empty list.
    public init() { items = [] }

    init(items: [Item]) { self.items = items }
}

/// Reads the block of `Resources`.
@resultBuilder
public enum ResourcesBuilder {
    /// One container.
    public static func buildExpression(_ container: Container) -> Resources { list([container.node]) }
    /// Several containers.
    public static func buildExpression(_ containers: [Container]) -> Resources { list(containers.map(\.node)) }
    /// One image.
    public static func buildExpression(_ image: Image) -> Resources { list([image.node].compactMap(\.self)) }
    /// Several images.
    public static func buildExpression(_ images: [Image]) -> Resources { list(images.compactMap(\.node)) }
    /// One network.
    public static func buildExpression(_ network: Network) -> Resources { list([network.node].compactMap(\.self)) }
    /// Several networks.
    public static func buildExpression(_ networks: [Network]) -> Resources { list(networks.compactMap(\.node)) }
    /// One volume.
    public static func buildExpression(_ volume: Volume) -> Resources { list([volume.node].compactMap(\.self)) }
    /// Several volumes.
    public static func buildExpression(_ volumes: [Volume]) -> Resources { list(volumes.compactMap(\.node)) }
    /// An output.
    public static func buildExpression(_ output: Output) -> Resources { Resources(items: [.output(output)]) }
    /// The resources of a function or another list.
    public static func buildExpression(_ resources: Resources) -> Resources { resources }
    /// The resources of a component.
    public static func buildExpression(_ component: any Component) -> Resources { component.resources }
    /// The resources of several components.
    public static func buildExpression(_ components: [any Component]) -> Resources {
        Resources(items: components.flatMap { $0.resources.items })
    }
    /// A statement without value, such as `print`.
    public static func buildExpression(_ nothing: Void) -> Resources { Resources() }

    /// Not available: a stage is in the image that uses it.
    @available(
        *, unavailable,
        message: "a stage is no resource: it comes with the image that uses it, From(stage) or Copy(from: stage)"
    )
    public static func buildExpression(_ stage: Stage) -> Resources { Resources(items: []) }

    /// Not available: settings belong into a container's block.
    @available(
        *, unavailable, message: "this is a setting of a container: write it inside Container(\"name\", image: ...) { }"
    )
    public static func buildExpression(_ setting: any ContainerSetting) -> Resources { Resources() }

    /// Not available: settings belong into an image's block.
    @available(*, unavailable, message: "this is a setting of an image: write it inside Image(\"name\", ...) { }")
    public static func buildExpression(_ setting: any ImageSetting) -> Resources { Resources() }

    /// Not available: settings belong into a resource's block.
    @available(
        *, unavailable, message: "this is a setting: write it inside the block of a Container or an Image"
    )
    public static func buildExpression(_ setting: any ContainerSetting & ImageSetting) -> Resources { Resources() }

    /// Not available: an image of the local store is no resource of the stack.
    @available(*, unavailable, message: "a string is no resource: list the value itself, without quotes")
    public static func buildExpression(_ text: String) -> Resources { Resources() }

    /// Joins the lines of the block.
    public static func buildBlock(_ lists: Resources...) -> Resources { joined(lists) }
    /// An `if` without `else`.
    public static func buildOptional(_ list: Resources?) -> Resources { list ?? Resources() }
    /// The first branch of an `if` or `switch`.
    public static func buildEither(first list: Resources) -> Resources { list }
    /// The other branch of an `if` or `switch`.
    public static func buildEither(second list: Resources) -> Resources { list }
    /// A `for` loop.
    public static func buildArray(_ lists: [Resources]) -> Resources { joined(lists) }

    private static func list(_ nodes: [ResourceNode]) -> Resources { Resources(items: nodes.map { .resource($0) }) }

    private static func joined(_ lists: [Resources]) -> Resources { Resources(items: lists.flatMap(\.items)) }
}
