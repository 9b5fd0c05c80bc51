import Diagnostics
import ImageStore
import LaunchProgram
import Linux
import Networking
import OCI
import Runtime

extension HostEngine {
    /// Starts a container that does not run.
    ///
    /// - Throws: `EngineError.notModified` where it runs already. Every failure undoes what was done before it.
    package func start(_ container: Container) async throws {
        while true {
            await Self.waitWhileSettling(container)
            let started = try await exclusively(container) { () -> Bool in
                // A run that has ended since holds links and ports still; they are released under this queue.
                if container.snapshot.isSettling { return false }
                try await self.startNow(container)
                return true
            }
            if started { return }
        }
    }

    /// Starts; the caller holds the container's queue.
    private func startNow(_ container: Container) async throws {
        let facts = container.snapshot
        switch facts.state.phase {
        case .running, .restarting: throw EngineError(.notModified, "container is already running")
        case .paused: throw EngineError(.conflict, "cannot start a paused container, try unpause instead")
        case .removing, .dead: throw EngineError(.conflict, "container is marked for removal and cannot be started")
        case .created, .exited: break
        }
        do {
            if !facts.state.isMade { try await complete(container) }
            let connection = try await launch(container, facts)
            await began(container, connection)
        } catch {
            let failure = Self.startFailure(error)
            container.change { facts in
                facts.state.error = failure.message
                facts.state.exitCode = failure.exitCode
                facts.state.phase = facts.state.phase == .created ? .created : .exited
            }
            await saveStatusLater(container)
            if facts.specification.autoRemove {
                // Nobody is told of a run, so nobody has output to read first.
                work.spawn { [self] in try? await remove(container, force: true, volumes: true) }
            }
            throw failure.error
        }
    }

    private static func startFailure(_ error: any Error) -> (error: EngineError, message: String, exitCode: Int32) {
        if let error = error as? RuntimeError {
            let text = "failed to create task for container: \(error)"
            let kind: EngineError.Kind = error.exitCode == 125 ? .failed : .invalid
            return (EngineError(kind, text, diagnostics: [error.diagnostic]), text, error.exitCode)
        }
        let wrapped = EngineError.wrapping(error)
        return (wrapped, wrapped.message, 128)
    }

    private func launch(_ container: Container, _ facts: Container.Facts) async throws -> SupervisorConnection {
        guard let image = try await images.resolve(facts.imageID) else {
            throw EngineError(.notFound, "No such image: \(facts.specification.image)")
        }
        // Layers and network do not know of each other: side by side.
        async let layers = layerMounts.hold(image)
        async let network = network(for: container, facts)
        let mounted: [String]
        do {
            mounted = try await layers
        } catch {
            if (try? await network) != nil { await releaseNetwork(container) }
            throw error
        }
        do {
            let namespace = try await network
            do {
                try await writeFiles(container, facts)
                let plan = try await launchConfiguration(container, facts, layers: mounted)
                let connection = try await runtime.start(plan, networkNamespace: namespace?.raw)
                // The supervisor lives in the namespace now and keeps it.
                withExtendedLifetime(namespace) {}
                return connection
            } catch {
                await releaseNetwork(container)
                throw error
            }
        } catch {
            layerMounts.release(image.id)
            throw error
        }
    }

    /// A network namespace with links, addresses, names and published ports; `nil` for the host's.
    private func network(for container: Container, _ facts: Container.Facts) async throws -> SharedDescriptor? {
        let specification = facts.specification
        if specification.networkMode == "host" { return nil }
        let namespace = try await namespaces.take(work)
        do {
            var ports = try specification.ports.map { binding throws(EngineError) in try PublishedPort(binding) }
            if specification.publishesAllPorts {
                let bound = Set(specification.ports.map(\.container))
                for port in specification.exposedPorts where !bound.contains(port) {
                    ports.append(try PublishedPort(PortBinding(container: port, hostPort: 0)))
                }
            }
            _ = try await networks.attach(containerID: container.id, netns: namespace, ports: ports)
            try await attachNames(container, namespace)
            return namespace
        } catch {
            await releaseNetwork(container)
            throw error
        }
    }

    /// Gives the container its resolver and its names to the others.
    func attachNames(_ container: Container, _ namespace: SharedDescriptor) async throws {
        let endpoints = try await networks.endpoints(containerID: container.id)
        guard !endpoints.isEmpty else { return }
        if try await names.ensureRunning() { await reattachNames(except: container.id) }
        try await names.attach(
            containerID: container.id, netns: namespace, networks: endpoints.map(\.networkID),
            forwards: try await forwards(endpoints))
        for endpoint in endpoints {
            try await names.setNames(
                containerID: container.id, networkID: endpoint.networkID, address: endpoint.address,
                names: dnsNames(container, endpoint))
        }
    }

    /// Names outside are forwarded unless every network is internal.
    func forwards(_ endpoints: [EndpointSpecification]) async throws -> Bool {
        for endpoint in endpoints {
            if let network = try await networks.network(id: endpoint.networkID), !network.isInternal { return true }
        }
        return false
    }

    /// What others on the network may call the container.
    func dnsNames(_ container: Container, _ endpoint: EndpointSpecification) -> [String] {
        let facts = container.snapshot
        var names = [facts.name, String(container.id.prefix(12))] + endpoint.aliases
        if !facts.specification.hostname.isEmpty { names.append(facts.specification.hostname) }
        var seen = Set<String>()
        return names.filter { seen.insert($0.lowercased()).inserted }
    }

    /// Takes links, ports and names away; reservations stay.
    func releaseNetwork(_ container: Container) async {
        guard container.specification.networkMode != "host" else { return }
        try? await networks.detach(containerID: container.id)
        if !container.specification.endpoints.isEmpty { try? await names.remove(containerID: container.id) }
    }

    /// Writes the files bound over `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf`.
    private func writeFiles(_ container: Container, _ facts: Container.Facts) async throws {
        let directory = configuration.containerDirectory(container.id)
        let endpoints = try await networks.endpoints(containerID: container.id)
        let specification = facts.specification
        let hostname = specification.hostname.isEmpty ? String(container.id.prefix(12)) : specification.hostname
        let gateway = try await endpoints.first.asyncFlatMap { try await networks.network(id: $0.networkID)?.gateway }
        let extra = specification.extraHosts.compactMap { Self.extraHost($0, gateway: gateway) }
        try await BlockingExecutor.shared.run {
            try Files.makeDirectories(directory, mode: 0o700)
            var resolv = (try? Files.readText("/etc/resolv.conf", limit: 65536)) ?? ""
            if specification.networkMode != "host" {
                // Names outside are asked from the host's resolvers, so that its search domains hold here as well.
                let search = ContainerFiles.searchDomains(inResolvConf: resolv)
                resolv = endpoints.isEmpty ? "" : ContainerFiles.resolvConf(search: search)
            }
            let hosts = ContainerFiles.hosts(hostname: hostname, addresses: endpoints.map(\.address), extra: extra)
            try Files.write("\(directory)/hosts", Array(hosts.utf8), mode: 0o644)
            try Files.write("\(directory)/hostname", Array(ContainerFiles.hostname(hostname).utf8), mode: 0o644)
            try Files.write("\(directory)/resolv.conf", Array(resolv.utf8), mode: 0o644)
        }
    }

    /// `name:address`; the address may be `host-gateway`.
    private static func extraHost(_ text: String, gateway: IPv4Address?) -> (address: String, name: String)? {
        let sides = text.split(separator: text.contains("=") ? "=" : ":", maxSplits: 1)
        guard sides.count == 2 else { return nil }
        if sides[1] == "host-gateway" { return gateway.map { ($0.description, String(sides[0])) } }
        let safe = sides.allSatisfy { side in side.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F } }
        return safe ? (String(sides[1]), String(sides[0])) : nil
    }

    /// Takes note of a run that began, and watches it.
    private func began(_ container: Container, _ connection: SupervisorConnection) async {
        let status = connection.status
        container.change { facts in
            facts.connection = connection
            facts.wantsToRun = true
            facts.state.phase = .running
            facts.state.error = ""
            facts.state.exitCode = 0
            facts.state.oomKilled = false
            facts.state.pid = status.pid
            facts.state.supervisorPID = connection.supervisorPID
            facts.state.startedAt = Timestamp(nanosecondsSinceEpoch: status.startedAt)
            facts.state.restartCount = 0
            facts.isSettling = false
        }
        container.notify(.started)
        await saveStatusLater(container)
        await publishUse(by: container)
        await publish("start", container, at: Timestamp(nanosecondsSinceEpoch: status.startedAt))
        // Before the watch, which ends the checks with the run.
        startHealth(container)
        watch(container, connection)
    }
}

extension Optional {
    /// `flatMap` over a function that waits.
    func asyncFlatMap<Value>(_ transform: (Wrapped) async throws -> Value?) async rethrows -> Value? {
        guard let self else { return nil }
        return try await transform(self)
    }
}

extension PublishedPort {
    /// A binding of the API as the network layer wants it.
    init(_ binding: PortBinding) throws(EngineError) {
        guard let transport = TransportProtocol(rawValue: binding.container.transport) else {
            throw EngineError(.invalid, "invalid protocol: \(binding.container.transport)")
        }
        var address: IPv4Address?
        if !binding.hostAddress.isEmpty {
            guard let parsed = IPv4Address(binding.hostAddress) else {
                throw EngineError(.invalid, "invalid host address: \(binding.hostAddress)")
            }
            address = parsed
        }
        self.init(
            hostAddress: address, hostPort: binding.hostPort, containerPort: binding.container.number,
            transport: transport)
    }
}
