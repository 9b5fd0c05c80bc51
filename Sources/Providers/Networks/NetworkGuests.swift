import Apply
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

    private var key: String { "network-guests.\(stack)/\(address)" }

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
    /// - Parameter told: what could not be done for whom.
    func bringBack(to network: NetworkSpecification, told: (String) -> Void) async throws {
        let notes = try await noted()
        guard !notes.isEmpty else { return }
        for (id, note) in notes {
            guard let container = engine.containers.container(id: id),
                !container.specification.endpoints.contains(where: { $0.network == network.id })
            else { continue }
            do {
                try await connect(container, to: network, note)
                told("connecting \(container.name) again")
            } catch {
                told("\(container.name), which was in the network, cannot be connected again: \(error)")
            }
        }
        try await write(JSONObject())
    }

    private func connect(_ container: Container, to network: NetworkSpecification, _ note: JSONValue) async throws {
        var settings = EndpointSettings(note: note, network: network)
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

    private func noted() async throws -> JSONObject {
        let (database, key) = (engine.database, key)
        let text = try await BlockingExecutor.shared.run { try database.read { try $0.value(forKey: key) } }
        return text.flatMap { try? JSONValue.parse(Array($0.utf8)) }?.objectValue ?? JSONObject()
    }

    private func write(_ notes: JSONObject) async throws {
        let (database, key) = (engine.database, key)
        let text = notes.isEmpty ? nil : JSONValue.object(notes).serialized(.compact)
        try await BlockingExecutor.shared.run { try database.write { try $0.setValue(text, forKey: key) } }
    }
}

extension EndpointSettings {
    fileprivate func note(place: EndpointSpecification?) -> JSONObject {
        var note: JSONObject = [
            "aliases": .strings(aliases), "links": .strings(links), "options": .object(.strings(driverOptions)),
            "priority": .int(Int64(gatewayPriority)),
        ]
        note["address"] = address.map { .string($0) }
        note["address6"] = address6.map { .string($0) }
        note["mac"] = macAddress.map { .string($0) }
        note["place"] = place.map { .string($0.address.description) }
        return note
    }

    /// As it was noted, but for fixed addresses that the network does not have.
    fileprivate init(note: JSONValue, network: NetworkSpecification) {
        let object = note.objectValue ?? JSONObject()
        self.init(network: network.id, aliases: note["aliases"]?.arrayValue?.compactMap(\.stringValue) ?? [])
        links = note["links"]?.arrayValue?.compactMap(\.stringValue) ?? []
        driverOptions = object.strings("options")
        gatewayPriority = note["priority"]?.intValue.flatMap { Int(exactly: $0) } ?? 0
        macAddress = note["mac"]?.stringValue
        address = note["address"]?.stringValue.flatMap { text in
            IPv4Address(text).flatMap { network.subnet.hasHost($0) ? text : nil }
        }
        address6 = network.ipv6 == nil ? nil : note["address6"]?.stringValue
    }
}
