import ImageStore
import Linux
import Runtime

/// The files of a container as its processes see them, mounts included, for whoever copies from or to it.
struct ContainerView: Sendable {
    /// The root, which every path is resolved in.
    let root: SharedDescriptor
    /// File systems of the kernel's own, which hold no files to copy.
    let kernelDevices: Set<DeviceNumber>
    private let mounts: MountView

    /// The view of a mount namespace.
    fileprivate init(_ mounts: MountView, kernelDevices: Set<DeviceNumber> = []) {
        root = mounts.root
        self.mounts = mounts
        self.kernelDevices = kernelDevices
    }
}

extension HostEngine {
    /// Kinds of file systems that show the kernel's state and not files.
    private static let kernelTypes: Set<String> = [
        "bpf", "cgroup", "cgroup2", "debugfs", "devpts", "mqueue", "proc", "securityfs", "sysfs", "tracefs",
    ]

    /// Gives the files of a container to be read.
    ///
    /// One that does not run is shown as its next start would find it; what is mounted there is mounted for the view.
    func withView<Value: Sendable>(
        of container: Container, _ use: @Sendable (ContainerView) async throws -> Value
    ) async throws -> Value {
        if let view = try await runningView(container) { return try await use(view) }
        return try await use(try await stoppedView(container, forWriting: false))
    }

    /// Gives the files of a container to be changed; one that does not run is not started meanwhile.
    func withWritableView<Value: Sendable>(
        of container: Container, _ use: @Sendable @escaping (ContainerView) async throws -> Value
    ) async throws -> Value {
        if let view = try await runningView(container) { return try await use(view) }
        return try await exclusively(container) {
            // It may have been started while this waited.
            if let view = try await self.runningView(container) { return try await use(view) }
            return try await use(try await self.stoppedView(container, forWriting: true))
        }
    }

    private func runningView(_ container: Container) async throws -> ContainerView? {
        let state = container.state
        guard ![.removing, .dead].contains(state.phase) else {
            throw EngineError(.conflict, "container \(container.id) is marked for removal")
        }
        guard state.isActive, state.pid > 0 else { return nil }
        let view = try? await BlockingExecutor.shared.run { () throws(SystemError) in
            let namespace = try Namespaces.open(state.pid, .mount).shared()
            let devices = try Mounts.table(of: state.pid).filter { Self.kernelTypes.contains($0.type) }.map(\.device)
            return ContainerView(try Namespaces.openView(of: namespace), kernelDevices: Set(devices))
        }
        // The number may have become another process's before its namespace was opened.
        guard let view, container.state.isActive, container.state.pid == state.pid else { return nil }
        return view
    }

    /// A view that nobody else has.
    ///
    /// Read, it lies over what the container wrote, so that it leaves no trace there.
    private func stoppedView(_ container: Container, forWriting: Bool) async throws -> ContainerView {
        try await withLayers(of: container) { try await view(of: container, over: $0, forWriting: forWriting) }
    }

    private func view(of container: Container, over layers: [String], forWriting: Bool) async throws -> ContainerView {
        let facts = container.snapshot
        let name = "view-\(try Random.hex(bytes: 8))"
        let scratch = "\(configuration.runDirectory)/\(name)"
        let mounts = try await mounts(of: facts.specification, for: name)
        let stack = ViewStack(
            lower: layers, directory: configuration.containerDirectory(container.id), mounts: mounts,
            isReadOnly: facts.specification.readOnlyRoot, scratch: scratch, isForWriting: forWriting)
        let made = await BlockingExecutor.shared.run {
            Result { try Self.make(stack) }
        }
        // The view keeps what it uses of them.
        await volumeMounts.release(name)
        return try made.get()
    }

    /// What is mounted in a container, its volumes' own file systems mounted for whoever is named.
    private func mounts(
        of specification: ContainerSpecification, for holder: String
    ) async throws -> [MountConfiguration] {
        do {
            for mount in specification.mounts where mount.kind == .volume {
                guard let volume = try await volumes.find(mount.source) else { continue }
                try await volumeMounts.hold(volume, at: volumes.dataPath(volume.name), for: holder)
            }
            return try await launchMounts(specification)
        } catch {
            await volumeMounts.release(holder)
            throw error
        }
    }

    /// Blocks.
    private static func make(_ stack: ViewStack) throws -> ContainerView {
        try Files.makeDirectory(stack.scratch, mode: 0o700)
        defer { try? Files.removeDirectory(stack.scratch) }
        return ContainerView(
            try Namespaces.makeView(at: stack.isForWriting ? stack.scratch : stack.scratch + "/m") {
                () throws(SystemError) in try stack.mount()
            })
    }
}

/// What is mounted to see the files of a container that does not run.
///
/// Blocks.
private struct ViewStack: Sendable {
    let lower: [String]
    /// The container's own.
    let directory: String
    let mounts: [MountConfiguration]
    let isReadOnly: Bool
    let scratch: String
    let isForWriting: Bool

    func mount() throws(SystemError) {
        let target: String
        if isForWriting {
            for name in ["/upper", "/work"] where !Files.exists(directory + name) {
                try Files.makeDirectory(directory + name, mode: 0o755)
            }
            target = scratch
            try overlay(lower, upper: directory + "/upper", work: directory + "/work", at: target)
        } else {
            // What would be written, such as mount points, is written to memory.
            try Mounts.mount(source: "tmpfs", target: scratch, type: "tmpfs", data: "mode=700,size=1m")
            for name in ["u", "w", "m"] { try Files.makeDirectory("\(scratch)/\(name)") }
            target = "\(scratch)/m"
            let own = Files.exists(directory + "/upper") ? [directory + "/upper"] : []
            try overlay(own + lower, upper: "\(scratch)/u", work: "\(scratch)/w", at: target)
        }
        let root = try Files.open(target, [.path, .directory]).shared()
        // Shorter targets first: a mount below another's target is to be seen.
        for mount in mounts.sorted(by: { $0.target.utf8.count < $1.target.utf8.count }) {
            try place(mount, in: root)
        }
        if isReadOnly, isForWriting { try Mounts.setAttributes("", set: .readOnly, at: root.raw) }
    }

    /// Mounts an overlay as the container's own is mounted; without an upper directory it is read-only.
    private func overlay(
        _ lower: [String], upper: String? = nil, work: String = "", at target: String
    ) throws(SystemError) {
        var opened: [SharedDescriptor] = []
        func path(_ directory: String) throws(SystemError) -> String {
            let descriptor = try Files.open(directory, [.directory, .path]).shared()
            opened.append(descriptor)
            return "/proc/self/fd/\(descriptor.raw)"
        }
        var names: [String] = []
        for directory in lower { names.append(try path(directory)) }
        var options = "lowerdir=\(names.joined(separator: ":"))"
        if let upper {
            options += ",upperdir=\(try path(upper)),workdir=\(try path(work))"
            options += ",redirect_dir=off,metacopy=off,index=off"
        }
        try Mounts.mount(
            source: "overlay", target: target, type: "overlay", flags: upper == nil ? .readOnly : [], data: options)
        withExtendedLifetime(opened) {}
    }

    private func place(_ mount: MountConfiguration, in root: SharedDescriptor) throws(SystemError) {
        switch mount.kind {
        case .tmpfs, .handed, .file, .scratch, .scratchHanded:
            // Empty before a start, and gone after it, or none of a container that is kept.
            return
        case .layers(let directories):
            let target = try MountPoint.open(mount.target, isDirectory: true, in: root)
            try overlay(directories, at: "/proc/self/fd/\(target.raw)")
        case .bind(let path, let recursive):
            let source: SharedDescriptor
            do throws(SystemError) {
                let whole = try Files.open(path, [.path]).shared()
                source =
                    mount.subpath.isEmpty ? whole : try Files.openInRoot(whole.raw, mount.subpath, [.path]).shared()
            } catch let error where error.errno == .ENOENT {
                // Its next start will complain; what is there can be copied nevertheless.
                return
            }
            let tree = try Mounts.openTree("", clone: true, recursive: recursive, at: source.raw).shared()
            if mount.readOnly {
                try Mounts.setAttributes("", set: .readOnly, recursive: mount.readOnlyBelow, at: tree.raw)
            }
            let isDirectory = try source.status().kind == .directory
            let target = try MountPoint.open(mount.target, isDirectory: isDirectory, in: root)
            try Mounts.moveMount(tree.raw, to: "", at: target.raw)
        }
    }
}

/// Finds or makes what something is mounted on, inside a root that may be hostile.
private enum MountPoint {
    static func open(
        _ path: String, isDirectory: Bool, in root: SharedDescriptor
    ) throws(SystemError) -> SharedDescriptor {
        let parts = path.split(separator: "/").filter { $0 != "." }.map(String.init)
        var current = root
        var walked = ""
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            walked += "/" + part
            do throws(SystemError) {
                current = try Files.openInRoot(root.raw, walked, [.path]).shared()
            } catch let error where error.errno == .ENOENT {
                if isLast, !isDirectory {
                    _ = try Files.openInRoot(
                        current.raw, part, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o644,
                        resolve: [.beneath, .noMagicLinks])
                } else {
                    try Files.makeDirectory(part, at: current.raw)
                }
                current = try Files.openInRoot(root.raw, walked, [.path]).shared()
            }
        }
        return current
    }
}
