import Dockerfile
import LaunchProgram
import Linux
import OCI
import Runtime

/// What a step mounts, made ready to be taken over.
struct RunMounts: Sendable {
    var mounts: [MountConfiguration] = []
    /// Trees that are nowhere yet, which mounts name by their places here.
    var handed: [SharedDescriptor] = []
    /// Variables that secrets and agents are told by.
    var environment: [String] = []
    /// What devices need, their mounts among the others.
    var devices = StepDevices()
}

/// Makes the mounts of one step ready.
struct RunMountPreparation {
    let engine: BuildEngine
    let step: RunStep
    let workspace: StepWorkspace
    /// Gives back what is taken.
    let undo: UndoList
    private var result = RunMounts()
    private var leases: [String: CacheMountStore.Lease] = [:]
    private var agents = 0

    init(_ engine: BuildEngine, _ step: RunStep, _ workspace: StepWorkspace, _ undo: UndoList) {
        self.engine = engine
        self.step = step
        self.workspace = workspace
        self.undo = undo
    }

    /// Makes all mounts ready.
    ///
    /// - Throws: `BuildFailure`, `SystemError`, `CancellationError`.
    mutating func prepare() async throws -> RunMounts {
        try await takeCaches()
        for (index, mount) in step.mounts.enumerated() {
            switch mount.wanted.kind {
            case .bind: try await bind(mount, index)
            case .cache: try await cache(mount)
            case .tmpfs: try addTemporary(mount.wanted)
            case .secret: try addSecret(mount.wanted)
            case .ssh: try await addAgent(mount.wanted)
            }
        }
        if !step.run.devices.isEmpty {
            result.devices = try await engine.host.devices(step.run.devices)
            result.mounts += result.devices.mounts
            result.environment += result.devices.environment
        }
        if let script = step.run.script {
            result.mounts.append(
                MountConfiguration(
                    .file(content: Array(script.utf8), mode: 0o755, user: 0, group: 0),
                    target: EvaluatedRun.scriptPath, readOnly: true))
        }
        return result
    }

    /// An absolute path of the step's.
    private func target(_ path: String) throws(BuildFailure) -> String {
        let directory = step.workingDirectory.isEmpty ? "/" : step.workingDirectory
        let whole = path.hasPrefix("/") ? path : "\(directory)/\(path)"
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        guard !parts.isEmpty else { throw RunFailure.invalid(step, "invalid mount target \"\(path)\"") }
        return "/" + parts.joined(separator: "/")
    }

    private mutating func hand(_ tree: SharedDescriptor) -> Int {
        result.handed.append(tree)
        return result.handed.count - 1
    }

    // MARK: Binds

    private mutating func bind(_ mount: RunStep.Mount, _ index: Int) async throws {
        let wanted = mount.wanted
        let target = try target(wanted.target)
        var configuration: MountConfiguration
        if case .tree(let tree) = mount.origin { try await Self.complete(tree, wanted.source, step) }
        switch mount.origin {
        case nil: throw RunFailure.invalid(step, "the mount at \(target) has no source")
        case .layers(let layers):
            let directories = try await engine.holdLayers(layers, undo)
            let kind = try await layered(directories, isReadOnly: wanted.isReadOnly, index)
            configuration = MountConfiguration(kind, target: target)
            configuration.subpath = Self.relative(wanted.source)
        case .tree(let tree) where wanted.isReadOnly:
            let part = try await Self.part(wanted.source, of: tree.root, step)
            configuration = MountConfiguration(.handed(hand(part)), target: target)
            // What keeps the tree is kept with it.
            undo.add { withExtendedLifetime(tree) {} }
        case .tree(let tree):
            let whole = try await Self.part("/", of: tree.root, step)
            let directory = try await scratch(index)
            configuration = MountConfiguration(.scratchHanded(hand(whole), directory: directory), target: target)
            configuration.subpath = Self.relative(wanted.source)
            undo.add { withExtendedLifetime(tree) {} }
        }
        configuration.readOnly = wanted.isReadOnly
        result.mounts.append(configuration)
    }

    private func layered(
        _ directories: [String], isReadOnly: Bool, _ index: Int
    ) async throws -> MountConfiguration.Kind {
        let empty = workspace.empty
        // The kernel wants two directories at least.
        try await BlockingExecutor.shared.run { () throws(SystemError) in
            try Files.makeDirectories(empty, mode: 0o755)
        }
        if isReadOnly { return .layers(directories + [empty]) }
        return .scratch(layers: directories + [empty], directory: try await scratch(index))
    }

    private func scratch(_ index: Int) async throws -> String {
        let workspace = workspace
        return try await BlockingExecutor.shared.run { () throws(SystemError) in try workspace.makeScratch(index) }
    }

    /// Has all contents in what is seen of a tree by the step's process.
    private static func complete(_ tree: FileTree, _ path: String, _ step: RunStep) async throws {
        guard !tree.held.isEmpty else { return }
        do {
            try await tree.reading { try tree.storeContents(below: TreePath.clean(path), $0) }
        } catch {
            throw BuildFailure.transferring(step.title, error)
        }
    }

    private static func relative(_ path: String) -> String {
        path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// A part of a tree as a mount that is nowhere yet: links in its path cannot leave the tree, and what is exchanged
    /// after it was opened does not matter.
    private static func part(_ path: String, of root: SharedDescriptor, _ step: RunStep) async throws
        -> SharedDescriptor
    {
        do {
            return try await BlockingExecutor.shared.run { () throws(SystemError) in
                let relative = relative(path)
                let opened = try Files.openInRoot(root.raw, relative.isEmpty ? "." : relative, [.path])
                return try Mounts.openTree("", clone: true, at: opened.raw).shared()
            }
        } catch {
            guard error.errno == .ENOENT || error.errno == .ENOTDIR else { throw error }
            throw RunFailure.notFound(step, "\"\(path.hasPrefix("/") ? path : "/\(path)")\": not found")
        }
    }

    // MARK: Caches

    private struct WantedCache {
        var id: String
        var mount: RunStep.Mount
    }

    /// Takes every cache once, in an order that is the same in every step: two that lock the same caches must not wait
    /// for each other.
    private mutating func takeCaches() async throws {
        var wanted: [String: WantedCache] = [:]
        for mount in step.mounts where mount.wanted.kind == .cache {
            let key = try cacheKey(mount)
            if wanted[key] == nil { wanted[key] = WantedCache(id: try cacheID(mount.wanted), mount: mount) }
        }
        for (key, cache) in wanted.sorted(by: { $0.key < $1.key }) {
            let mount = cache.mount.wanted
            let appearance = CacheMountStore.Appearance(
                mode: UInt32(mount.mode ?? 0o755), user: mount.userID, group: mount.groupID)
            let content = try await firstContent(cache.mount)
            let store = engine.cacheMountStore
            let lease = try await store.take(
                id: cache.id, key: key, sharing: mount.sharing, appearance: appearance
            ) { directory in
                guard let content else { return }
                try TreeCopy.copy(from: content.root.raw, into: directory.raw)
            }
            undo.add { await store.release(lease) }
            leases[key] = lease
        }
    }

    private func cacheID(_ mount: EvaluatedMount) throws(BuildFailure) -> String {
        mount.id.isEmpty ? try target(mount.target) : mount.id
    }

    private func cacheKey(_ mount: RunStep.Mount) throws(BuildFailure) -> String {
        let origin: String
        switch mount.origin {
        case nil: origin = ""
        case .layers(let layers): origin = layers.map(\.description).joined(separator: ",")
        case .tree: origin = "tree"
        }
        return CacheMountStore.key(id: try cacheID(mount.wanted), origin: origin)
    }

    private func firstContent(_ mount: RunStep.Mount) async throws -> FileTree? {
        switch mount.origin {
        case nil: return nil
        case .tree(let tree):
            try await Self.complete(tree, "/", step)
            return tree
        case .layers(let layers): return try await engine.tree(of: layers)
        }
    }

    private mutating func cache(_ mount: RunStep.Mount) async throws {
        let wanted = mount.wanted
        guard let lease = leases[try cacheKey(mount)] else { return }
        let part = try await Self.part(wanted.source, of: lease.root, step)
        var configuration = MountConfiguration(.handed(hand(part)), target: try target(wanted.target))
        configuration.readOnly = wanted.isReadOnly
        result.mounts.append(configuration)
    }

    // MARK: What is in memory

    private mutating func addTemporary(_ mount: EvaluatedMount) throws(BuildFailure) {
        var options = [MountOption("mode", "1777")]
        if let size = mount.size { options.append(MountOption("size", KernelString("\(size)"))) }
        result.mounts.append(
            MountConfiguration(
                .tmpfs(options: options), target: try target(mount.target), readOnly: mount.isReadOnly,
                noSetUserID: true))
    }

    private mutating func addSecret(_ mount: EvaluatedMount) throws(BuildFailure) {
        let isVariableAlone = mount.environmentName != nil && mount.target.isEmpty
        let path = mount.target.isEmpty ? "/run/secrets/\(Self.lastName(mount.id))" : mount.target
        let id = mount.id.isEmpty ? Self.lastName(path) : mount.id
        guard let content = step.secrets[id] else {
            guard mount.isRequired else { return }
            throw RunFailure.notFound(step, "secret \(id): not found")
        }
        if let name = mount.environmentName {
            guard !content.contains(0) else {
                throw RunFailure.invalid(step, "secret \(id) has a NUL byte, which no variable can have")
            }
            result.environment.append("\(name)=\(String(decoding: content, as: UTF8.self))")
        }
        if isVariableAlone { return }
        result.mounts.append(
            MountConfiguration(
                .file(
                    content: content, mode: UInt32(mount.mode ?? 0o400), user: mount.userID,
                    group: mount.groupID), target: try target(path), readOnly: true, noExec: true, noSetUserID: true,
                noDevices: true))
    }

    private static func lastName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private mutating func addAgent(_ mount: EvaluatedMount) async throws {
        let id = mount.id.isEmpty ? "default" : mount.id
        guard let agent = step.agents[id] else {
            guard mount.isRequired else { return }
            throw RunFailure.notFound(step, "no SSH key \"\(id)\" forwarded from the client")
        }
        let number = agents
        agents += 1
        let target = try target(mount.target.isEmpty ? "/run/buildkit/ssh_agent.\(number)" : mount.target)
        let socket = try await AgentSocket(
            path: "\(workspace.path)/agent-\(number)", mode: UInt32(mount.mode ?? 0o600), user: mount.userID,
            group: mount.groupID, agent: agent)
        undo.add { await socket.close() }
        result.mounts.append(
            MountConfiguration(
                .bind(source: socket.path, recursive: false), target: target, readOnly: true, noExec: true,
                noSetUserID: true, noDevices: true))
        if number == 0 { result.environment.append("SSH_AUTH_SOCK=\(target)") }
    }
}
