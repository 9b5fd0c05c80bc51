import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import Networking
import StackModel
import StateStore

/// Containers in a network of a stack that are not of the stack: they are in it again once it has been made anew.
///
/// They are written down before they are disconnected, so that a crash between the two loses none.
struct NetworkGuests: Sendable {
    let engine: HostEngine
    let stack: String
    let address: ResourceAddress

    private var note: StoredNote {
        StoredNote(database: engine.database, key: "network-guests.\(stack)/\(address)")
    }

    /// The containers of others in a network.
    static func containers(_ engine: HostEngine, in networkID: String, stack: String) -> [Container] {
        engine.containers.all.filter { container in
            let facts = container.snapshot
            return facts.stack != stack && ![.removing, .dead].contains(facts.state.phase)
                && facts.specification.endpoints.contains { $0.network == networkID }
        }
    }

    /// Takes note of the containers of others in a network that is about to be made anew.
    func keep(in networkID: String) async throws {
        var notes = try await noted()
        let places = try await engine.networks.endpoints(networkID: networkID)
        for container in Self.containers(engine, in: networkID, stack: stack) {
            guard let endpoint = container.specification.endpoints.first(where: { $0.network == networkID }) else {
                continue
            }
            notes[container.id] = .object(
                endpoint.note(place: places.first { $0.containerID == container.id }))
        }
        try await write(notes)
    }

    /// Connects those that were noted with the network that has been made, with their names, and with their addresses where
    /// it has those.
    ///
    /// Who cannot be connected is told of, and stays noted for the next time.
    func bringBack(to network: NetworkSpecification, _ progress: ProgressSink) async throws {
        for (id, note) in try await noted() {
            try Task.checkCancellation()
            if let container = engine.containers.container(id: id),
                !container.specification.endpoints.contains(where: { $0.network == network.id })
            {
                do {
                    try await connect(container, to: network, note)
                    progress(ProgressUpdate(address: address, message: "connecting \(container.name) again"))
                } catch {
                    try Task.checkCancellation()
                    progress(ProgressUpdate(address: address, warning: refused(container, network, error)))
                    continue
                }
            }
            var left = try await noted()
            left[id] = nil
            try await write(left)
        }
    }

    /// The network is deleted for good: nobody waits for the next one.
    func forget() async throws { try await note.write(nil) }

    private func refused(_ container: Container, _ network: NetworkSpecification, _ error: any Error) -> Diagnostic {
        Diagnostic(
            severity: .warning, code: "SC5113",
            summary: "\(container.name), which was in the network, cannot be connected again",
            detail: "\(error)",
            hint: "connect it with: stackctl network connect \(network.name) \(container.name)",
            address: address.description)
    }

    private func connect(_ container: Container, to network: NetworkSpecification, _ note: JSONValue) async throws {
        guard var settings = EndpointSettings(note: note, network: network) else { return }
        let had = note["place"]?.stringValue.flatMap { IPv4Address($0) }
        if settings.address == nil, let had, network.subnet.hasHost(had) {
            // Whoever keeps its address need not be looked up again; who cannot have it gets another one.
            _ = try? await engine.networks.reserveEndpoint(
                EndpointRequest(
                    containerID: container.id, networkID: network.id, address: had, aliases: settings.aliases))
        }
        do {
            try await engine.connect(container, to: network, settings)
        } catch  where settings.address != nil || settings.address6 != nil {
            settings.address = nil
            settings.address6 = nil
            try await engine.connect(container, to: network, settings)
        }
    }

    private func noted() async throws -> JSONObject { try await note.read()?.objectValue ?? JSONObject() }

    private func write(_ notes: JSONObject) async throws {
        try await note.write(notes.isEmpty ? nil : .object(notes))
    }
}

extension EndpointSettings {
    /// As a container's attributes have it, and what those do not have.
    fileprivate func note(place: EndpointSpecification?) -> JSONObject {
        var note = attributes
        note["links"] = .strings(links)
        note["place"] = place.map { .string($0.address.description) }
        return note
    }

    /// As it was noted, but for fixed addresses that the network does not have.
    fileprivate init?(note: JSONValue, network: NetworkSpecification) {
        var attributes = note.objectValue ?? JSONObject()
        attributes["network"] = .string(network.id)
        self.init(attributes: .object(attributes))
        links = note["links"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if let fixed = address.flatMap({ IPv4Address($0) }), !network.subnet.hasHost(fixed) { address = nil }
        if network.ipv6 == nil { address6 = nil }
    }
}
