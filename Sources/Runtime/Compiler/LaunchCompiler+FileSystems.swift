import LaunchProgram

/// The container's file systems, in Docker's defaults.
extension LaunchCompiler {
    private static let inert = MountAttribute.noSetUserID | MountAttribute.noDevices | MountAttribute.noExec

    static func root(_ configuration: ContainerConfiguration) -> [Operation] {
        takenTrees(configuration) + [
            .setPropagation(flags: MountPropagation.private),
            .setUmask(0),
        ] + takenImages(configuration) + places(configuration) + [
            .overlayRoot(
                lower: (configuration.makesPlacesApart ? [KernelString(configuration.placesDirectory)] : [])
                    + configuration.lowerDirectories.map { KernelString($0) },
                upper: KernelString(configuration.upperDirectory), work: KernelString(configuration.workDirectory),
                mountPoint: KernelString(configuration.mountPoint))
        ]
    }

    static func kernelFileSystems(
        _ configuration: ContainerConfiguration, _ cgroup: CgroupLayout
    ) -> [Operation] {
        let locked = configuration.privileged ? inert : inert | MountAttribute.readOnly
        let groupsLocked = configuration.writableCgroups ? inert : locked
        var operations: [Operation] = [
            mount("proc", attributes: inert, at: "/proc"),
            mount(
                "tmpfs", [MountOption("mode", "755"), MountOption("size", "65536k")],
                attributes: MountAttribute.noSetUserID, at: "/dev"),
            mount(
                "devpts",
                [
                    MountOption("newinstance"), MountOption("ptmxmode", "0666"), MountOption("mode", "0620"),
                    MountOption("gid", "5"),
                ], attributes: MountAttribute.noSetUserID | MountAttribute.noExec, at: "/dev/pts"),
            mount("mqueue", attributes: inert, at: "/dev/mqueue"),
        ]
        operations += sharedMemory(configuration)
        operations.append(mount("sysfs", attributes: locked, at: "/sys"))
        if cgroup.isUnified {
            operations.append(mount("cgroup2", attributes: groupsLocked, at: "/sys/fs/cgroup"))
        } else if !cgroup.controllers.isEmpty {
            operations.append(
                mount(
                    "tmpfs", [MountOption("mode", "755"), MountOption("size", "65536")], attributes: inert,
                    at: "/sys/fs/cgroup"))
            operations += groupTrees(cgroup, seenFromHost: configuration.namespaces.usesHostCgroups, groupsLocked)
            if groupsLocked & MountAttribute.readOnly != 0 { operations.append(.setMountReadOnly("/sys/fs/cgroup")) }
        }
        return operations
    }

    /// Without a namespace of its own a new mount would show the host's whole tree: the group's own part is bound.
    private static func groupTrees(
        _ cgroup: CgroupLayout, seenFromHost: Bool, _ attributes: UInt32
    ) -> [Operation] {
        cgroup.controllers.enumerated().map { index, controllers in
            let target = "/sys/fs/cgroup/\(controllers.joined(separator: ","))"
            guard seenFromHost, cgroup.directories.indices.contains(index) else {
                return mount(
                    "cgroup", controllers.map { MountOption(KernelString($0)) }, attributes: attributes, at: target)
            }
            return .bind(
                source: KernelString(cgroup.directories[index]), target: KernelString(target), recursive: false,
                attributes: attributes, propagation: MountPropagation.private)
        }
    }

    private static func sharedMemory(_ configuration: ContainerConfiguration) -> [Operation] {
        guard configuration.namespaces.hasSharedMemory else { return [] }
        switch configuration.namespaces.ipc {
        case .host:
            return [
                .bind(
                    source: "/dev/shm", target: "/dev/shm", recursive: false, attributes: 0,
                    propagation: MountPropagation.private)
            ]
        case .container: return [.bindFromDonor("/dev/shm")]
        case .own:
            return [
                mount(
                    "tmpfs",
                    [MountOption("mode", "1777"), MountOption("size", KernelString("\(configuration.shmSize)"))],
                    attributes: inert, at: "/dev/shm")
            ]
        }
    }

    private static func mount(
        _ type: KernelString, _ options: [MountOption] = [], attributes: UInt32, at target: String
    ) -> Operation {
        .mount(
            type: type, options: options, attributes: attributes, target: KernelString(target), followLinks: false)
    }

    static func devices(_ configuration: ContainerConfiguration) -> [Operation] {
        let given = Set(configuration.devices.map(\.path))
        let standard = DeviceConfiguration.standard.filter { !given.contains($0.path) }
        var operations: [Operation] = (standard + configuration.devices).flatMap { device -> [Operation] in
            let type = device.isBlock ? FileType.blockDevice : FileType.characterDevice
            let target = KernelString(device.path)
            let made = Operation.makeDevice(
                target: target, mode: type | (device.mode & 0o7777), major: device.major, minor: device.minor)
            if device.user == 0 && device.group == 0 { return [made] }
            return [made, .setOwner(target: target, user: device.user, group: device.group)]
        }
        let links: [(KernelString, KernelString)] = [
            ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
            ("/dev/stderr", "/proc/self/fd/2"), ("/dev/ptmx", "pts/ptmx"), ("/dev/core", "/proc/kcore"),
        ]
        operations += links.map { .makeSymbolicLink(target: $0.0, content: $0.1) }
        if let terminal = configuration.terminal { operations.append(openTerminal(terminal)) }
        return operations
    }

    static func identityFiles(_ configuration: ContainerConfiguration) -> [Operation] {
        identityMounts(configuration).map { source, target in
            .bind(
                source: source, target: target, recursive: false, attributes: 0,
                propagation: MountPropagation.private)
        }
    }

    static func identityMounts(
        _ configuration: ContainerConfiguration
    ) -> [(source: KernelString, target: KernelString)] {
        let files: [(String?, KernelString)] = [
            (configuration.hostnamePath, "/etc/hostname"), (configuration.hostsPath, "/etc/hosts"),
            (configuration.resolvConfPath, "/etc/resolv.conf"),
        ]
        return files.compactMap { source, target in source.map { (KernelString($0), target) } }
    }

    static func protection(_ configuration: ContainerConfiguration, _ host: HostFacts) -> [Operation] {
        var operations: [Operation] = configuration.sysctls.sorted { $0.key < $1.key }.map { name, value in
            // As sysctl(8): the first separator decides, so that an interface's name may have dots.
            let path = name.contains("/") ? name : name.split(separator: ".").joined(separator: "/")
            return .setKernelParameter(name: KernelString(path), value: KernelString(value))
        }
        if !configuration.privileged {
            operations += configuration.readOnlyPaths.map { .readOnlyPath(KernelString($0)) }
            let own = configuration.maskedPaths.isEmpty ? [] : host.maskedPaths
            operations += (configuration.maskedPaths + own).map { .maskPath(KernelString($0)) }
        }
        if configuration.process.workingDirectory != "/" {
            operations.append(
                .makeDirectory(target: KernelString(configuration.process.workingDirectory), mode: 0o755))
        }
        if configuration.readOnlyRoot { operations.append(.setMountReadOnly("/")) }
        return operations
    }
}
