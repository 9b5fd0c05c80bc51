import ImageStore
import LaunchProgram
import Linux
import Runtime

extension HostEngine {
    /// What a start of a container would do, step by step, in words.
    package func launchSteps(_ container: Container) async throws -> [String] {
        let facts = container.snapshot
        guard let image = try await images.resolve(facts.imageID) else {
            throw EngineError.noImage(facts.specification.image)
        }
        // The steps name the directories of the layers, which are there while they are held.
        let layers = try await layerMounts.hold(image)
        defer {
            layerMounts.release(image.id)
            sweepLayersLater()
        }
        return try runtime.explain(try await launchConfiguration(container, facts, layers: layers))
    }

    /// What the runtime is told, made of the container's facts.
    func launchConfiguration(
        _ container: Container, _ facts: Container.Facts, layers: [String]
    ) async throws -> ContainerConfiguration {
        let specification = facts.specification
        let directory = configuration.containerDirectory(container.id)
        var plan = ContainerConfiguration(
            id: container.id, name: facts.name, directory: directory, lowerDirectories: layers,
            process: Self.process(specification, id: container.id), cgroupPath: cgroupPath(container))
        plan.limits = specification.limits
        plan.hostname = specification.hostname
        plan.domainname = specification.domainname
        plan.mounts = try await launchMounts(specification)
        let files = networkFilesDirectory(container.id, specification)
        plan.hostsPath = "\(files)/hosts"
        plan.hostnamePath = "\(files)/hostname"
        plan.resolvConfPath = "\(files)/resolv.conf"
        plan.readOnlyRoot = specification.readOnlyRoot
        plan.useInit = specification.usesInit
        plan.privileged = specification.isPrivileged
        plan.shmSize = specification.sharedMemoryBytes
        if specification.securityOptions.contains("seccomp=unconfined") { plan.seccomp = .unconfined }
        if !specification.isPrivileged, specification.hasOwnNetwork {
            plan.sysctls["net.ipv4.ip_unprivileged_port_start"] = "0"
        }
        plan.restart = specification.restart.forSupervisor
        plan.stopSignal = specification.stopSignal.flatMap { Signals.number(named: $0) } ?? 15
        plan.stopTimeout = .seconds(max(0, specification.stopTimeout ?? 10))
        plan.openInput = specification.openStdin
        if specification.tty { plan.terminal = TerminalConfiguration(rows: 24, columns: 80) }
        plan.log = LogConfiguration(
            path: "\(directory)/log", maximumBytes: Self.bytes(specification.logOptions["max-size"]) ?? 20 << 20,
            maximumFiles: UInt32(specification.logOptions["max-file"] ?? "") ?? 5)
        return plan
    }

    /// The process of a container.
    static func process(_ specification: ContainerSpecification, id: String) -> ProcessConfiguration {
        var process = ProcessConfiguration(
            arguments: specification.arguments, environment: environment(specification, id: id))
        process.workingDirectory = specification.workingDirectory.isEmpty ? "/" : specification.workingDirectory
        process.user = specification.user
        process.capabilities = capabilities(specification)
        process.noNewPrivileges =
            !specification.isPrivileged
            && !specification.securityOptions.contains("no-new-privileges=false")
            && !specification.securityOptions.contains("no-new-privileges:false")
        return process
    }

    /// The environment: Docker's own variables first, then what was asked for.
    static func environment(_ specification: ContainerSpecification, id: String) -> [String] {
        var defaults = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        defaults.append("HOSTNAME=\(specification.hostname.isEmpty ? String(id.prefix(12)) : specification.hostname)")
        if specification.tty { defaults.append("TERM=xterm") }
        let given = specification.environment
        let own = defaults.filter { given[String($0.prefix { $0 != "=" })] == nil }
        return own + specification.env.filter { $0.contains("=") }
    }

    private static func capabilities(_ specification: ContainerSpecification) -> [Capability] {
        func named(_ names: [String]) -> Set<Capability> { Set(names.compactMap { Capability(named: $0) }) }
        let all = Set(Capability.allCases)
        let addsAll = specification.addedCapabilities.contains { $0.uppercased() == "ALL" }
        let dropsAll = specification.droppedCapabilities.contains { $0.uppercased() == "ALL" }
        var result = specification.isPrivileged || addsAll ? all : Set(Capability.dockerDefault)
        if dropsAll { result = [] }
        result.subtract(named(specification.droppedCapabilities))
        result.formUnion(named(specification.addedCapabilities))
        return Capability.allCases.filter { result.contains($0) }
    }

    /// `20m`, `1g`, `500k` or bytes.
    static func bytes(_ text: String?) -> Int64? {
        guard let text = text?.lowercased(), let last = text.last else { return nil }
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        guard let unit = units[last] else { return Int64(text) }
        guard let number = Int64(text.dropLast()) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}
