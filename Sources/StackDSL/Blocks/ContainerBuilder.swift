/// An element that may stand in a container's block.
public protocol ContainerSetting: Sendable {
    /// What the element changes.
    var element: BlockElement { get }
}

/// The settings of a container; return it from a function to share settings between containers.
///
///     @ContainerBuilder
///     func hardened() -> ContainerSettings {
///         ReadOnlyRoot()
///         Limit(memory: .mebibytes(128), processes: 100)
///     }
public struct ContainerSettings: Sendable {
    var elements: [BlockElement] = []

    /// No settings.
    public init() {}

    init(_ elements: [BlockElement]) { self.elements = elements }

    /// Whether plans that would delete the container are refused.
    var isProtected: Bool { elements.contains { $0.name == "Protect" } }

    /// The elements as containers have them: what an image exposes, a container opens to its networks.
    var containerElements: [BlockElement] {
        elements.map { element in
            guard element.name == "Expose" else { return element }
            var element = element
            element.changes = element.changes.map { change in
                if case .append("exposed", let port) = change { .append(list: "expose", port) } else { change }
            }
            return element
        }
    }
}

/// Reads the block of a `Container`.
@resultBuilder
public enum ContainerBuilder {
    /// One setting.
    public static func buildExpression(_ setting: any ContainerSetting) -> ContainerSettings {
        ContainerSettings([setting.element])
    }
    /// Several settings.
    public static func buildExpression(_ settings: [any ContainerSetting]) -> ContainerSettings {
        ContainerSettings(settings.map(\.element))
    }
    /// The settings of a function.
    public static func buildExpression(_ settings: ContainerSettings) -> ContainerSettings { settings }
    /// A statement without value, such as `print`.
    public static func buildExpression(_ nothing: Void) -> ContainerSettings { ContainerSettings() }

    /// Not available: an image setting.
    @available(
        *, unavailable,
        message:
            "this is a setting of an image: write it in the image's block, then pass the image to Container(image:)"
    )
    public static func buildExpression(_ setting: any ImageSetting) -> ContainerSettings { ContainerSettings() }

    /// Not available: a step of an image.
    @available(
        *, unavailable,
        message: "this is a step that makes an image: write it in Image(\"name\") { From(...) }, and pass that image"
    )
    public static func buildExpression(_ step: any ImageStep) -> ContainerSettings { ContainerSettings() }

    /// Not available: what is both is an image's here.
    @available(
        *, unavailable,
        message:
            "this is a setting of an image: write it in the image's block, then pass the image to Container(image:)"
    )
    public static func buildExpression(_ both: any ImageSetting & ImageStep) -> ContainerSettings {
        ContainerSettings()
    }

    /// Not available: a network is attached.
    @available(
        *, unavailable,
        message: "a network is no setting of a container: declare it with let above, then write Attach(network)"
    )
    public static func buildExpression(_ network: Network) -> ContainerSettings { ContainerSettings() }

    /// Not available: a volume is mounted.
    @available(
        *, unavailable,
        message:
            "a volume is no setting of a container: declare it with let above, then write Mount(volume, at: \"/path\")"
    )
    public static func buildExpression(_ volume: Volume) -> ContainerSettings { ContainerSettings() }

    /// Not available: an image is passed to the initialiser.
    @available(
        *, unavailable,
        message: "an image is no setting of a container: pass it to the initialiser, Container(\"name\", image: image)"
    )
    public static func buildExpression(_ image: Image) -> ContainerSettings { ContainerSettings() }

    /// Not available: containers do not nest.
    @available(
        *, unavailable,
        message:
            "containers do not nest: declare it with let beside this one, and write DependsOn(container) to order them"
    )
    public static func buildExpression(_ container: Container) -> ContainerSettings { ContainerSettings() }

    /// Not available: outputs belong into the final list.
    @available(*, unavailable, message: "an output belongs into the final list: return Resources { Output(...) }")
    public static func buildExpression(_ output: Output) -> ContainerSettings { ContainerSettings() }

    /// Not available: a string is no setting.
    @available(*, unavailable, message: "a string is no setting: use Command(...), Env(...) or Label(...)")
    public static func buildExpression(_ text: String) -> ContainerSettings { ContainerSettings() }

    /// Joins the lines of the block.
    public static func buildBlock(_ parts: ContainerSettings...) -> ContainerSettings { joined(parts) }
    /// An `if` without `else`.
    public static func buildOptional(_ part: ContainerSettings?) -> ContainerSettings { part ?? ContainerSettings() }
    /// The first branch of an `if` or `switch`.
    public static func buildEither(first part: ContainerSettings) -> ContainerSettings { part }
    /// The other branch of an `if` or `switch`.
    public static func buildEither(second part: ContainerSettings) -> ContainerSettings { part }
    /// A `for` loop.
    public static func buildArray(_ parts: [ContainerSettings]) -> ContainerSettings { joined(parts) }

    private static func joined(_ parts: [ContainerSettings]) -> ContainerSettings {
        ContainerSettings(parts.flatMap(\.elements))
    }
}
