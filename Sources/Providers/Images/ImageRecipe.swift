import Archives
import Builder
import Diagnostics
import Dockerfile
import JSONText
import Linux
import OCI
import StackModel

/// An image of a manifest that is built: of a Dockerfile, or of steps.
struct ImageRecipe: Sendable {
    private static let fileLimit = 16 << 20

    let document: DockerfileDocument
    /// The Dockerfile's text; of steps what messages show of them.
    let text: [UInt8]
    /// What of the context is left out.
    let ignored: IgnoreRules
    /// The directory of the context; nil where there is none.
    let context: String?
    let target: String?
    let arguments: [String: String]
    /// Files by the ids of secrets.
    let secrets: [String: String]
    /// Base images by the names the steps have for them: names with the digests that the stack pins them to.
    let bases: [String: String]
    /// Further contexts by their names.
    let contexts: [String: RecipeContext]
    /// How it is built.
    let options: ImageBuildOptions
    /// Base images that the stack makes itself: what is known of them is in `from.bases`.
    private let own: Set<String>

    /// Whether `from` is one that is built.
    static func isOne(_ origin: JSONObject) -> Bool {
        origin["dockerfile"] != nil || origin["dockerfileText"] != nil || origin["stages"] != nil
    }

    /// Reads the attribute `from`, and the Dockerfile.
    ///
    /// Blocking.
    ///
    /// - Throws: what is wrong with the steps or the Dockerfile; a Dockerfile that cannot be read.
    init(_ origin: JSONObject, name: String) throws(DiagnosticList) {
        context = origin["context"]?.stringValue
        target = origin["target"]?.stringValue
        arguments = origin.strings("arguments")
        secrets = origin.strings("secrets")
        bases = origin.strings("bases")
        contexts = RecipeContext.read(origin)
        options = ImageBuildOptions(origin)
        own = Set(
            (origin["bases"]?.objectValue ?? JSONObject()).filter { pair in
                pair.value.stringValue.map { $0.hasPrefix("sha256:") } ?? true
            }.map(\.key))
        var rules: [UInt8]?
        if let inline = origin["dockerfileText"]?.stringValue {
            text = Array(inline.utf8)
            document = try DockerfileDocument(reading: text, name: "Dockerfile")
        } else if let path = origin["dockerfile"]?.stringValue {
            do {
                text = try Files.readAll(path, limit: Self.fileLimit)
            } catch {
                throw DiagnosticList([
                    Diagnostic(code: "SC5121", summary: "the Dockerfile \(path) cannot be read", detail: "\(error)")
                ])
            }
            document = try DockerfileDocument(reading: text, name: path)
            let file = path.split(separator: "/").last.map(String.init) ?? path
            rules = context.flatMap { try? Files.readAll("\($0)/\(file).dockerignore", limit: Self.fileLimit) }
        } else {
            document = try StepsDocument.document(origin["stages"] ?? .null, name: name)
            text = Array(document.lines.joined(separator: "\n").utf8)
        }
        rules = rules ?? context.flatMap { try? Files.readAll("\($0)/.dockerignore", limit: Self.fileLimit) }
        ignored = IgnoreRules(rules ?? [])
    }

    private var input: EvaluationInput {
        EvaluationInput(
            arguments: arguments, targetPlatform: Platform.host.description,
            buildPlatform: Platform.host.description, target: target, namedContexts: Set(contexts.keys))
    }

    /// What is asked of the builder.
    ///
    /// Blocking.
    ///
    /// - Throws: `Diagnostic`: a context or a secret that cannot be read.
    func request(named reference: ImageReference) throws -> BuildRequest {
        var request = BuildRequest()
        request.instructions = .document(document, text: text)
        request.tags = [reference]
        request.target = target
        request.arguments = arguments
        options.apply(to: &request)
        do {
            if let context {
                request.context = FileTree(
                    root: try Files.open(context, [.readOnly, .directory]).shared(), ignored: ignored.patterns,
                    belongsToRoot: true)
            }
            for (name, named) in contexts {
                request.namedContexts[name] = try named.source(pinned: bases)
            }
            for (id, path) in secrets { request.secrets[id] = try Files.readAll(path, limit: 1 << 20) }
        } catch {
            throw Diagnostic(
                code: "SC5121", summary: "what image \(reference.familiar) is built of cannot be read",
                detail: "\(error)")
        }
        for (name, pinned) in bases where name != pinned && !own.contains(name) && contexts[name] == nil {
            request.namedContexts[name] = .image(pinned)
        }
        return request
    }

    // MARK: What goes in

    /// Names of images that stages begin with or take files of; what only an ARG's later value says is not among them.
    func baseNames() throws(DiagnosticList) -> Set<String> {
        let plan = try document.plan(input)
        var names: Set<String> = []
        for stage in plan.stages {
            if case .image(let name) = stage.base { names.insert(name) }
        }
        for case .image(let name) in contexts.values { names.insert(name) }
        return names
    }

    /// What the image depends on, each with the start of its digest: `Dockerfile 3f2a…`, `site/nginx.conf 91bc…`,
    /// `base busybox 77e1…` for a base that no registry pins.
    ///
    /// Blocking; runs nothing, and hashes a file only once as long as it does not change.
    ///
    /// - Parameter imageID: the id of an image of the store by its name.
    func inputs(imageID: (String) -> String?) throws(DiagnosticList) -> [String] {
        let plan = try document.plan(input)
        var inputs = ["Dockerfile " + SHA256.hex(of: text).prefix(16)]
        for name in try baseNames().sorted() where bases[name] ?? name == name && !own.contains(name) {
            inputs.append("base \(name) " + (imageID(name).map { Digest($0)?.shortHex ?? $0 } ?? "unknown"))
        }
        for (name, named) in contexts.sorted(by: { $0.key < $1.key }) {
            guard case .directory(let path) = named else { continue }
            var sources = plan.stages.flatMap { Self.sources(of: document.stages[$0.index], from: name) }
            if plan.stages.contains(where: { $0.base == .context(name) }) { sources.append("/") }
            let files = ContextInputs(path, ignored: RecipeContext.ignored(path), sources: sources).list()
            inputs += files.map { "\(name): \($0)" }
        }
        guard let context else { return inputs }
        let sources = plan.stages.flatMap { Self.sources(of: document.stages[$0.index], from: nil) }
        return inputs + ContextInputs(context, ignored: ignored, sources: sources).list()
    }

    /// The paths of a context that the instructions of a stage name, as far as that is known before variables have their
    /// values.
    ///
    /// - Parameter context: the context's name; nil is the one without.
    private static func sources(of stage: StageDeclaration, from context: String?) -> [String] {
        var sources: [String] = []
        for instruction in stage.instructions {
            switch instruction.kind {
            case .copy(let transfer), .add(let transfer):
                guard instruction.flags.first(where: { $0.name == "from" })?.value == context else { continue }
                for case .path(let path) in transfer.sources where !path.contains("://") { sources.append(path) }
            case .run:
                for flag in instruction.flags where flag.name == "mount" {
                    let fields = (flag.value ?? "").split(separator: ",").map { $0.split(separator: "=", maxSplits: 1) }
                    func field(_ names: String...) -> String? {
                        fields.first { $0.count == 2 && names.contains(String($0[0])) }.map { String($0[1]) }
                    }
                    guard field("type") ?? "bind" == "bind", field("from") == context else { continue }
                    sources.append(field("source", "src") ?? ".")
                }
            default: continue
            }
        }
        return sources
    }
}

/// The files of a context that patterns choose, with digests of their contents.
struct ContextInputs {
    /// Beyond so many files, those of a directory are told together.
    private static let detailLimit = 2000
    private static let limit = (files: 500_000, depth: 100)

    private let root: String
    private let ignored: IgnoreRules
    private var patterns: [(literal: String, pattern: GoPathPattern?)] = []

    /// - Parameter sources: as written in COPY: what a variable stands for may be anything.
    init(_ root: String, ignored: IgnoreRules, sources: [String]) {
        self.root = root
        self.ignored = ignored
        for source in sources {
            let unquoted = source.filter { $0 != "\"" && $0 != "'" }
            let parts = GoPath.clean("/" + unquoted).split(separator: "/").map(String.init)
            let plain = parts.prefix { part in !part.contains { "$*?[\\".contains($0) } }
            let isOpen = unquoted.contains { "$\\".contains($0) }
            let isLiteral = plain.count == parts.count
            patterns.append(
                (
                    plain.joined(separator: "/"),
                    isLiteral || isOpen ? nil : GoPathPattern(parts.joined(separator: "/"))
                ))
        }
    }

    /// One line for each file, sorted; for each directory of the root where there are very many.
    func list() -> [String] {
        var files: [String: String] = [:]
        for (literal, pattern) in patterns { visit(literal, pattern, depth: 0, isChosen: pattern == nil, &files) }
        guard files.count > Self.detailLimit else {
            return files.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        }
        var groups: [String: (count: Int, hash: SHA256)] = [:]
        for (path, mark) in files.sorted(by: { $0.key < $1.key }) {
            let parts = path.split(separator: "/")
            let group = parts.count > 1 ? String(parts[0]) + "/" : path
            var entry = groups[group] ?? (0, SHA256())
            entry.count += 1
            entry.hash.update(Array("\(path) \(mark)\n".utf8))
            groups[group] = entry
        }
        return groups.sorted { $0.key < $1.key }.map { name, entry in
            "\(name) \(entry.hash.finishHex().prefix(16))" + (entry.count > 1 ? " of \(entry.count) files" : "")
        }
    }

    private func visit(
        _ path: String, _ pattern: GoPathPattern?, depth: Int, isChosen: Bool, _ files: inout [String: String]
    ) {
        let chosen = isChosen || pattern?.matches(path) == true
        let full = path.isEmpty ? root : "\(root)/\(path)"
        guard files.count < Self.limit.files, depth < Self.limit.depth,
            let status = try? Files.status(full, followLinks: path.isEmpty)
        else { return }
        let isDirectory = status.kind == .directory
        let isLeftOut = !path.isEmpty && ignored.excludes(path, isDirectory: isDirectory)
        guard isDirectory else {
            if chosen, !isLeftOut { files[path] = Self.mark(full, status) }
            return
        }
        if isLeftOut, !ignored.mayContainIncluded(path) { return }
        for entry in (try? Files.list(full)) ?? [] {
            visit(
                path.isEmpty ? entry.name : "\(path)/\(entry.name)", pattern, depth: depth + 1, isChosen: chosen, &files
            )
        }
    }

    private static func mark(_ path: String, _ status: FileStatus) -> String {
        switch status.kind {
        case .regular:
            let digest = FileDigests.shared.digest(of: path, status) ?? "unreadable"
            // The builder keeps the mode, and a file that can be run is another one.
            return digest.prefix(16)
                + (status.mode & 0o777 == 0o644 ? "" : " \(String(status.mode & 0o7777, radix: 8))")
        case .symbolicLink: return "-> " + ((try? Files.readLink(path)) ?? "?")
        default: return status.kind.rawValue
        }
    }
}
