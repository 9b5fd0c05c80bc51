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
    static func takenImages(_ configuration: ContainerConfiguration) -> [Operation] { taking(configuration).operations }

    /// The number of the first descriptor that is handed over.
    static let handedDescriptor = 3

    /// The operations that take all trees but those of the host's paths, and the number of each mount's tree, in the
    /// order of the mounts; nil for a mount without one.
    private static func taking(
        _ configuration: ContainerConfiguration
    ) -> (operations: [Operation], trees: [UInt32?]) {
        let mounts = sorted(configuration)
        let scratch = KernelString(configuration.mountPoint)
        var operations: [Operation] = []
        var trees = [UInt32?](repeating: nil, count: mounts.count)
        var next: UInt32 = 0
        func take(_ index: Int) {
            trees[index] = next
            next += 1
        }
        for (index, mount) in mounts.enumerated() { if case .bind = mount.kind { take(index) } }
        // One memory file system has them all.
        var files: [LaunchFile] = []
        for (index, mount) in mounts.enumerated() {
            guard case .file(let content, let mode, let user, let group) = mount.kind else { continue }
            files.append(LaunchFile(content: content, mode: mode, user: user, group: group))
            take(index)
        }
        if !files.isEmpty { operations.append(.openFiles(files, scratch: scratch)) }
        for (index, mount) in mounts.enumerated() {
            let taken = taken(mount, scratch, next)
            if taken.isEmpty { continue }
            operations += taken
            next += UInt32(taken.count - 1)
            take(index)
        }
        return (operations, trees)
    }

    /// The operations that take one mount's tree: each takes one, and the mount's is the last.
    private static func taken(_ mount: MountConfiguration, _ scratch: KernelString, _ next: UInt32) -> [Operation] {
        let subpath = KernelString(mount.subpath)
        func handed(_ number: Int) -> Operation {
            .takeTree(descriptor: UInt32(number + handedDescriptor), source: KernelString(mount.target))
        }
        func writable(_ tree: UInt32?, _ layers: [String], _ directory: String) -> Operation {
            .openScratch(
                ScratchTree(
                    tree: tree, lower: layers.map { KernelString($0) }, upper: KernelString("\(directory)/upper"),
                    work: KernelString("\(directory)/work"), subpath: subpath, scratch: scratch))
        }
        switch mount.kind {
        case .bind, .tmpfs, .file: return []
        case .layers(let layers):
            return [.openOverlay(lower: layers.map { KernelString($0) }, subpath: subpath, scratch: scratch)]
        case .handed(let number): return [handed(number)]
        case .scratch(let layers, let directory): return [writable(nil, layers, directory)]
        case .scratchHanded(let number, let directory): return [handed(number), writable(next, [], directory)]
        }
    }

    /// Where something will be mounted: made in a layer of its own, where the configuration says so.
    static func places(_ configuration: ContainerConfiguration) -> [Operation] {
        guard configuration.makesPlacesApart else { return [] }
        var places = MountPlaces(
            lower: configuration.lowerDirectories.map { KernelString($0) },
            upper: KernelString(configuration.placesDirectory),
            work: KernelString(configuration.placesWorkDirectory),
            mountPoint: KernelString(configuration.mountPoint), directories: ["/proc", "/dev", "/sys"],
            files: identityMounts(configuration).map(\.target))
        for (mount, tree) in zip(sorted(configuration), taking(configuration).trees) {
            // What is below the kernel's own file systems is made in those.
            let first = mount.target.split(separator: "/").first ?? ""
            if ["proc", "dev", "sys"].contains(first) { continue }
            if let tree {
                places.trees.append(tree)
                places.targets.append(KernelString(mount.target))
            } else {
                places.directories.append(KernelString(mount.target))
            }
        }
        return [.makePlaces(places)]
    }

    static func userMounts(_ configuration: ContainerConfiguration) -> [Operation] {
        zip(sorted(configuration), taking(configuration).trees).map { mount, tree in
            var attributes = mount.attributes
            if mount.readOnly { attributes |= MountAttribute.readOnly }
            if mount.noExec { attributes |= MountAttribute.noExec }
            if mount.noSetUserID { attributes |= MountAttribute.noSetUserID }
            if mount.noDevices { attributes |= MountAttribute.noDevices }
            switch mount.kind {
            case .bind(let source, _): return attach(tree ?? 0, source, mount, attributes)
            case .layers: return attach(tree ?? 0, "the image", mount, attributes | MountAttribute.readOnly)
            case .handed, .file, .scratch, .scratchHanded: return attach(tree ?? 0, mount.target, mount, attributes)
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
