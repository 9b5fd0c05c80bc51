import Diagnostics
import JSONText
import StackModel

/// An image that containers run.
///
///     let site = Image("shop/site", debian: .bookworm, packages: ["nginx-light"]) {
///         Command("nginx", "-g", "daemon off;")
///         Expose(80)
///     }
///
/// A string literal is an image by its name: `Container("db", image: "postgres:17")`. It is that of the local store, or
/// else the registry's; either way the plan pins it to a digest, which `Stack.lock` keeps.
public struct Image: Sendable {
    /// Nil for a plain reference.
    let node: ResourceNode?
    let literal: String

    /// An image made from packages of a Debian suite.
    ///
    /// - Parameters:
    ///   - name: the reference the image gets in the local store, e.g. "shop/site".
    ///   - suite: the Debian release.
    ///   - packages: the packages to install besides the base system.
    ///   - mirror: where packages come from; the host's own mirror when nil.
    ///   - variant: the size of the base system as mmdebstrap names it, e.g. "minbase".
    public init(
        _ name: String, debian suite: DebianSuite, packages: [String] = [], mirror: String? = nil,
        variant: String? = nil, fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        var debian: JSONObject = [
            "suite": .string(suite.name), "packages": .array(packages.map { .string($0) }),
        ]
        if let mirror { debian["mirror"] = .string(mirror) }
        if let variant { debian["variant"] = .string(variant) }
        var problems: [Diagnostic] = []
        if !isWord(suite.name) {
            problems.append(Diagnostic(code: "SC1126", summary: "\"\(suite.name)\" is no name of a Debian suite"))
        }
        for package in packages where !isDebianPackage(package) {
            problems.append(
                Diagnostic(
                    code: "SC1126", summary: "\"\(package)\" is no name of a Debian package",
                    hint: "names have lower-case letters, digits, '+', '-' and '.'"))
        }
        self.init(
            name, from: ["debian": .object(debian)], problems: problems, fileID, line, configuration())
    }

    /// An image made from a directory that holds a root file system.
    ///
    /// `directory` is relative to the stack's folder.
    public init(
        _ name: String, rootfs directory: String, fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        self.init(
            name, from: ["rootfs": .string(directory)], problems: pathProblems(directory, "rootfs:"), fileID, line,
            configuration())
    }

    /// An image made from a tar archive of a root file system, plain or gzip.
    ///
    /// `archive` is relative to the stack's folder.
    public init(
        _ name: String, tar archive: String, fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        self.init(
            name, from: ["tar": .string(archive)], problems: pathProblems(archive, "tar:"), fileID, line,
            configuration())
    }

    /// An image out of an archive: Docker's (`docker save`) or an OCI layout in a tar, plain or compressed.
    ///
    /// `archive` is relative to the stack's folder.
    ///
    /// - Parameter image: which of the archive's images, by a name the archive gives it; not needed where it has one.
    public init(
        _ name: String, archive: String, image: String? = nil, fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        var origin: JSONObject = ["archive": .string(archive)]
        if let image { origin["image"] = .string(image) }
        self.init(
            name, from: .object(origin), problems: pathProblems(archive, "archive:"), fileID, line, configuration())
    }

    /// An image that is built of a Dockerfile.
    ///
    /// It is built again when the Dockerfile, a file that it copies, an argument or a base image has changed.
    ///
    /// - Parameters:
    ///   - dockerfile: the Dockerfile; relative to the stack's folder, as all paths.
    ///   - context: the directory whose files it copies; the Dockerfile's own when nil.
    ///   - target: the stage that is built; the last one when nil.
    ///   - arguments: values of ARG.
    ///   - secrets: files by the id that `RUN --mount=type=secret` has; a changed one builds nothing again.
    ///   - options: how it is built.
    public init(
        _ name: String, dockerfile: String, context: String? = nil, target: String? = nil,
        arguments: [String: String] = [:], secrets: [String: String] = [:], options: BuildOptions = BuildOptions(),
        fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        let folder = dockerfile.split(separator: "/").dropLast().joined(separator: "/")
        let own = (dockerfile.hasPrefix("/") ? "/" : "") + folder
        self.init(
            name, build: ["dockerfile": .string(dockerfile), "context": .string(context ?? (own.isEmpty ? "." : own))],
            problems: pathProblems(dockerfile, "dockerfile:") + pathProblems(context ?? ".", "the image"), target,
            arguments, secrets, options, fileID, line, configuration())
    }

    /// An image that is built of a Dockerfile whose text stands in the manifest.
    ///
    /// - Parameters:
    ///   - dockerfileText: the Dockerfile's text.
    ///   - context: the directory whose files it copies; none when nil. The rest is as with a Dockerfile's path.
    public init(
        _ name: String, dockerfileText: String, context: String? = nil, target: String? = nil,
        arguments: [String: String] = [:], secrets: [String: String] = [:], options: BuildOptions = BuildOptions(),
        fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        var origin: JSONObject = ["dockerfileText": .string(dockerfileText)]
        if let context { origin["context"] = .string(context) }
        var problems = pathProblems(context ?? ".", "the image")
        if dockerfileText.isEmpty { problems.append(Diagnostic(code: "SC1119", summary: "dockerfileText: is empty")) }
        self.init(
            name, build: origin, problems: problems, target, arguments, secrets, options, fileID, line,
            configuration())
    }

    private init(
        _ name: String, build: JSONObject, problems: [Diagnostic], _ target: String?, _ arguments: [String: String],
        _ secrets: [String: String], _ options: BuildOptions, _ fileID: String, _ line: Int,
        _ settings: ImageSettings
    ) {
        var origin = build
        if let target { origin["target"] = .string(target) }
        if !arguments.isEmpty { origin["arguments"] = .object(sorted(arguments)) }
        if !secrets.isEmpty { origin["secrets"] = .object(sorted(secrets)) }
        for (key, value) in options.attributes { origin[key] = value }
        var problems = problems + options.problems
        for path in secrets.values.sorted() { problems += pathProblems(path, "the image") }
        for argument in arguments.keys.sorted() where !isEnvironmentName(argument) {
            problems.append(
                Diagnostic(code: "SC1110", summary: "\"\(argument)\" is no name of a build argument"))
        }
        self.init(
            name, from: .object(origin), problems: problems, fileID, line, settings, edges: options.edges)
    }

    /// An image that is built step by step; each step is kept, and done again when what it uses has changed.
    ///
    ///     let site = Image("shop/site", context: "site") {
    ///         From("docker.io/library/nginx:1.27-alpine")
    ///         Workdir("/usr/share/nginx/html")
    ///         Copy("dist/", to: ".")
    ///         Run("nginx -t")
    ///         Expose(80)
    ///     }
    ///
    /// - Parameters:
    ///   - context: the directory whose files `Copy` and `Add` take; relative to the stack's folder. Without one there
    ///     are none.
    ///   - secrets: files by the id that `.secret` has; a changed one builds nothing again.
    public init(
        _ name: String, context: String? = nil, secrets: [String: String] = [:], fileID: String = #fileID,
        line: Int = #line, @StepsBuilder steps: () -> ImageSteps
    ) {
        var stages = StageList(SourceLocation(fileID: fileID, line: line))
        stages.add(nil, steps().elements)
        var origin: JSONObject = ["stages": .array(stages.json)]
        if let context { origin["context"] = .string(context) }
        if !secrets.isEmpty { origin["secrets"] = .object(sorted(secrets)) }
        if !stages.images.isEmpty {
            origin["bases"] = .object(JSONObject(stages.images.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
        }
        var problems = stages.problems
        for path in secrets.values.sorted() + (context.map { [$0] } ?? []) {
            problems += pathProblems(path, "the image")
        }
        self.init(
            name, from: .object(origin), problems: problems, fileID, line, ImageSettings(),
            locations: stages.locations, edges: stages.edges)
    }

    /// An image of the program that applies the stack, with the libraries it needs and nothing else.
    ///
    /// Its entrypoint is the program: `Command("registry", "serve")` is all that a registry server needs.
    public init(
        _ name: String, program: HostProgram, fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        self.init(name, from: ["program": .string(program.name)], problems: [], fileID, line, configuration())
    }

    /// An image of the local store or a registry under a name of the stack, with its configuration changed by the
    /// block.
    ///
    /// A tag is resolved to a digest when the stack is planned, and stays that until `--upgrade`.
    public init(
        _ name: String, reference: String, fileID: String = #fileID, line: Int = #line,
        @ImageBuilder configuration: () -> ImageSettings = ImageSettings.init
    ) {
        var problems: [Diagnostic] = []
        if !isImageReference(reference) {
            problems.append(Diagnostic(code: "SC1109", summary: "\"\(reference)\" is no image reference"))
        }
        self.init(name, from: ["reference": .string(reference)], problems: problems, fileID, line, configuration())
    }

    /// The image's digest, "sha256:…".
    public var id: Reference {
        guard let node else {
            return Reference(
                literal: literal,
                problem: Diagnostic(
                    code: "SC1122", summary: "the digest of \"\(literal)\" is not known to the stack",
                    hint: "declare it: let image = Image(\"name\", reference: \"\(literal)\")"))
        }
        return Reference(node: node, attribute: "id")
    }

    /// The image's reference in the local store.
    public var reference: Reference {
        node.map { Reference(node: $0, attribute: "reference") } ?? Reference(literal: literal)
    }

    private init(
        _ name: String, from source: JSONValue, problems: [Diagnostic], _ fileID: String, _ line: Int,
        _ settings: ImageSettings, locations: [String: SourceLocation] = [:], edges: [Edge] = []
    ) {
        let location = SourceLocation(fileID: fileID, line: line)
        var draft = AttributeDraft()
        draft.locations = locations
        draft.set("from", source)
        draft.problems = problems
        if !isImageReference(name) {
            draft.problems.append(
                Diagnostic(
                    code: "SC1109", summary: "\"\(name)\" is no name for an image",
                    hint: "use lower-case parts separated by '/', such as \"shop/site\" or \"shop/site:2\""))
        }
        draft.apply(settings.elements)
        let misplaced = draft.edges.first
        draft.edges = edges
        if let edge = misplaced {
            draft.problems.append(
                Diagnostic(
                    code: "SC1121", summary: "an image cannot use \(edge.node.address)",
                    detail: "Images are made before networks, volumes and containers exist.",
                    hint: "set the value on the container instead", location: edge.location))
        }
        literal = name
        node = ResourceNode(kind: .image, name: name, location: location, draft: draft)
    }

    fileprivate init(existing reference: String) {
        literal = reference
        node = nil
    }
}

extension Image: ExpressibleByStringLiteral {
    /// An image of the local store or a registry by its reference.
    public init(stringLiteral value: String) { self.init(existing: value) }

    /// An image of the local store or a registry by its reference.
    public static func existing(_ reference: String) -> Image { Image(existing: reference) }
}

/// A program that images can be made of.
public struct HostProgram: Sendable, Hashable {
    let name: String

    /// The program that applies the stack, `stackctl`.
    public static let stackctl = HostProgram(name: "stackctl")
}

/// A Debian release.
public struct DebianSuite: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The code name.
    public let name: String

    /// A release by its code name.
    public init(_ name: String) { self.name = name }

    /// A release by its code name.
    public init(stringLiteral value: String) { self.init(value) }

    /// Debian 11.
    public static let bullseye = DebianSuite("bullseye")
    /// Debian 12.
    public static let bookworm = DebianSuite("bookworm")
    /// Debian 13.
    public static let trixie = DebianSuite("trixie")
    /// The rolling release.
    public static let sid = DebianSuite("sid")
}
