import LaunchProgram

/// What the user wants mounted.
extension LaunchCompiler {
    /// Parents before what is below them; otherwise in the order given.
    private static func sorted(_ configuration: ContainerConfiguration) -> [MountConfiguration] {
        let depth = { (mount: MountConfiguration) in mount.target.split(separator: "/").count }
        return configuration.mounts.enumerated().sorted {
            (depth($0.element), $0.offset) < (depth($1.element), $1.offset)
        }.map(\.element)
    }

    /// Taken while this namespace's mounts are still peers of the host's: from then on they see each other's changes
    /// as far as the propagation allows.
    static func takenTrees(_ configuration: ContainerConfiguration) -> [Operation] {
        sorted(configuration).compactMap { mount in
            guard case .bind(let source, let recursive) = mount.kind else { return nil }
            return .openTree(
                source: KernelString(source), subpath: KernelString(mount.subpath), recursive: recursive)
        }
    }

    /// Mounted for a moment where the root will be, when nothing of it reaches the host any more.
    static func takenImages(_ configuration: ContainerConfiguration) -> [Operation] {
        let mounts = sorted(configuration)
        let mountPoint = KernelString(configuration.mountPoint)
        var next = UInt32(mounts.count { if case .bind = $0.kind { true } else { false } })
        var operations: [Operation] = []
        for mount in mounts {
            let taken = taken(mount, mountPoint, next)
            operations += taken
            next += UInt32(taken.count)
        }
        return operations
    }

    /// The operations that take a mount's tree: each takes one, the mount's is the last.
    private static func taken(
        _ mount: MountConfiguration, _ mountPoint: KernelString, _ next: UInt32
    ) -> [Operation] {
        func scratch(_ tree: UInt32?, _ layers: [String], _ directory: String) -> Operation {
            .openScratch(
                ScratchTree(
                    tree: tree, lower: layers.map { KernelString($0) }, upper: KernelString("\(directory)/upper"),
                    work: KernelString("\(directory)/work"), subpath: KernelString(mount.subpath),
                    scratch: mountPoint))
        }
        func handed(_ index: Int) -> Operation {
            .takeTree(descriptor: UInt32(index + handedDescriptor), source: KernelString(mount.target))
        }
        switch mount.kind {
        case .bind, .tmpfs: return []
        case .layers(let layers):
            return [
                .openOverlay(
                    lower: layers.map { KernelString($0) }, subpath: KernelString(mount.subpath),
                    scratch: mountPoint)
            ]
        case .handed(let index): return [handed(index)]
        case .file(let content, let mode, let user, let group):
            return [
                .openFiles(
                    [LaunchFile(content: content, mode: mode, user: user, group: group)], scratch: mountPoint)
            ]
        case .scratch(let layers, let directory): return [scratch(nil, layers, directory)]
        case .scratchHanded(let index, let directory): return [handed(index), scratch(next, [], directory)]
        }
    }

    /// The number of the first descriptor that is handed over.
    static let handedDescriptor = 3

    static func userMounts(_ configuration: ContainerConfiguration) -> [Operation] {
        let mounts = sorted(configuration)
        var nextTree: UInt32 = 0
        var nextOther = UInt32(mounts.count { if case .bind = $0.kind { true } else { false } })
        return mounts.map { mount in
            var attributes = mount.attributes
            if mount.readOnly { attributes |= MountAttribute.readOnly }
            if mount.noExec { attributes |= MountAttribute.noExec }
            if mount.noSetUserID { attributes |= MountAttribute.noSetUserID }
            if mount.noDevices { attributes |= MountAttribute.noDevices }
            switch mount.kind {
            case .bind(let source, _):
                defer { nextTree += 1 }
                return attach(nextTree, source, mount, attributes)
            case .layers:
                defer { nextOther += 1 }
                return attach(nextOther, "the image", mount, attributes | MountAttribute.readOnly)
            case .handed, .file, .scratch:
                defer { nextOther += 1 }
                return attach(nextOther, mount.target, mount, attributes)
            case .scratchHanded:
                defer { nextOther += 2 }
                return attach(nextOther + 1, mount.target, mount, attributes)
            case .tmpfs(let options):
                return .mount(
                    type: "tmpfs", options: options, attributes: attributes, target: KernelString(mount.target),
                    followLinks: true)
            }
        }
    }

    private static func attach(
        _ tree: UInt32, _ source: String, _ mount: MountConfiguration, _ attributes: UInt32
    ) -> Operation {
        .attachTree(
            TreeAttachment(
                tree: tree, source: KernelString(source), target: KernelString(mount.target), attributes: attributes,
                attributesBelow: mount.readOnlyBelow, propagation: mount.propagation.flag,
                userMap: KernelString(mount.owners?.userMap ?? ""),
                groupMap: KernelString(mount.owners?.groupMap ?? "")))
    }
}

extension MountConfiguration.Propagation {
    /// The kernel's flag.
    fileprivate var flag: UInt32 {
        switch self {
        case .private: MountPropagation.private
        case .slave: MountPropagation.slave
        case .shared: MountPropagation.shared
        }
    }
}
