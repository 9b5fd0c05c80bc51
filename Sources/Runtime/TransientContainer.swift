import LaunchProgram
import Linux

/// A container without a supervisor: its one process ends with whoever runs it, and nothing of it is kept.
///
/// Its parent is a `stack-init` outside, which dies with the link to us, and the container's processes with it.
package final class TransientContainer: Sendable {
    /// How the process ended.
    package struct End: Sendable, Hashable {
        /// Its exit code, 128 + n for signal n.
        package var exitCode: Int32
        /// The signal that ended it; 0: none.
        package var signal: Int32
        /// How often the kernel ended a process of the container for want of memory.
        package var outOfMemoryKills: Int64
    }

    private let link: ExecutionLink
    private let plan: ExecutionPlan
    private let group: Cgroup
    private let name: String

    init(link: ExecutionLink, plan: ExecutionPlan, group: Cgroup, name: String) {
        self.link = link
        self.plan = plan
        self.group = group
        self.name = name
    }

    /// Waits for the end of the process; all others of the container are gone then, too.
    ///
    /// - Throws: `RuntimeError.launchFailed` where the program never began, naming the operation that failed.
    package func end() async throws(RuntimeError) -> End {
        while true {
            let (message, _) = try await link.next()
            switch message {
            case .ended(let exitCode, let signal, _, _):
                let group = group
                let kills =
                    exitCode == 0
                    ? 0 : await BlockingExecutor.shared.run { (try? group.oomKills()) ?? 0 }
                return End(exitCode: exitCode, signal: signal, outOfMemoryKills: kills)
            case .failed(let failure):
                throw .launchFailed(name: name, operation: plan.program.summary(of: failure), failure: failure)
            default: continue
            }
        }
    }

    /// Ends every process; returns at once.
    package func kill() { link.close() }

    /// Waits until every process is gone, which `kill` or the end saw to.
    package func waitUntilGone() async { await link.reap() }

    /// Removes what is left of it: processes in its control group, if any, and the group.
    ///
    /// Not to be given up: call it from a task that nobody cancels.
    package func remove() async throws(RuntimeError) {
        link.close()
        await link.reap()
        let group = group
        try await RuntimeError.blocking("removing the cgroup of \(name)") { () throws(SystemError) in
            try TransientContainer.remove(group)
        }
    }

    /// Ends the processes of a group, and removes it; one that is gone is fine.
    static func remove(_ group: Cgroup) throws(SystemError) {
        do throws(SystemError) {
            try group.remove()
        } catch let error where error.errno == .EBUSY {
            try group.kill(timeout: .seconds(10))
            try group.remove()
        }
    }
}

extension ContainerRuntime {
    /// Starts a container without a supervisor; returns before its program runs.
    ///
    /// The configuration's directory has `upper`, `work` and `rootfs` in it, and `places` and `places-work` where
    /// places are to be made.
    ///
    /// - Parameters:
    ///   - networkNamespace: what it is in; nil is the host's. Borrowed.
    ///   - output: where its output goes, and its errors: descriptors of the caller, duplicated.
    ///   - handed: trees that mounts name by their place here.
    /// - Throws: `RuntimeError`; then nothing is left of it but the directory.
    package func startTransient(
        _ configuration: ContainerConfiguration, networkNamespace: SharedDescriptor?, output: SharedDescriptor,
        error: SharedDescriptor, handed: [SharedDescriptor]
    ) async throws(RuntimeError) -> TransientContainer {
        let group = try cgroup(path: configuration.cgroupPath)
        let plan = try LaunchCompiler.transient(
            of: configuration, cgroup: CgroupLayout(group), host: host, joinsNetwork: networkNamespace != nil)
        let program = program
        var descriptors: [Int32: Int32] = [1: output.raw, 2: error.raw]
        for (index, tree) in handed.enumerated() {
            descriptors[Int32(index + LaunchCompiler.handedDescriptor)] = tree.raw
        }
        let numbers = descriptors
        let link = try await RuntimeError.blocking("starting \(configuration.name)") {
            () throws(SystemError) -> ExecutionLink in
            do throws(SystemError) {
                try group.create()
                try group.apply(configuration.limits)
                if !configuration.privileged { try configuration.restrictDevices(of: group) }
                return try withExtendedLifetime((output, error, handed, networkNamespace)) {
                    () throws(SystemError) in
                    try ExecutionLink(
                        program: program.raw, plan: plan, container: networkNamespace?.raw, descriptors: numbers,
                        name: configuration.name)
                }
            } catch {
                try? group.remove()
                throw error
            }
        }
        return TransientContainer(link: link, plan: plan, group: group, name: configuration.name)
    }

    /// Ends what is in the control group of a container that an earlier process ran, and removes the group.
    package func removeTransient(cgroupPath: String) async throws(RuntimeError) {
        let group = try cgroup(path: cgroupPath)
        try await RuntimeError.blocking("removing cgroup \(cgroupPath)") { () throws(SystemError) in
            if group.exists { try group.kill(timeout: .seconds(10)) }
            try group.remove()
        }
    }
}

extension LaunchCompiler {
    /// What the parent of a container without a supervisor is told.
    static func transient(
        of configuration: ContainerConfiguration, cgroup: CgroupLayout, host: HostFacts, joinsNetwork: Bool
    ) throws(RuntimeError) -> ExecutionPlan {
        var plan = ExecutionPlan(program: try program(for: configuration, cgroup: cgroup, host: host))
        plan.cloneFlags = NamespaceFlag.mount | NamespaceFlag.uts | NamespaceFlag.pid | NamespaceFlag.ipc
        if joinsNetwork { plan.joinFlags = NamespaceFlag.network }
        plan.cgroupFiles = cgroup.entryFiles.map { KernelString($0) }
        plan.cgroupIsUnified = cgroup.isUnified
        plan.diesWithCaller = true
        return plan
    }
}
