import Linux
import Networking
import Runtime
import StateStore

extension HostEngine {
    /// Removes a container with its directory, addresses and name; anonymous volumes too where asked.
    package func remove(_ container: Container, force: Bool = false, volumes removesVolumes: Bool = false) async throws
    {
        if container.state.isActive {
            guard force else {
                throw EngineError(
                    .conflict,
                    "cannot remove container \"/\(container.name)\": container is \(container.state.phase.rawValue): stop the container before removing or force remove"
                )
            }
            container.change { $0.isLeaving = true }
            do {
                try await stop(container, signal: "KILL", timeout: 0, isWish: true, tells: false)
            } catch let error as EngineError where [.notModified, .notFound].contains(error.kind) {}
        }
        await Self.waitWhileSettling(container)
        try await container.queue.run {
            guard self.containers.container(id: container.id) === container else { return }
            guard container.connection == nil, !container.state.isActive else {
                throw EngineError(.conflict, "cannot remove container \"/\(container.name)\": it was started meanwhile")
            }
            try await self.dispose(container, volumes: removesVolumes)
        }
    }

    /// Removes a container that does not run; the caller holds its queue.
    ///
    /// One that cannot be removed is dead: it can only be removed again.
    func dispose(_ container: Container, volumes removesVolumes: Bool) async throws {
        let id = container.id
        container.change { $0.state.phase = .removing }
        // A daemon that finds it so finishes it.
        await saveStatusLater(container)
        do {
            try await runtime.delete(
                directory: configuration.containerDirectory(id), cgroupPath: cgroupPath(container))
            // What is removed with its run has left already.
            let hasLeft = container.isOnLastRun && container.state.startedAt != nil
            if !hasLeft { await releaseNetwork(container) }
            try await networks.releaseEndpoints(containerID: id)
            try await writer.commit { try $0.deleteContainer(id: id) }
        } catch {
            container.change { facts in
                facts.state.phase = .dead
                facts.state.error = "removing it failed: \(error)"
            }
            await saveStatusLater(container)
            throw error
        }
        containers.remove(container)
        executions.forget(container: id)
        if removesVolumes { await removeAnonymousVolumes(of: container) }
        container.change { $0.isRemoved = true }
        await publish("destroy", container)
        container.notify(.removed)
    }

    /// Removes the volumes made for this container alone, unless another has come to use them.
    private func removeAnonymousVolumes(of container: Container) async {
        for mount in container.specification.mounts where mount.kind == .volume && mount.isAnonymous {
            guard (try? await volumes.find(mount.source))?.isAnonymous == true else { continue }
            try? await removeVolume(mount.source)
        }
    }
}
