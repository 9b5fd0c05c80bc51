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
        sorted(configuration).compactMap { mount in
            guard case .layers(let layers) = mount.kind else { return nil }
            return .openOverlay(
                lower: layers.map { KernelString($0) }, subpath: KernelString(mount.subpath),
                scratch: KernelString(configuration.mountPoint))
        }
    }

    static func userMounts(_ configuration: ContainerConfiguration) -> [Operation] {
        let mounts = sorted(configuration)
        var nextTree: UInt32 = 0
        var nextImage = UInt32(mounts.count { if case .bind = $0.kind { true } else { false } })
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
                defer { nextImage += 1 }
                return attach(nextImage, "the image", mount, attributes | MountAttribute.readOnly)
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
