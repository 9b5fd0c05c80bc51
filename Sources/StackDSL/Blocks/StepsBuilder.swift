import Diagnostics
import JSONText

/// An element that may stand in the block of an image that is built step by step, or of a stage.
public protocol ImageStep: Sendable {
    /// What the element does.
    var step: StepElement { get }
}

/// One step of a build: what it does, which stages it uses, and what is wrong with it.
public struct StepElement: Sendable {
    /// The element's type as the author writes it.
    let name: String
    let location: SourceLocation
    /// One object for each step; most elements are one.
    var steps: [JSONObject]
    /// Stages it begins with or takes files from.
    var stages: [StageNode] = []
    /// Images it begins with or takes files of, by the names that steps have for them: references, or ids of images
    /// of the stack.
    var images: [String: JSONValue] = [:]
    /// Images of the stack that must be there first.
    var edges: [Edge] = []
    var problems: [Diagnostic] = []

    init(_ name: String, _ fileID: String, _ line: Int, _ step: JSONObject) {
        self.name = name
        location = SourceLocation(fileID: fileID, line: line)
        steps = [step]
    }

    /// The step that a setting of images is.
    init(_ element: BlockElement) {
        name = element.name
        location = element.location
        problems = element.problems
        steps = []
        if let edge = element.edges.first {
            problem(
                "SC1121", "an image cannot use \(edge.node.address)",
                detail: "Images are made before networks, volumes and containers exist.",
                hint: "set the value on the container instead")
        }
        for change in element.changes {
            switch change {
            case .set(let key, let value): steps.append([key: value])
            case .insert(let map, let key, let value): steps.append([map: .object([key: value])])
            case .append(let list, let value): steps.append([list: value])
            case .extend: break
            }
        }
    }

    mutating func problem(_ code: String, _ summary: String, detail: String? = nil, hint: String? = nil) {
        problems.append(Diagnostic(code: code, summary: summary, detail: detail, hint: hint, location: location))
    }
}

/// The steps of an image; return it from a function to share them between images.
public struct ImageSteps: Sendable {
    var elements: [StepElement] = []

    /// No steps.
    public init() {}

    init(_ elements: [StepElement]) { self.elements = elements }
}

/// Reads the block of an image that is built step by step, or of a `Stage`.
@resultBuilder
public enum StepsBuilder {
    /// One step.
    public static func buildExpression(_ step: any ImageStep) -> ImageSteps { ImageSteps([step.step]) }
    /// The steps of a function.
    public static func buildExpression(_ steps: ImageSteps) -> ImageSteps { steps }
    /// A statement without value, such as `print`.
    public static func buildExpression(_ nothing: Void) -> ImageSteps { ImageSteps() }

    /// Not available: a container setting.
    @available(
        *, unavailable,
        message: "this is a setting of a container: write it inside Container(\"name\", image: image) { }"
    )
    public static func buildExpression(_ setting: any ContainerSetting) -> ImageSteps { ImageSteps() }

    /// Not available: a stage is used by its value.
    @available(
        *, unavailable,
        message: "a stage is declared with let above and used: From(stage), or Copy(\"/file\", from: stage, to: \"/\")"
    )
    public static func buildExpression(_ stage: Stage) -> ImageSteps { ImageSteps() }

    /// Not available: resources do not stand in an image.
    @available(
        *, unavailable, message: "a container does not belong into an image: pass the image to Container(image:)"
    )
    public static func buildExpression(_ container: Container) -> ImageSteps { ImageSteps() }

    /// Not available: resources do not stand in an image.
    @available(
        *, unavailable, message: "an image has no networks: attach them to the container, Attach(network)"
    )
    public static func buildExpression(_ network: Network) -> ImageSteps { ImageSteps() }

    /// Not available: resources do not stand in an image.
    @available(
        *, unavailable, message: "an image has no volumes: write VolumePath(\"/path\"), and mount one in the container"
    )
    public static func buildExpression(_ volume: Volume) -> ImageSteps { ImageSteps() }

    /// Not available: images do not nest.
    @available(*, unavailable, message: "images do not nest: begin with another one by its name, From(\"name\")")
    public static func buildExpression(_ image: Image) -> ImageSteps { ImageSteps() }

    /// Not available: outputs belong into the final list.
    @available(*, unavailable, message: "an output belongs into the final list: return Resources { Output(...) }")
    public static func buildExpression(_ output: Output) -> ImageSteps { ImageSteps() }

    /// Joins the lines of the block.
    public static func buildBlock(_ parts: ImageSteps...) -> ImageSteps { joined(parts) }
    /// An `if` without `else`.
    public static func buildOptional(_ part: ImageSteps?) -> ImageSteps { part ?? ImageSteps() }
    /// The first branch of an `if` or `switch`.
    public static func buildEither(first part: ImageSteps) -> ImageSteps { part }
    /// The other branch of an `if` or `switch`.
    public static func buildEither(second part: ImageSteps) -> ImageSteps { part }
    /// A `for` loop.
    public static func buildArray(_ parts: [ImageSteps]) -> ImageSteps { joined(parts) }

    private static func joined(_ parts: [ImageSteps]) -> ImageSteps { ImageSteps(parts.flatMap(\.elements)) }
}

extension Command: ImageStep {
    /// The default command.
    public var step: StepElement { StepElement(element) }
}

extension Entrypoint: ImageStep {
    /// The entry point.
    public var step: StepElement { StepElement(element) }
}

extension User: ImageStep {
    /// The user of the steps after it, and of containers.
    public var step: StepElement { StepElement(element) }
}

extension Workdir: ImageStep {
    /// The directory of the steps after it, which is made; a relative one is below the one before.
    public var step: StepElement {
        var step = StepElement(element)
        step.problems.removeAll { $0.code == "SC1108" }
        return step
    }
}

extension Env: ImageStep {
    /// A variable of the steps after it, and of containers.
    public var step: StepElement { StepElement(element) }
}

extension Label: ImageStep {
    /// A label.
    public var step: StepElement { StepElement(element) }
}

extension Expose: ImageStep {
    /// A port.
    public var step: StepElement { StepElement(element) }
}

extension Stop: ImageStep {
    /// The signal that ends containers.
    public var step: StepElement {
        var step = StepElement(element)
        if step.steps.contains(where: { $0["stopTimeout"] != nil }) {
            step.problem(
                "SC1105", "an image has no stop timeout", hint: "write Stop(timeout:) in the container's block")
        }
        return step
    }
}

extension Healthcheck: ImageStep {
    /// The health check of containers.
    public var step: StepElement {
        var step = StepElement(element)
        if step.steps.first?["healthcheck"]?["test"]?.arrayValue?.first == "HTTP" {
            step.problem(
                "SC1119", "an image's health check runs a command",
                hint: "write .command(...) or .shell(...) here, or the health check in the container's block")
        }
        return step
    }
}
