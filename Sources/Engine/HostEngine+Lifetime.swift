import Builder
import ImageStore
import Linux
import Networking
import Runtime
import StateStore

extension HostEngine {
    /// Starts what is to run always and does not: the host was restarted, or the supervisor was killed.
    func startWanted(_ candidates: [Container]) async {
        // Who shares another's network, or has a link to it, can only start behind it.
        let (free, bound) = (candidates.filter { !Self.needsOthers($0) }, candidates.filter(Self.needsOthers))
        for container in free + bound where !Task.isCancelled && containers.container(id: container.id) != nil {
            let facts = container.snapshot
            guard facts.specification.restart.startsAtBoot(facts.state, wantsToRun: facts.wantsToRun) else { continue }
            do {
                try await start(container)
            } catch let error as EngineError where error.kind == .notModified {
            } catch {
                await log("container \(facts.name) cannot be started: \(error)")
            }
        }
    }

    private static func needsOthers(_ container: Container) -> Bool {
        let specification = container.specification
        return specification.networkOwner != nil || !specification.links.isEmpty
    }

    /// Looks now and then whether rules and bridges are still there, while something depends on them.
    func keepNetworkWhole() async {
        while !Task.isCancelled {
            guard (try? await EventLoop.shared.sleep(for: .seconds(10))) != nil else { return }
            guard containers.all.contains(where: { $0.state.isActive }) else { continue }
            await healNetwork()
            await keepNamesServed()
        }
    }

    /// Puts the rules back as soon as somebody flushes them or loads others.
    func watchFirewall() async {
        guard let changes = try? await networks.firewallRemovals() else { return }
        defer { changes.close() }
        while !Task.isCancelled {
            do {
                try await changes.removal()
                // Whoever loads rules removes the old ones first; what is mended then would be removed once more.
                try await EventLoop.shared.sleep(for: .milliseconds(200))
            } catch {
                // The look every ten seconds goes on.
                return
            }
            if containers.all.contains(where: { $0.state.isActive }) { await healNetwork() }
        }
    }

    private func healNetwork() async {
        do {
            let problems = try await networks.heal()
            guard !problems.isEmpty else { return }
            await log("network repaired: \(problems.map(\.description).joined(separator: ", "))")
        } catch {
            await log("the networks cannot be looked after: \(error)")
        }
    }

    /// Starts the name server again when it has ended, and tells it everything anew.
    private func keepNamesServed() async {
        guard containers.all.contains(where: { $0.state.isActive && !$0.specification.endpoints.isEmpty }) else {
            return
        }
        do {
            guard try await names.ensureRunning() else { return }
            await reattachNames(except: nil)
            await log("the name server had ended and was started again")
        } catch {
            await log("names cannot be served: \(error)")
        }
    }

    /// Ends the daemon's own work.
    ///
    /// Containers go on unless they are to stop; those are started again with the next daemon as their policy says.
    package func shutdown() async {
        if configuration.stopContainersOnExit {
            await withTaskGroup(of: Void.self) { group in
                for container in containers.all where container.state.isActive {
                    group.addTask { try? await self.stop(container, isWish: false) }
                }
            }
        }
        await events.close()
        await work.shutdown()
        await builder.shutdown()
        await buildHost.close()
        await images.finishRemovals()
        await removeIdleDefaultNetwork()
        try? await layerMounts.sweep()
        if !containers.all.contains(where: { $0.state.isActive }), containers.damaged.isEmpty {
            // One whose removal was cut short is served no more, and must not keep the name server.
            try? await names.keepOnly([])
            try? await names.shutdownIfIdle()
        }
        await writer.flush()
        await runtime.removeIdleCgroup("stackctl")
    }

    /// The default network is made when first needed, and goes when nothing is in it and the daemon ends.
    private func removeIdleDefaultNetwork() async {
        guard let network = try? await networks.networks().first(where: { $0.name == Self.defaultNetworkName }),
            let endpoints = try? await networks.endpoints(networkID: network.id), endpoints.isEmpty
        else { return }
        try? await networks.deleteNetwork(id: network.id)
    }

    /// A line for the daemon's log.
    func log(_ line: String) async { logLine(line) }
}

extension RestartSettings {
    /// Whether a container that does not run is started with the daemon.
    package func startsAtBoot(_ state: ContainerState, wantsToRun: Bool) -> Bool {
        switch name {
        case .no: false
        case .always: state.phase != .created
        case .unlessStopped: wantsToRun
        case .onFailure:
            wantsToRun && state.phase == .exited && state.exitCode != 0
                && (maximumRetryCount == 0 || state.restartCount < maximumRetryCount)
        }
    }
}
