import LaunchProgram
import Linux

extension ContainerRuntime {
    /// Starts a container; returns when the user's program runs.
    ///
    /// - Parameters:
    ///   - networkNamespace: what the container is in; nil is the host's. Borrowed.
    ///   - timeout: how long the start may take.
    /// - Throws: `RuntimeError`, naming the operation that failed. Then no process, cgroup or mount is left.
    package func start(
        _ configuration: ContainerConfiguration, networkNamespace: Int32?, timeout: Duration = .seconds(30)
    ) async throws(RuntimeError) -> SupervisorConnection {
        let group = try cgroup(path: configuration.cgroupPath)
        let plan = try LaunchCompiler.supervision(of: configuration, cgroup: CgroupLayout(group), host: host)
        if try await isSupervised(configuration.directory) { throw .alreadyRunning(name: configuration.name) }
        let prepared = try await RuntimeError.blocking("preparing container \(configuration.name)") {
            [program] () throws(SystemError) in
            try Preparation(configuration, group, plan, program.raw, networkNamespace)
        }
        do throws(RuntimeError) {
            try await waitForStart(prepared, configuration, plan, timeout)
            let opened = try await SupervisorConnection.open(
                directory: configuration.directory, name: configuration.name, child: prepared.child)
            if let opened { return opened }
            // It ended before anyone could connect: its status is on disk, and in a moment it is gone.
            _ = try? await prepared.child.exitStatus()
            guard let status = try status(directory: configuration.directory) else {
                throw .lost(name: configuration.name, doing: "starting container \(configuration.name)")
            }
            return SupervisorConnection(ended: status, directory: configuration.directory, name: configuration.name)
        } catch {
            // What another supervisor uses is not ours to undo.
            if case .alreadyRunning = error { throw error }
            await prepared.undo(group)
            throw error
        }
    }

    /// Whether a supervisor lives that will stay: one without a socket is on its way out.
    private func isSupervised(_ directory: String) async throws(RuntimeError) -> Bool {
        for _ in 0..<4000 {
            let (held, listens) = try await RuntimeError.blocking("looking at \(directory)") {
                () throws(SystemError) in
                (try Self.hasSupervisor(directory), Files.exists(directory + "/control.sock"))
            }
            if !held { return false }
            if listens { return true }
            try? await EventLoop.shared.sleep(for: .milliseconds(5))
        }
        return true
    }

    private func waitForStart(
        _ prepared: Preparation, _ configuration: ContainerConfiguration, _ plan: SupervisionPlan,
        _ timeout: Duration
    ) async throws(RuntimeError) {
        let doing = "starting container \(configuration.name)"
        let line: [UInt8]
        do {
            line = try await withTimeout(timeout) { try await prepared.readLine() }
        } catch {
            throw RuntimeError.from(error, doing: doing)
        }
        switch SupervisorMessage(decoding: line) {
        case .status: return
        case .failed(let failure):
            if failure.code == 16, failure.operation == LaunchFailure.filesStep {
                throw .alreadyRunning(name: configuration.name)
            }
            throw .launchFailed(
                name: "container \(configuration.name)", operation: plan.program.summary(of: failure),
                failure: failure)
        default: throw .lost(name: configuration.name, doing: doing)
        }
    }
}

/// What is made before the supervisor reports, and undone when it reports a failure.
private struct Preparation: Sendable {
    let child: ChildProcess
    private let ready: AsyncDescriptor
    private let made: [String]

    init(
        _ configuration: ContainerConfiguration, _ group: Cgroup, _ plan: SupervisionPlan, _ program: Int32,
        _ networkNamespace: Int32?
    ) throws(SystemError) {
        var made: [String] = []
        do throws(SystemError) {
            try Files.makeDirectories(configuration.directory, mode: 0o700)
            for path in [configuration.upperDirectory, configuration.workDirectory, configuration.mountPoint]
            where !Files.exists(path) {
                try Files.makeDirectory(path, mode: 0o755)
                made.append(path)
                // The upper directory's mode is that of the container's /, whatever this process's mask takes away.
                if path == configuration.upperDirectory { try Files.chmod(path, mode: 0o755) }
            }
            try group.create()
            try group.apply(configuration.limits)
            if !configuration.privileged { try configuration.restrictDevices(of: group) }
            let plan = try MemoryFile.sealed(name: "launch", content: plan.encoded())
            try plan.seek(0)
            let pipe = try Pipe().separate()
            // All that can fail comes before the child.
            ready = try AsyncDescriptor(try pipe.reading.duplicate())
            child = try withExtendedLifetime(pipe) { () throws(SystemError) in
                try Self.spawn(program, plan: plan.raw, ready: pipe.writing.raw, network: networkNamespace)
            }
            self.made = made
        } catch {
            try? group.remove()
            for path in made { try? Files.removeTree(path) }
            throw error
        }
    }

    private static func spawn(
        _ program: Int32, plan: Int32, ready: Int32, network: Int32?
    ) throws(SystemError) -> ChildProcess {
        var descriptors: [Int32: Int32] = [3: plan, 4: ready]
        if let network { descriptors[5] = network }
        return try Spawn.start(
            SpawnRequest(
                executable: .descriptor(program),
                arguments: ["stack-init", "supervise", "3", "4", network == nil ? "-1" : "5"],
                descriptors: descriptors, newSession: true))
    }

    /// The supervisor's one line, without its end; what there is when it ends early.
    func readLine() async throws -> [UInt8] {
        var line: [UInt8] = []
        while line.count <= ControlMessage.maximumLength {
            let piece = try await ready.read(upTo: 1024)
            if piece.isEmpty { break }
            line += piece
            if let end = line.firstIndex(of: 0x0A) { return Array(line[..<end]) }
        }
        return line
    }

    func undo(_ group: Cgroup) async {
        try? child.send(9)
        _ = try? await child.exitStatus()
        ready.close()
        try? await BlockingExecutor.shared.run { () throws(SystemError) in
            try? group.kill(timeout: .seconds(5))
            try? group.remove()
            for path in made { try? Files.removeTree(path) }
        }
    }
}

extension ContainerConfiguration {
    /// Lets the processes of a group use the devices of the configuration, and no others.
    func restrictDevices(of group: Cgroup) throws(SystemError) {
        let nodes = devices.map {
            DeviceRule(isBlock: $0.isBlock, major: $0.major, minor: $0.minor, access: $0.access)
        }
        // What is said of a device every container has replaces what it has.
        let own = DeviceRule.defaults.filter { rule in
            !nodes.contains { ($0.isBlock, $0.major, $0.minor) == (rule.isBlock, rule.major, rule.minor) }
        }
        try group.restrictDevices(to: own + nodes + deviceRules)
    }
}
