/// An element that may stand in an image's block.
public protocol ImageSetting: Sendable {
    /// What the element changes.
    var element: BlockElement { get }
}

/// The configuration of an image; return it from a function to share it between images.
public struct ImageSettings: Sendable {
    var elements: [BlockElement] = []

    /// No settings.
    public init() {}

    init(_ elements: [BlockElement]) { self.elements = elements }
}

/// Reads the block of an `Image`.
@resultBuilder
public enum ImageBuilder {
    /// One setting.
    public static func buildExpression(_ setting: any ImageSetting) -> ImageSettings {
        ImageSettings([setting.element])
    }
    /// The settings of a function.
    public static func buildExpression(_ settings: ImageSettings) -> ImageSettings { settings }
    /// A statement without value, such as `print`.
    public static func buildExpression(_ nothing: Void) -> ImageSettings { ImageSettings() }

    /// Not available: a container setting.
    @available(
        *, unavailable,
        message: "this is a setting of a container: write it inside Container(\"name\", image: image) { }"
    )
    public static func buildExpression(_ setting: any ContainerSetting) -> ImageSettings { ImageSettings() }

    /// Not available: a step.
    @available(
        *, unavailable,
        message:
            "this is a step: it belongs into an image that is built, Image(\"name\", context: \"folder\") { From(...) }"
    )
    public static func buildExpression(_ step: any ImageStep) -> ImageSettings { ImageSettings() }

    /// Not available: what is both is a container's here.
    @available(
        *, unavailable,
        message: "this is a setting of a container: write it inside Container(\"name\", image: image) { }"
    )
    public static func buildExpression(_ both: any ContainerSetting & ImageStep) -> ImageSettings { ImageSettings() }

    /// Not available: resources do not stand in an image.
    @available(
        *, unavailable, message: "a container does not belong into an image: pass the image to Container(image:)"
    )
    public static func buildExpression(_ container: Container) -> ImageSettings { ImageSettings() }

    /// Not available: resources do not stand in an image.
    @available(
        *, unavailable, message: "an image has no networks: attach them to the container, Attach(network)"
    )
    public static func buildExpression(_ network: Network) -> ImageSettings { ImageSettings() }

    /// Not available: resources do not stand in an image.
    @available(
        *, unavailable, message: "an image has no volumes: mount them in the container, Mount(volume, at: \"/path\")"
    )
    public static func buildExpression(_ volume: Volume) -> ImageSettings { ImageSettings() }

    /// Not available: images do not nest.
    @available(*, unavailable, message: "images do not nest: declare it with let beside this one")
    public static func buildExpression(_ image: Image) -> ImageSettings { ImageSettings() }

    /// Not available: outputs belong into the final list.
    @available(*, unavailable, message: "an output belongs into the final list: return Resources { Output(...) }")
    public static func buildExpression(_ output: Output) -> ImageSettings { ImageSettings() }

    /// Joins the lines of the block.
    public static func buildBlock(_ parts: ImageSettings...) -> ImageSettings { joined(parts) }
    /// An `if` without `else`.
    public static func buildOptional(_ part: ImageSettings?) -> ImageSettings { part ?? ImageSettings() }
    /// The first branch of an `if` or `switch`.
    public static func buildEither(first part: ImageSettings) -> ImageSettings { part }
    /// The other branch of an `if` or `switch`.
    public static func buildEither(second part: ImageSettings) -> ImageSettings { part }
    /// A `for` loop.
    public static func buildArray(_ parts: [ImageSettings]) -> ImageSettings { joined(parts) }

    private static func joined(_ parts: [ImageSettings]) -> ImageSettings { ImageSettings(parts.flatMap(\.elements)) }
}
