import Compose
import Diagnostics
import Dockerfile
import Linux

/// One element of `develop.watch`.
struct WatchRule: Sendable {
    /// What is done where something changed.
    enum Action: String, Sendable {
        case sync, rebuild, restart
        case syncAndRestart = "sync+restart"
        case syncAndRun = "sync+exec"

        /// Whether files are copied.
        var copies: Bool { self == .sync || self == .syncAndRestart || self == .syncAndRun }
    }

    let service: String
    /// A directory or a file of this host, absolute.
    let path: String
    let action: Action
    /// Where its files are in the container.
    let target: String
    /// Whether the files are copied before anything changes.
    let copiesFirst: Bool
    /// Run after a copy, for `sync+exec`.
    let hook: ComposeHooks.Hook?
    private let ignored: IgnoreRules
    private let included: IgnoreRules?

    /// Reads an element.
    ///
    /// - Parameter contextRules: what `.dockerignore` of the service's context leaves out, where the path is in it.
    /// - Throws: `Diagnostic` (SC0236) for one that cannot be done.
    init(_ service: String, _ node: ComposeNode, contextRules: IgnoreRules?) throws(Diagnostic) {
        self.service = service
        guard let path = node["path"]?.string, let action = node["action"]?.string.flatMap(Action.init(rawValue:))
        else {
            throw Self.problem(service, "needs `path` and an action that is known", node)
        }
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.action = action
        target = node["target"]?.string ?? ""
        guard !action.copies || target.hasPrefix("/") else {
            throw Self.problem(service, "needs `target`, the absolute path of its files in the container", node)
        }
        copiesFirst = node["initial_sync"]?.bool ?? false
        hook = node["exec"].flatMap { ComposeHooks.Hook($0) }
        guard action != .syncAndRun || hook != nil else { throw Self.problem(service, "needs `exec.command`", node) }
        // What a version control system and editors keep beside the files is never meant.
        let usual = [".git", "**/.git", "**/*.swp", "**/*~", "**/4913", "**/.DS_Store"]
        ignored = IgnoreRules(patterns: usual + (contextRules?.patterns ?? []) + Self.texts(node["ignore"]))
        let wanted = Self.texts(node["include"])
        included = wanted.isEmpty ? nil : IgnoreRules(patterns: wanted)
    }

    private static func texts(_ node: ComposeNode?) -> [String] {
        node?.list?.compactMap(\.string) ?? node?.string.map { [$0] } ?? []
    }

    private static func problem(_ service: String, _ what: String, _ node: ComposeNode) -> Diagnostic {
        Diagnostic(
            code: "SC0236", summary: "develop.watch of \(service) \(what)",
            hint: "action is sync, rebuild, restart, sync+restart or sync+exec", location: node.location)
    }

    // MARK: Files

    /// A file as it was found.
    struct Found: Sendable, Hashable {
        var modified: Timestamp
        var size: Int64
        var mode: UInt32
        var inode: UInt64
        var isDirectory: Bool
    }

    /// The files that count, by their paths below `path`, and the directories to watch, by their absolute paths.
    ///
    /// Blocking.
    func look() -> (files: [String: Found], directories: [String: UInt64]) {
        guard let status = try? Files.status(path) else {
            let parent = Self.parent(path)
            return ([:], (try? Files.status(parent)).map { [parent: $0.inode] } ?? [:])
        }
        guard status.kind == .directory else {
            let parent = Self.parent(path)
            return (["": Self.found(status)], (try? Files.status(parent)).map { [parent: $0.inode] } ?? [:])
        }
        var files: [String: Found] = [:]
        var directories = [path: status.inode]
        var open = [""]
        while let directory = open.popLast() {
            let absolute = directory.isEmpty ? path : "\(path)/\(directory)"
            for entry in (try? Files.list(absolute)) ?? [] {
                let relative = directory.isEmpty ? entry.name : "\(directory)/\(entry.name)"
                let isDirectory = entry.kind == .directory
                let isIgnored = ignored.excludes(relative, isDirectory: isDirectory)
                if isIgnored, !isDirectory || !ignored.mayContainIncluded(relative) { continue }
                guard let status = try? Files.status("\(path)/\(relative)", followLinks: false) else { continue }
                if isDirectory {
                    directories["\(path)/\(relative)"] = status.inode
                    open.append(relative)
                }
                guard !isIgnored, included?.excludes(relative, isDirectory: isDirectory) ?? true else { continue }
                files[relative] = Self.found(status)
            }
        }
        return (files, directories)
    }

    private static func found(_ status: FileStatus) -> Found {
        // Of a directory only that it is there: what is in it is listed beside it.
        let isDirectory = status.kind == .directory
        return Found(
            modified: isDirectory ? Timestamp(seconds: 0) : status.modified, size: isDirectory ? 0 : status.size,
            mode: status.mode, inode: isDirectory ? 0 : status.inode, isDirectory: isDirectory)
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// Where a file is in the container.
    func place(of file: String) -> String {
        let base = target.count > 1 && target.hasSuffix("/") ? String(target.dropLast()) : target
        return file.isEmpty ? base : base == "/" ? "/\(file)" : "\(base)/\(file)"
    }

    /// Where it is on this host.
    func source(of file: String) -> String { file.isEmpty ? path : "\(path)/\(file)" }
}
