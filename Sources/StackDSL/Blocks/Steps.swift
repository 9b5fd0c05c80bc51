import Diagnostics
import JSONText

/// What an image or a stage begins with: an image by its reference, a stage, or nothing (`"scratch"`).
public struct From: ImageStep {
    /// What the element does.
    public let step: StepElement

    /// An image of the local store or a registry, which the plan pins to a digest.
    ///
    /// - Parameter platform: the platform it is taken for, such as "linux/arm64".
    public init(_ reference: String, platform: String? = nil, fileID: String = #fileID, line: Int = #line) {
        step = Self.element(reference, platform, fileID, line)
    }

    /// An image of the stack, which is made first; when it is made anew, so is this one.
    public init(_ image: Image, fileID: String = #fileID, line: Int = #line) {
        if let node = image.node {
            var element = StepElement("From", fileID, line, ["from": .string(node.name)])
            let id = Reference(node: node, attribute: "id")
            element.images[node.name] = id.json
            element.edges = id.edge.map { [$0] } ?? []
            step = element
        } else {
            step = Self.element(image.literal, nil, fileID, line)
        }
    }

    private static func element(
        _ reference: String, _ platform: String?, _ fileID: String, _ line: Int
    ) -> StepElement {
        var step: JSONObject = ["from": .string(reference)]
        if let platform { step["platform"] = .string(platform) }
        var element = StepElement("From", fileID, line, step)
        if reference != "scratch" { element.images[reference] = .string(reference) }
        if !isImageReference(reference) { element.problem("SC1109", "\"\(reference)\" is no image reference") }
        return element
    }

    /// A stage that is gone on with.
    public init(_ stage: Stage, fileID: String = #fileID, line: Int = #line) {
        var element = StepElement("From", fileID, line, ["from": .object(["stage": .string(stage.node.name)])])
        element.stages = [stage.node]
        step = element
    }
}

/// Steps of their own, of which others take files: `Copy("/out/app", from: build, to: "/app")`.
///
/// Only stages that something uses are built; those that do not need one another are built side by side.
public struct Stage: Sendable {
    let node: StageNode

    /// A stage.
    ///
    /// - Parameter name: what progress and messages call it: lower-case letters, digits, '-', '_' and '.'.
    public init(
        _ name: String, fileID: String = #fileID, line: Int = #line, @StepsBuilder steps: () -> ImageSteps
    ) {
        node = StageNode(name, SourceLocation(fileID: fileID, line: line), steps().elements)
    }
}

/// What a stage's value points to; copies of the value share it.
final class StageNode: Sendable {
    let name: String
    let location: SourceLocation
    let elements: [StepElement]

    init(_ name: String, _ location: SourceLocation, _ elements: [StepElement]) {
        self.name = name
        self.location = location
        self.elements = elements
    }
}

/// Copies files of the context, a stage or another image.
public struct Copy: ImageStep {
    /// What the element does.
    public let step: StepElement

    /// Files of the context.
    ///
    /// - Parameters:
    ///   - sources: paths in the context; `*`, `?`, `[…]` and `**` choose several.
    ///   - destination: where they come to: a directory where it ends in "/"; relative to the working directory.
    ///   - owner: "user", "user:group" or numbers; root unless written.
    ///   - mode: permissions such as "0644" or "u+x".
    ///   - excluding: patterns of files that are left out.
    ///   - keepsParents: whether the directories of a source are made in the destination too.
    ///   - isLinked: whether the layer does not depend on those below it.
    public init(
        _ sources: String..., to destination: String, owner: String? = nil, mode: String? = nil,
        excluding: [String] = [], keepsParents: Bool = false, isLinked: Bool = false, fileID: String = #fileID,
        line: Int = #line
    ) {
        step = transferElement(
            "Copy", sources, destination, owner, mode, excluding, keepsParents, isLinked, fileID, line)
    }

    /// Files of a stage.
    public init(
        _ sources: String..., from stage: Stage, to destination: String, owner: String? = nil, mode: String? = nil,
        excluding: [String] = [], keepsParents: Bool = false, isLinked: Bool = false, fileID: String = #fileID,
        line: Int = #line
    ) {
        var element = transferElement(
            "Copy", sources, destination, owner, mode, excluding, keepsParents, isLinked, fileID, line,
            more: ["stage": .string(stage.node.name)])
        element.stages = [stage.node]
        step = element
    }

    /// Files of an image, which the plan pins to a digest.
    public init(
        _ sources: String..., fromImage reference: String, to destination: String, owner: String? = nil,
        mode: String? = nil, excluding: [String] = [], keepsParents: Bool = false, isLinked: Bool = false,
        fileID: String = #fileID, line: Int = #line
    ) {
        var element = transferElement(
            "Copy", sources, destination, owner, mode, excluding, keepsParents, isLinked, fileID, line,
            more: ["image": .string(reference)])
        element.images[reference] = .string(reference)
        if !isImageReference(reference) { element.problem("SC1109", "\"\(reference)\" is no image reference") }
        step = element
    }

    /// A file whose content is in the manifest.
    public init(
        text content: String, to destination: String, owner: String? = nil, mode: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        var element = transferElement(
            "Copy", [], destination, owner, mode, [], false, false, fileID, line, more: ["text": .string(content)])
        if destination.hasSuffix("/") {
            element.problem(
                "SC1108", "\"\(destination)\" is a directory", hint: "write the file's name: \"\(destination)file\"")
        }
        step = element
    }
}

/// Adds files of the context, of the web or of a Git repository; archives of the context are unpacked.
public struct Add: ImageStep {
    /// What the element does.
    public let step: StepElement

    /// Files.
    ///
    /// - Parameters:
    ///   - sources: paths in the context, "https://…" or "https://….git#ref".
    ///   - destination: as that of `Copy`.
    ///   - checksum: "sha256:…" of what the web gives, or the commit of a repository.
    ///   - unpacks: whether archives are unpacked; unless written, those of the context are and those of the web not.
    public init(
        _ sources: String..., to destination: String, checksum: String? = nil, unpacks: Bool? = nil,
        owner: String? = nil, mode: String? = nil, excluding: [String] = [], fileID: String = #fileID,
        line: Int = #line
    ) {
        var more = JSONObject()
        if let checksum { more["checksum"] = .string(checksum) }
        if let unpacks { more["unpack"] = .bool(unpacks) }
        step = transferElement(
            "Add", sources, destination, owner, mode, excluding, false, false, fileID, line, more: more)
    }
}

/// Runs a command in the image.
public struct Run: ImageStep {
    /// What the element does.
    public let step: StepElement

    /// A line for the image's shell.
    ///
    /// - Parameters:
    ///   - mounts: what it has beside the image's files, none of which stays in it.
    ///   - network: the network it is on.
    public init(
        _ line: String, mounts: [StepMount] = [], network: StepNetwork? = nil, fileID: String = #fileID,
        line place: Int = #line
    ) {
        var element = Self.element(.string(line), mounts, network, fileID, place)
        if !line.contains(where: { !$0.isWhitespace }) { element.problem("SC1119", "Run has no command") }
        if line.utf8.contains(0) { element.problem("SC1119", "Run has a NUL byte") }
        step = element
    }

    /// A command as words, without a shell.
    public init(
        words: [String], mounts: [StepMount] = [], network: StepNetwork? = nil, fileID: String = #fileID,
        line: Int = #line
    ) {
        var element = Self.element(.array(words.map { .string($0) }), mounts, network, fileID, line)
        if words.first?.isEmpty ?? true { element.problem("SC1119", "Run has no program") }
        if words.contains(where: { $0.utf8.contains(0) }) { element.problem("SC1119", "Run has a NUL byte") }
        step = element
    }

    private static func element(
        _ command: JSONValue, _ mounts: [StepMount], _ network: StepNetwork?, _ fileID: String, _ line: Int
    ) -> StepElement {
        var step: JSONObject = ["run": command]
        if !mounts.isEmpty { step["mounts"] = .array(mounts.map { .object($0.json) }) }
        if let network { step["network"] = .string(network.rawValue) }
        var element = StepElement("Run", fileID, line, step)
        element.stages = mounts.compactMap(\.stage)
        for mount in mounts {
            for value in mount.json.values.compactMap(\.stringValue)
            where value.contains(where: { ",\"\n".contains($0) }) {
                element.problem("SC1108", "\"\(value)\" of a mount has a comma, a quote or a line's end")
            }
        }
        return element
    }
}

/// The network of a step that runs a command.
public enum StepNetwork: String, Sendable {
    /// The engine's.
    case standard = "default"
    /// None.
    case none
    /// The host's, which the build must be allowed.
    case host
}

/// What a step that runs a command has beside the image's files.
public struct StepMount: Sendable {
    let json: JSONObject
    var stage: StageNode?

    /// A directory that stays from one build to the next, such as a package manager's cache.
    public static func cache(_ target: String, id: String? = nil) -> StepMount {
        var json: JSONObject = ["type": "cache", "target": .string(target)]
        if let id { json["id"] = .string(id) }
        return StepMount(json: json)
    }

    /// A secret of the image as a file, at /run/secrets unless written.
    public static func secret(_ id: String, at target: String? = nil) -> StepMount {
        var json: JSONObject = ["type": "secret", "id": .string(id), "required": "true"]
        if let target { json["target"] = .string(target) }
        return StepMount(json: json)
    }

    /// Files of the context, read-only.
    public static func context(_ source: String = ".", at target: String) -> StepMount {
        StepMount(json: ["type": "bind", "source": .string(source), "target": .string(target)])
    }

    /// Files of a stage, read-only.
    public static func stage(_ stage: Stage, _ source: String = "/", at target: String) -> StepMount {
        var mount = StepMount(json: [
            "type": "bind", "from": .string(stage.node.name), "source": .string(source), "target": .string(target),
        ])
        mount.stage = stage.node
        return mount
    }

    /// A file system in memory.
    public static func tmpfs(_ target: String) -> StepMount {
        StepMount(json: ["type": "tmpfs", "target": .string(target)])
    }
}

/// A directory whose files belong into a volume: containers get one of their own where nothing is mounted.
public struct VolumePath: ImageStep {
    /// What the element does.
    public let step: StepElement

    /// An absolute directory of the image.
    public init(_ path: String, fileID: String = #fileID, line: Int = #line) {
        var element = StepElement("VolumePath", fileID, line, ["volume": .string(path)])
        if !path.hasPrefix("/") {
            element.problem("SC1108", "the volume path \"\(path)\" is not absolute", hint: "write \"/\(path)\"")
        }
        step = element
    }
}

private func transferElement(
    _ name: String, _ sources: [String], _ destination: String, _ owner: String?, _ mode: String?,
    _ excluding: [String], _ keepsParents: Bool, _ isLinked: Bool, _ fileID: String, _ line: Int,
    more: JSONObject = [:]
) -> StepElement {
    var transfer: JSONObject = ["to": .string(destination)]
    if !sources.isEmpty { transfer["sources"] = .array(sources.map { .string($0) }) }
    if let owner { transfer["owner"] = .string(owner) }
    if let mode { transfer["mode"] = .string(mode) }
    if !excluding.isEmpty { transfer["excluding"] = .array(excluding.map { .string($0) }) }
    if keepsParents { transfer["parents"] = true }
    if isLinked { transfer["link"] = true }
    for (key, value) in more { transfer[key] = value }
    var element = StepElement(name, fileID, line, [name == "Add" ? "add" : "copy": .object(transfer)])
    if sources.isEmpty, more["text"] == nil { element.problem("SC1126", "\(name) has no source") }
    if destination.isEmpty { element.problem("SC1126", "\(name) has no destination", hint: "write to: \".\"") }
    for text in sources + [destination] where text.isEmpty || text.utf8.contains(0) || text.contains("\n") {
        element.problem("SC1126", "\(name) has a path that is empty, or has a NUL byte or a line's end")
        break
    }
    return element
}
