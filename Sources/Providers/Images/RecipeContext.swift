import Builder
import Dockerfile
import JSONText
import Linux

/// A context of a build that has a name.
enum RecipeContext: Sendable, Hashable {
    /// The files of a directory.
    case directory(String)
    /// The files of an image, by its reference.
    case image(String)
    /// The files of an image of the stack, by its id; nil where that is known only after apply.
    case own(String?)

    static let imagePrefix = "docker-image://"

    /// Those of the attribute `from`.
    static func read(_ origin: JSONObject) -> [String: RecipeContext] {
        var contexts: [String: RecipeContext] = [:]
        for (name, value) in origin["contexts"]?.objectValue ?? JSONObject() {
            guard let text = value.stringValue else {
                contexts[name] = .own(nil)
                continue
            }
            if text.hasPrefix(imagePrefix) {
                contexts[name] = .image(String(text.dropFirst(imagePrefix.count)))
            } else {
                contexts[name] = text.hasPrefix("sha256:") ? .own(text) : .directory(text)
            }
        }
        return contexts
    }

    /// The directory, where it is one.
    var directory: String? {
        if case .directory(let path) = self { path } else { nil }
    }

    /// What the builder is given.
    ///
    /// Blocking.
    ///
    /// - Parameter pinned: references with digests by the names of images.
    func source(pinned: [String: String]) throws(SystemError) -> NamedContext {
        switch self {
        case .directory(let path):
            .tree(
                FileTree(
                    root: try Files.open(path, [.readOnly, .directory]).shared(),
                    ignored: Self.ignored(path).patterns, belongsToRoot: true))
        case .image(let name): .image(pinned[name] ?? name)
        case .own(let id): .image(id ?? "")
        }
    }

    /// What its own .dockerignore leaves out.
    static func ignored(_ path: String) -> IgnoreRules {
        IgnoreRules((try? Files.readAll("\(path)/.dockerignore", limit: 16 << 20)) ?? [])
    }
}
