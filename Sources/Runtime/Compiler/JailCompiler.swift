import LaunchProgram

/// Compiles a jail to a launch program.
///
/// Pure.
enum JailCompiler {
    /// Who the jailed program is outside.
    enum Identity: Sendable, Hashable {
        /// Root makes the jail and gives the program a number nobody has: its files, processes and limits are its own.
        case alone(UInt32)
        /// A user makes the jail in a user namespace, where the program is that user and nobody else exists.
        case namespaced(user: UInt32, group: UInt32)
    }

    static func plan(for request: JailRequest, identity: Identity) throws(RuntimeError) -> ExecutionPlan {
        try check(request)
        var operations: [Operation] = []
        if case .namespaced(let user, let group) = identity {
            operations.append(
                .mapIdentity(insideUser: user, outsideUser: user, insideGroup: group, outsideGroup: group))
        }
        // Whatever is mounted on /sys can hide nothing that is bound: nobody gives a jail a path below it.
        operations += [
            .setPropagation(flags: MountPropagation.slave), .setUmask(0),
            .temporaryRoot(sizeBytes: 1 << 20, mountPoint: "/sys"),
        ]
        operations += paths(request)
        operations += [.setMountReadOnly("/"), .pivotRoot, .setHostname("jail")]
        operations += limits(request.limits)
        operations.append(.changeDirectory(KernelString(request.workingDirectory)))
        operations += [.limitCapabilities(0), .setNoNewPrivileges]
        switch identity {
        case .alone(let number): operations.append(.setIdentity(user: number, group: number))
        case .namespaced(let user, let group): operations.append(.setIdentity(user: user, group: group))
        }
        if request.seccomp == .standard {
            operations.append(.installFilter(SeccompFilter.standard(capabilities: [])))
        }
        let highest = request.descriptors.keys.max() ?? 5
        operations += [
            .setUmask(0o077), .closeDescriptors(from: UInt32(max(highest, 5)) + 1),
            .execute(
                program: KernelString(request.executable), arguments: request.arguments.map { KernelString($0) },
                environment: request.environment.map { KernelString($0) }, reaper: false),
        ]
        var plan = ExecutionPlan(program: LaunchProgram(operations: operations))
        plan.cloneFlags =
            NamespaceFlag.mount | NamespaceFlag.pid | NamespaceFlag.uts | NamespaceFlag.ipc | NamespaceFlag.network
        if case .namespaced = identity { plan.cloneFlags |= NamespaceFlag.user }
        plan.timeLimit = UInt64(max(request.limits.wallTime.wholeMilliseconds, 0))
        plan.diesWithCaller = true
        return plan
    }

    private static func check(_ request: JailRequest) throws(RuntimeError) {
        try ConfigurationCheck.absolute(request.executable, field: "jailed program")
        try ConfigurationCheck.absolute(request.workingDirectory, field: "working directory")
        for path in request.readOnlyPaths + request.writablePaths {
            try ConfigurationCheck.absolute(path.source, field: "jail path")
            try ConfigurationCheck.absolute(path.target, field: "jail path")
        }
        if let number = request.descriptors.keys.first(where: { $0 < 6 }) {
            throw .invalid(field: "jail descriptor", reason: "\(number) is taken; 6 is the first free one")
        }
    }

    private static func paths(_ request: JailRequest) -> [Operation] {
        let inert = MountAttribute.noSetUserID | MountAttribute.noDevices
        let null: UInt32 = MountAttribute.noSetUserID | MountAttribute.noExec
        var binds: [(target: String, operation: Operation)] = ["/dev/null", "/dev/urandom"].map {
            ($0, bind(JailRequest.Path($0), null))
        }
        for path in request.readOnlyPaths { binds.append((path.target, bind(path, inert | MountAttribute.readOnly))) }
        for path in request.writablePaths { binds.append((path.target, bind(path, inert))) }
        if request.tmpBytes > 0 {
            let options = [MountOption("mode", "1777"), MountOption("size", KernelString("\(request.tmpBytes)"))]
            let tmp = Operation.mount(
                type: "tmpfs", options: options, attributes: inert | MountAttribute.noExec, target: "/tmp",
                followLinks: false)
            binds.append(("/tmp", tmp))
        }
        if request.mountProc {
            let proc = Operation.mount(
                type: "proc", options: [], attributes: inert | MountAttribute.noExec, target: "/proc",
                followLinks: false)
            binds.append(("/proc", proc))
        }
        let depth = { (target: String) in target.split(separator: "/").count }
        return binds.enumerated().sorted {
            (depth($0.element.target), $0.offset) < (depth($1.element.target), $1.offset)
        }.map { $0.element.operation }
    }

    private static func bind(_ path: JailRequest.Path, _ attributes: UInt32) -> Operation {
        .bind(
            source: KernelString(path.source), target: KernelString(path.target), recursive: true,
            attributes: attributes, propagation: MountPropagation.private)
    }

    private static func limits(_ limits: JailRequest.Limits) -> [Operation] {
        var operations: [Operation] = []
        func limit(_ kind: ResourceLimit.Kind, _ value: Int64) {
            let value = UInt64(max(value, 0))
            operations.append(.setLimit(resource: kind.rawValue, soft: value, hard: value))
        }
        if limits.memoryBytes > 0 { limit(.as, limits.memoryBytes) }
        if limits.cpuSeconds > 0 { limit(.cpu, limits.cpuSeconds) }
        if limits.processes > 0 { limit(.nproc, limits.processes) }
        if limits.openFiles > 0 { limit(.nofile, limits.openFiles) }
        limit(.fsize, limits.fileBytes)
        limit(.core, 0)
        return operations
    }
}
