import JSONText
import LaunchProgram
import Linux
import Networking
import OCI
import Runtime
import StateStore

/// What `POST /containers/{id}/update` can change.
package struct ContainerUpdate: Sendable, Hashable {
    /// New limits; absent ones stay.
    package var limits: CgroupLimits?
    /// A new restart policy.
    package var restart: RestartSettings?

    /// An update.
    package init(limits: CgroupLimits? = nil, restart: RestartSettings? = nil) {
        self.limits = limits
        self.restart = restart
    }
}

extension HostEngine {
    /// Gives a container another name.
    package func rename(_ container: Container, to asked: String) async throws {
        let name = asked.hasPrefix("/") ? String(asked.dropFirst()) : asked
        guard ObjectName.isValid(name), name.utf8.count > 1 else {
            throw EngineError(
                .invalid,
                "Error when allocating new name: Invalid container name (/\(name)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            )
        }
        try await exclusively(container) {
            let old = container.name
            guard old != name else {
                throw EngineError(.invalid, "Renaming a container with the same name as its current name")
            }
            do throws(EngineError) {
                try self.containers.reserve(name: name, id: container.id)
            } catch {
                throw EngineError(error.kind, "Error when allocating new name: \(error.message)")
            }
            container.change { $0.name = name }
            do {
                let row = container.row
                try await self.writer.commit { try $0.save(row) }
            } catch {
                container.change { $0.name = old }
                self.containers.release(name: name, id: container.id)
                throw EngineError.wrapping(error)
            }
            self.containers.release(name: old, id: container.id)
            try await self.refreshNames(container)
            await self.publish("rename", container, ["oldName": "/\(old)"])
        }
    }

    /// Changes limits and restart policy, live where it runs.
    package func update(_ container: Container, _ update: ContainerUpdate) async throws {
        try await exclusively(container) {
            try Self.check(update, of: container.specification)
            // The limits first: they may be refused, and then nothing is changed.
            if let limits = update.limits {
                if container.state.isActive {
                    try await self.runtime.update(
                        limits: limits, from: container.specification.limits, cgroupPath: self.cgroupPath(container))
                }
                container.change { $0.specification.limits = limits }
            }
            if let restart = update.restart {
                if let connection = container.connection {
                    try await self.tolerant { try await connection.setRestartPolicy(restart.forSupervisor) }
                }
                container.change { $0.specification.restart = restart }
            }
            try await self.save(container)
        }
        await publish("update", container)
    }

    /// Docker's rules for what can be changed.
    package static func check(_ update: ContainerUpdate, of specification: ContainerSpecification) throws(EngineError) {
        if let restart = update.restart, restart.name != .no, specification.autoRemove {
            throw EngineError(
                .conflict, "Restart policy cannot be updated because AutoRemove is enabled for the container")
        }
        if let limits = update.limits, let memory = limits.memoryBytes, let swap = limits.memorySwapBytes, swap > 0,
            memory > swap
        {
            throw EngineError(
                .conflict,
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
            )
        }
    }

    /// Changes published ports, live where it runs.
    package func setPorts(_ container: Container, _ ports: [PortBinding]) async throws {
        try await exclusively(container) {
            if container.state.isActive {
                let published = try ports.map { binding throws(EngineError) in try PublishedPort(binding) }
                _ = try await self.networks.setPorts(containerID: container.id, ports: published)
                try await self.refreshRelays(container)
            }
            container.change { facts in
                facts.specification.ports = ports
                for port in ports.map(\.container) where !facts.specification.exposedPorts.contains(port) {
                    facts.specification.exposedPorts.append(port)
                }
            }
            try await self.save(container)
        }
        await publish("update", container)
    }

    /// Lets one container's published ports lead to another one; no connection that is begun meanwhile is refused.
    ///
    /// - Parameters:
    ///   - remaining: the ports that the first one keeps.
    ///   - ports: those that the second one has from now on.
    package func movePorts(
        from old: Container, keeping remaining: [PortBinding], to new: Container, ports: [PortBinding]
    ) async throws {
        guard old.state.isActive, new.state.isActive else {
            try await setPorts(old, remaining)
            return try await setPorts(new, ports)
        }
        try await exclusively(old) {
            try await self.exclusively(new) {
                func published(_ container: Container, _ ports: [PortBinding]) async throws -> [PublishedPort] {
                    var specification = container.specification
                    specification.ports = ports
                    return try await self.publishedPorts(specification)
                }
                try await self.networks.movePorts(
                    from: old.id, keeping: try await published(old, remaining), to: new.id,
                    ports: try await published(new, ports))
                old.change { $0.specification.ports = remaining }
                new.change { facts in
                    facts.specification.ports = ports
                    for port in ports.map(\.container) where !facts.specification.exposedPorts.contains(port) {
                        facts.specification.exposedPorts.append(port)
                    }
                }
                try await self.refreshRelays(old)
                try await self.refreshRelays(new)
                try await self.save(old)
                try await self.save(new)
            }
        }
        for container in [old, new] { await publish("update", container) }
    }

    /// Changes what the engine alone looks at: labels, health check, stop signal and time-out.
    package func setSettings(
        _ container: Container, labels: [String: String], healthcheck: Healthcheck?, stopSignal: String?,
        stopTimeout: Int?
    ) async throws {
        try await exclusively(container) {
            let before = container.specification.healthcheck
            container.change { facts in
                facts.specification.labels = labels
                facts.specification.healthcheck = healthcheck
                facts.specification.stopSignal = stopSignal
                facts.specification.stopTimeout = stopTimeout
            }
            try await self.save(container)
            if before != healthcheck, container.state.phase == .running {
                self.stopHealth(container)
                self.startHealth(container)
            }
        }
        await publish("update", container)
    }

    func save(_ container: Container) async throws {
        let row = container.row
        try await writer.commit { try $0.save(row) }
    }

    /// Waits for an end, as `POST /containers/{id}/wait`.
    package enum WaitCondition: String, Sendable {
        case notRunning = "not-running"
        case nextExit = "next-exit"
        case removed
    }

    /// Subscribes to an end; the returned function waits for it and gives the exit code.
    package func wait(_ container: Container, for condition: WaitCondition) -> @Sendable () async -> Int32 {
        let ((state, isRemoved), changes) = container.observe { ($0.state, $0.isRemoved) }
        return {
            if isRemoved { return state.exitCode }
            if condition == .notRunning, !state.isActive { return state.exitCode }
            var code = state.exitCode
            for await change in changes {
                switch change {
                case .exited(let exit, let isFinal):
                    code = exit
                    if condition == .nextExit || condition == .notRunning && isFinal { return code }
                case .removed: return code
                case .started, .settled, .health, .detached: break
                }
            }
            return code
        }
    }

    /// Waits until no run of the container is left: for followers of its log.
    package func waitUntilEnded(_ container: Container) async {
        let (active, changes) = container.observe(\.state.isActive)
        guard active else { return }
        for await change in changes {
            switch change {
            case .exited(_, true), .removed: return
            default: break
            }
        }
    }
}

extension RestartSettings {
    /// The policy in the supervisor's terms.
    var forSupervisor: RestartPolicy {
        switch name {
        case .no: .never
        case .always: .always
        case .onFailure: .onFailure(maximumRetries: UInt32(clamping: maximumRetryCount))
        case .unlessStopped: .unlessStopped
        }
    }
}
