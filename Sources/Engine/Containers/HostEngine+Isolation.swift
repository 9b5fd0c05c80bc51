import LaunchProgram
import Linux
import Runtime

extension HostEngine {
    /// Adds to a launch what a container shares with the host and with others, and gets of them.
    func isolate(_ plan: inout ContainerConfiguration, _ specification: ContainerSpecification) async throws {
        let settings = specification.hostSettings
        plan.namespaces = try namespaces(specification)
        plan.keepsCgroupParent = !settings.cgroupParent.isEmpty
        plan.ownsNetwork = specification.hasOwnNetwork
        plan.oomScoreAdjustment = settings.outOfMemoryScore
        plan.maskedPaths = settings.maskedPaths ?? ContainerConfiguration.dockerMaskedPaths
        plan.readOnlyPaths = settings.readOnlyPaths ?? ContainerConfiguration.dockerReadOnlyPaths
        plan.deviceRules = settings.deviceRules.flatMap { DeviceRule.rules(line: $0) ?? [] }
        plan.writableCgroups = (try? SecuritySettings(specification.securityOptions))?.writableCgroups ?? false
        plan.seccomp = try Self.seccomp(specification)
        if !specification.isPrivileged, specification.hasOwnNetwork {
            // What an ordinary user may do in a network of the container's own harms nobody else.
            plan.sysctls["net.ipv4.ip_unprivileged_port_start"] = "0"
            plan.sysctls["net.ipv4.ping_group_range"] = "0 2147483647"
        }
        plan.sysctls.merge(settings.sysctls) { $1 }
        let (devices, edits) = try await BlockingExecutor.shared.run { try Self.devices(specification) }
        plan.devices = devices
        plan.mounts += edits.mounts
        plan.process.environment += edits.env
        plan.process.additionalGroups += edits.groups
    }

    /// Whose namespaces the container is in.
    ///
    /// - Throws: Docker's texts for a container that does not run, or does not share.
    private func namespaces(_ specification: ContainerSpecification) throws(EngineError) -> NamespaceConfiguration {
        let settings = specification.hostSettings
        var namespaces = NamespaceConfiguration()
        namespaces.usesHostNames = settings.utsMode == "host"
        namespaces.usesHostCgroups = settings.cgroupNamespace == "host"
        namespaces.hasSharedMemory = settings.ipcMode != "none"
        if settings.pidMode == "host" { namespaces.processes = .host }
        if settings.ipcMode == "host" { namespaces.ipc = .host }
        if let name = HostSettings.container(in: settings.pidMode) {
            let donor = try donor(name, of: "PID")
            namespaces.processes = .container(directory: configuration.containerDirectory(donor.id))
        }
        if let name = HostSettings.container(in: settings.ipcMode) {
            let donor = try donor(name, of: "IPC")
            let mode = donor.specification.hostSettings.ipcMode
            guard mode == "shareable" || mode == "host" || HostSettings.container(in: mode) != nil else {
                throw EngineError(
                    .invalid,
                    "failed to join IPC namespace: container \(name): non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
                )
            }
            namespaces.ipc = .container(directory: configuration.containerDirectory(donor.id))
        }
        return namespaces
    }

    private func donor(_ name: String, of kind: String) throws(EngineError) -> Container {
        let prefix = "failed to join \(kind) namespace"
        let donor: Container
        do {
            donor = try containers.find(name)
        } catch {
            throw EngineError(.invalid, "\(prefix): \(error.message)")
        }
        switch donor.state.phase {
        case .running, .paused: return donor
        case .restarting:
            throw EngineError(
                .failed, "\(prefix): Container \(name) is restarting, wait until the container is running")
        default: throw EngineError(.failed, "\(prefix): container \(name) is not running")
        }
    }

    /// Which system calls the container's processes may make.
    static func seccomp(_ specification: ContainerSpecification) throws(EngineError) -> SeccompProfile {
        switch try SecuritySettings(specification.securityOptions).seccomp {
        case .standard: return .standard
        case .unconfined: return .unconfined
        case .profile(let text):
            let release = (try? Files.readText("/proc/sys/kernel/osrelease", limit: 256)) ?? ""
            let subject = SeccompProfileReader.Subject(
                capabilities: Set(capabilities(specification)), release: release)
            return .custom(try SeccompProfileReader.rules(text, for: subject))
        }
    }

    /// The devices a container has beside the standard ones, and what belongs to them.
    ///
    /// Blocks.
    private static func devices(
        _ specification: ContainerSpecification
    ) throws -> (devices: [DeviceConfiguration], edits: ContainerEdits) {
        let settings = specification.hostSettings
        var edits = ContainerEdits()
        if !settings.deviceRequests.isEmpty {
            let specifications = DeviceSpecifications()
            var names: [String] = []
            for request in settings.deviceRequests { names += try request.deviceNames(specifications) }
            edits = try specifications.edits(for: names)
        }
        var devices = specification.isPrivileged ? HostDevices.all() : []
        for mapping in settings.devices + edits.devices {
            // A privileged container has them all; what is not there is Docker's error only for others.
            for device in try HostDevices.devices(mapping) {
                devices.removeAll { $0.path == device.path }
                devices.append(device)
            }
        }
        return (devices, edits)
    }
}
