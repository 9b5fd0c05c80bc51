import LaunchProgram
import Linux

/// Compiles configurations to launch programs.
///
/// Pure: nothing is looked at, nothing is touched.
package enum LaunchCompiler {
    /// What a container's first process does before it is the user's.
    ///
    /// - Throws: `RuntimeError.invalid`, naming the field.
    package static func program(
        for configuration: ContainerConfiguration, cgroup: CgroupLayout, host: HostFacts = HostFacts()
    ) throws(RuntimeError) -> LaunchProgram {
        try ConfigurationCheck.check(configuration)
        var operations: [Operation] = [.joinCgroups(cgroup.entryFiles.map { KernelString($0) })]
        if !configuration.namespaces.usesHostCgroups {
            operations.append(.unshare(flags: UInt32(NamespaceFlag.cgroup)))
        }
        // Always: what the daemon's service manager gave the daemon is not the container's.
        operations.append(.setOutOfMemoryScore(configuration.oomScoreAdjustment))
        operations += root(configuration)
        operations += kernelFileSystems(configuration, cgroup)
        operations += devices(configuration)
        operations += identityFiles(configuration)
        operations += userMounts(configuration)
        operations += protection(configuration, host)
        operations.append(.pivotRoot)
        operations += names(configuration)
        operations += try process(
            configuration.process, host, privileged: configuration.privileged, seccomp: configuration.seccomp,
            reaper: configuration.useInit)
        return LaunchProgram(operations: operations)
    }

    private static func names(_ configuration: ContainerConfiguration) -> [Operation] {
        if configuration.namespaces.usesHostNames { return [] }
        let hostname = configuration.hostname.isEmpty ? String(configuration.id.prefix(12)) : configuration.hostname
        var operations: [Operation] = [.setHostname(KernelString(hostname))]
        if !configuration.domainname.isEmpty {
            operations.append(.setDomainname(KernelString(configuration.domainname)))
        }
        return operations
    }

    /// What the container's supervisor is told.
    package static func supervision(
        of configuration: ContainerConfiguration, cgroup: CgroupLayout, host: HostFacts = HostFacts()
    ) throws(RuntimeError) -> SupervisionPlan {
        var plan = SupervisionPlan(
            directory: KernelString(configuration.directory),
            program: try program(for: configuration, cgroup: cgroup, host: host))
        share(configuration.namespaces, in: &plan)
        plan.cgroupFiles = cgroup.entryFiles.map { KernelString($0) }
        plan.cgroupIsUnified = cgroup.isUnified
        plan.keepsGroupAbove = configuration.keepsCgroupParent
        plan.ownsNetwork = configuration.ownsNetwork
        plan.memoryEvents = KernelString(cgroup.memoryEvents ?? "")
        plan.restart = configuration.restart
        plan.stopSignal = configuration.stopSignal
        plan.stopTimeout = UInt32(clamping: configuration.stopTimeout.wholeMilliseconds)
        plan.log = KernelString(configuration.log.path ?? "")
        plan.logMaximumBytes = UInt64(max(configuration.log.maximumBytes, 0))
        plan.logMaximumFiles = min(max(configuration.log.maximumFiles, 1), 1000)
        plan.openInput = configuration.openInput
        plan.terminal = configuration.terminal != nil
        return plan
    }

    private static func share(_ namespaces: NamespaceConfiguration, in plan: inout SupervisionPlan) {
        plan.cloneFlags = NamespaceFlag.mount | (namespaces.usesHostNames ? 0 : NamespaceFlag.uts)
        plan.killsGroup = namespaces.processes != .own
        for (source, flag) in [(namespaces.processes, NamespaceFlag.pid), (namespaces.ipc, NamespaceFlag.ipc)] {
            switch source {
            case .own: plan.cloneFlags |= flag
            case .host: break
            case .container(let directory):
                plan.donations.append(NamespaceDonation(flags: flag, directory: KernelString(directory)))
            }
        }
    }

    /// What a process executed in a running container does.
    package static func execution(
        of configuration: ExecConfiguration, cgroup: CgroupLayout, host: HostFacts = HostFacts()
    ) throws(RuntimeError) -> ExecutionPlan {
        try ConfigurationCheck.check(configuration.process)
        var operations: [Operation] = [.joinCgroups(cgroup.entryFiles.map { KernelString($0) })]
        if let terminal = configuration.terminal { operations.append(openTerminal(terminal)) }
        operations += try process(
            configuration.process, host, privileged: configuration.privileged, seccomp: configuration.seccomp,
            reaper: false)
        var plan = ExecutionPlan(program: LaunchProgram(operations: operations))
        plan.joinFlags =
            NamespaceFlag.mount | NamespaceFlag.pid | NamespaceFlag.uts | NamespaceFlag.ipc | NamespaceFlag.network
            | NamespaceFlag.cgroup
        plan.cgroupFiles = cgroup.entryFiles.map { KernelString($0) }
        plan.cgroupIsUnified = cgroup.isUnified
        plan.outOfMemoryScore = configuration.oomScoreAdjustment
        return plan
    }

    /// The last steps, in the order that keeps each possible: identity after everything that needs root, the filter
    /// where it still may be installed.
    static func process(
        _ process: ProcessConfiguration, _ host: HostFacts, privileged: Bool, seccomp: SeccompProfile, reaper: Bool
    ) throws(RuntimeError) -> [Operation] {
        let capabilities = Capability.mask(privileged ? Capability.allCases : process.capabilities)
        let noNewPrivileges = process.noNewPrivileges
        var limits = process.limits
        // Always: what the daemon raised for itself is not the container's.
        if !limits.contains(where: { $0.kind == .nofile }) {
            limits.append(ResourceLimit(.nofile, soft: host.openFiles, hard: host.openFiles))
        }
        var operations: [Operation] = limits.map {
            .setLimit(resource: $0.kind.rawValue, soft: $0.soft, hard: $0.hard)
        }
        operations.append(.changeDirectory(KernelString(process.workingDirectory)))
        operations.append(.limitCapabilities(capabilities))
        let filter = try Self.filter(seccomp, process, privileged: privileged)
        // Without no_new_privs only root may install a filter: then it comes before root is given up.
        if noNewPrivileges { operations.append(.setNoNewPrivileges) } else { operations += filter }
        operations.append(
            .setUser(
                specification: KernelString(process.user),
                supplementary: process.additionalGroups.map { KernelString($0) }, keep: capabilities))
        if noNewPrivileges { operations += filter }
        operations.append(.setUmask(process.umask))
        operations.append(.closeDescriptors(from: 3))
        operations.append(
            .execute(
                program: KernelString(process.arguments.first ?? ""),
                arguments: process.arguments.map { KernelString($0) },
                environment: process.environment.map { KernelString($0) }, reaper: reaper))
        return operations
    }

    private static func filter(
        _ profile: SeccompProfile, _ process: ProcessConfiguration, privileged: Bool
    ) throws(RuntimeError) -> [Operation] {
        switch profile {
        case .unconfined: []
        case .custom(let rules): [.installFilter(try SeccompFilter.custom(rules))]
        case .standard:
            privileged ? [] : [.installFilter(SeccompFilter.standard(capabilities: Set(process.capabilities)))]
        }
    }

    static func openTerminal(_ terminal: TerminalConfiguration) -> Operation {
        .openTerminal(rows: UInt32(clamping: terminal.rows), columns: UInt32(clamping: terminal.columns))
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var wholeMilliseconds: Int64 {
        components.seconds.multipliedReportingOverflow(by: 1000).partialValue
            + components.attoseconds / 1_000_000_000_000_000
    }
}
