import ImageStore
import JSONText
import Linux
import Networking
import OCI

/// What tidying up removed.
package struct PruneReport: Sendable {
    /// Ids or names, or Docker's list of what was done to images.
    package var removed: [JSONValue] = []
    /// Bytes of disk that are free again.
    package var reclaimed: Int64 = 0

    package init() {}
}

/// Tidying up.
///
/// What a stack has recorded as its own stays, used or not: removing it would only make drift.
extension HostEngine {
    /// Removes containers that do not run.
    package func pruneContainers(_ filter: FilterSet) async throws -> PruneReport {
        let until = try filter.until()
        var report = PruneReport()
        for container in containers.all where !container.state.isActive {
            let facts = container.snapshot
            guard facts.stack == nil, filter.allows(labels: facts.specification.labels) else { continue }
            if let until, facts.created >= until { continue }
            let size = (try? await sizes(container).writable) ?? 0
            guard (try? await remove(container)) != nil else { continue }
            report.removed.append(.string(container.id))
            report.reclaimed += size
        }
        await publish(.container, "prune", actor: "", ["reclaimed": "\(report.reclaimed)"])
        return report
    }

    /// Removes networks that no container is in.
    package func pruneNetworks(_ filter: FilterSet) async throws -> PruneReport {
        let until = try filter.until()
        let holdings = try await stackHoldings()
        var report = PruneReport()
        for network in try await networks.networks() where network.name != Self.defaultNetworkName {
            guard !holdings.objects.contains(network.id), filter.allows(labels: network.labels) else { continue }
            if let until, network.createdAt.map({ $0 >= until }) ?? false { continue }
            guard try await networks.endpoints(networkID: network.id).isEmpty,
                (try? await removeNetwork(network.id)) != nil
            else { continue }
            report.removed.append(.string(network.name))
        }
        await publish(.network, "prune", actor: "", ["reclaimed": "0"])
        return report
    }

    /// Removes volumes that no container mounts: those without a name of their own, or all.
    package func pruneVolumes(_ filter: FilterSet, all: Bool) async throws -> PruneReport {
        let holdings = try await stackHoldings()
        var report = PruneReport()
        for volume in try await volumes.all() where all || volume.isAnonymous {
            guard users(ofVolume: volume.name).isEmpty, !holdings.objects.contains(volume.name),
                filter.allows(labels: volume.labels)
            else { continue }
            let size = (try? await volumes.usage(volume.name)) ?? 0
            guard (try? await removeVolume(volume.name)) != nil else { continue }
            report.removed.append(.string(volume.name))
            report.reclaimed += size
        }
        await publish(.volume, "prune", actor: "", ["reclaimed": "\(report.reclaimed)"])
        return report
    }

    /// Removes images that no container is made of: those without a name, or all.
    package func pruneImages(_ filter: FilterSet) async throws -> PruneReport {
        let until = try filter.until()
        let onlyUnnamed = filter.lacks("dangling") || filter.allows("dangling", true)
        let holdings = try await stackHoldings()
        let before = try await images.diskUsage()
        var report = PruneReport()
        for image in try await images.list() {
            guard image.references.isEmpty || !onlyUnnamed, !holdings.images.contains(image.id),
                holdings.imageNames.isDisjoint(with: image.references),
                filter.allows(labels: image.config.execution.labels)
            else { continue }
            if let until, let created = Timestamp(rfc3339: image.created), created >= until { continue }
            // Asked anew for each: a container may have come to be meanwhile.
            let inUse = imagesInUse
            guard !inUse.contains(image.id),
                let removal = try? await images.remove(image.id.description, inUse: inUse, force: true)
            else { continue }
            report.removed += await self.report(removal, of: image.id).map { .object($0) }
        }
        do {
            // Layers of pulls that were cut short and not tried again.
            let rest = try await images.collectGarbage(inUse: imagesInUse, removeUntagged: false)
            report.removed += rest.layers.map { ["Deleted": .string($0.description)] }
        } catch {
            throw EngineError.image(error)
        }
        let after = try await images.diskUsage()
        report.reclaimed = max(
            0, before.layersBytes + before.blobsBytes - after.layersBytes - after.blobsBytes)
        await publish(.image, "prune", actor: "", ["reclaimed": "\(report.reclaimed)"])
        return report
    }
}
