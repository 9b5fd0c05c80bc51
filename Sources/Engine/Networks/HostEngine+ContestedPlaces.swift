import Diagnostics
import Linux
import Networking

/// Addresses that several containers ask for: as in Docker, who has one is decided when one of them starts.
///
/// Clients rely on that: whoever makes a container anew makes the new one while the old one is still there.
extension HostEngine {
    /// Gives a container that does not run its place in a network, unless another has the address it asks for.
    func reserveUnlessTaken(_ endpoint: EndpointSettings, for container: Container) async throws {
        do {
            try await reserve(endpoint, for: container)
        } catch let error as EngineError where error.diagnostics.contains(where: { $0.code == "SC6023" }) {
            guard endpoint.address != nil || endpoint.address6 != nil else { throw error }
        }
    }

    /// Gives a container that starts the places that it does not have yet.
    ///
    /// - Throws: where a container that runs has the address.
    func reserveMissing(_ container: Container) async throws {
        let endpoints = container.specification.endpoints
        guard !endpoints.isEmpty else { return }
        let places = Set(try await networks.endpoints(containerID: container.id).map(\.networkID))
        for endpoint in endpoints where !places.contains(endpoint.network) {
            try await takeOverAddresses(endpoint)
            try await reserve(endpoint, for: container)
        }
    }

    /// Takes addresses away from containers that do not run; they get others, or try for theirs, when they start.
    private func takeOverAddresses(_ endpoint: EndpointSettings) async throws {
        let address = endpoint.address.flatMap { IPv4Address($0) }
        let address6 = endpoint.address6.flatMap { IPText.address($0) }
        guard address != nil || address6 != nil else { return }
        for place in try await networks.endpoints(networkID: endpoint.network) {
            let isWanted = place.address == address || address6 != nil && place.address6 == address6
            guard isWanted, let holder = containers.container(id: place.containerID) else { continue }
            let isIdle = holder.change { facts in
                guard !facts.arePlacesClaimed, !facts.state.isActive, !facts.isSettling else { return false }
                facts.arePlacesClaimed = true
                return true
            }
            guard isIdle else { continue }
            defer { holder.change { $0.arePlacesClaimed = false } }
            try await networks.releaseEndpoint(containerID: holder.id, networkID: endpoint.network)
        }
    }

    /// Waits until nobody takes a place away from a container that is about to start.
    func claimPlaces(_ container: Container) async {
        let claim = { @Sendable () -> Bool in
            container.change { facts in
                guard !facts.arePlacesClaimed else { return false }
                facts.arePlacesClaimed = true
                return true
            }
        }
        while !claim() { try? await EventLoop.shared.sleep(for: .milliseconds(2)) }
    }

    /// Waits for containers whose namespaces a container joins and that are being restarted at the same time.
    func waitForDonors(_ specification: ContainerSpecification) async throws {
        for donor in donors(specification) {
            while donor.snapshot.restartsUnderWay > 0 { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
        }
    }

    /// The containers whose namespaces a container joins.
    func donors(_ specification: ContainerSpecification) -> [Container] {
        let settings = specification.hostSettings
        let names = [
            specification.networkOwner, HostSettings.container(in: settings.pidMode),
            HostSettings.container(in: settings.ipcMode),
        ]
        return names.compactMap { $0 }.compactMap { try? containers.find($0) }
    }
}
