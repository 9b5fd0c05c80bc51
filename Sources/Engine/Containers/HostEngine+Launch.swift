import ImageStore
import LaunchProgram
import Linux
import Runtime

extension HostEngine {
    /// What a start of a container would do, step by step, in words.
    package func launchSteps(_ container: Container) async throws -> [String] {
        let facts = container.snapshot
        // The steps name the directories of the layers, which are there while they are held.
        return try await withLayers(of: container) { layers in
            var plan = try await launchConfiguration(container, facts, layers: layers)
            plan.mounts += Self.fileMounts(facts.specification.files.map { ($0, []) })
            return try runtime.explain(plan)
        }
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
        // In front: what the container was asked to have is stronger.
        plan.process.environment = try await linkVariables(container) + plan.process.environment
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
        try await isolate(&plan, specification)
        plan.restart = specification.restart.forSupervisor
        plan.stopSignal = specification.stopSignal.flatMap { Signals.number(named: $0) } ?? 15
        let patience = specification.stopTimeout ?? 10
        // Without end: a day is more than a host that shuts down has.
        plan.stopTimeout = .seconds(patience < 0 ? 86_400 : patience)
        plan.openInput = specification.openStdin
        if specification.tty { plan.terminal = Self.terminal(specification.hostSettings.consoleSize) }
        plan.log = Self.log(specification, path: "\(directory)/log")
        return plan
    }

    /// A terminal of the size the client said, until it says another one.
    private static func terminal(_ size: [Int64]) -> TerminalConfiguration {
        guard size.count == 2, (1...65535).contains(size[0]), (1...65535).contains(size[1]) else {
            return TerminalConfiguration()
        }
        return TerminalConfiguration(rows: Int(size[0]), columns: Int(size[1]))
    }

    /// Where output is kept.
    ///
    /// Attached clients read it there, too: without a log driver just enough is kept for them.
    private static func log(_ specification: ContainerSpecification, path: String) -> LogConfiguration {
        guard specification.hostSettings.logDriver != "none" else {
            return LogConfiguration(path: path, maximumBytes: 20 << 20, maximumFiles: 2)
        }
        return LogConfiguration(
            path: path, maximumBytes: bytes(specification.logOptions["max-size"]) ?? 20 << 20,
            maximumFiles: UInt32(specification.logOptions["max-file"] ?? "") ?? 5)
    }

    /// The process of a container.
    static func process(_ specification: ContainerSpecification, id: String) -> ProcessConfiguration {
        var process = ProcessConfiguration(
            arguments: specification.arguments, environment: environment(specification, id: id))
        process.workingDirectory = specification.workingDirectory.isEmpty ? "/" : specification.workingDirectory
        process.user = specification.user
        process.capabilities = capabilities(specification)
        process.noNewPrivileges =
            (try? SecuritySettings(specification.securityOptions))?.noNewPrivileges ?? true
        process.additionalGroups = specification.hostSettings.groups
        process.limits = specification.hostSettings.ulimits.compactMap(\.resourceLimit)
        return process
    }

    /// The environment: Docker's own variables first, then what was asked for.
    static func environment(_ specification: ContainerSpecification, id: String) -> [String] {
        var defaults = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        defaults.append("HOSTNAME=\(specification.hostname.isEmpty ? String(id.prefix(12)) : specification.hostname)")
        if specification.tty { defaults.append("TERM=xterm") }
        return specification.untouched(defaults) + specification.env.filter { $0.contains("=") }
    }

    static func capabilities(_ specification: ContainerSpecification) -> [Capability] {
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

    /// `20m`, `1.5g`, `500kb` or bytes.
    static func bytes(_ text: String?) -> Int64? {
        guard var text = text?.lowercased(), !text.isEmpty else { return nil }
        if text.hasSuffix("b") { text.removeLast() }
        let units: [Character: Double] = ["k": 0x1p10, "m": 0x1p20, "g": 0x1p30, "t": 0x1p40]
        guard let last = text.last, let unit = units[last] else { return Int64(text) }
        guard let number = Double(text.dropLast()), number >= 0 else { return nil }
        return Int64(exactly: (number * unit).rounded(.down))
    }
}
