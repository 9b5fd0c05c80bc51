import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import Networking
import StackModel
import StateStore

/// Networks of a stack: bridges of this host.
struct NetworkProvider: ResourceProvider {
    let engine: HostEngine

    var kind: ResourceKind { .network }

    func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        try BridgeAttributes.normalize(attributes)
    }

    func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass {
        // What is no longer asked for may stay as it is.
        if to == nil, ["subnet", "gateway", "subnet6", "gateway6", "name"].contains(path) { return .none }
        return path.hasPrefix("labels.") || path == "attachable" ? .live : .recreate
    }

    func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject {
        if let prior, change <= .restart { return prior.outputs }
        var outputs = JSONObject()
        if let subnet = attributes["subnet"]?.stringValue.flatMap({ Subnet($0) }) {
            outputs["subnet"] = .string(subnet.description)
            outputs["gateway"] = attributes["gateway"] ?? .string(subnet.firstHost.description)
        }
        return outputs
    }

    func preflight(_ desired: [PlannedResource]) async -> [Diagnostic] {
        var found: [Diagnostic] = []
        let gone = Set(desired.filter { $0.action == .delete || $0.action == .recreate }.compactMap(\.objectID))
        for resource in desired where resource.action == .create || resource.action == .recreate {
            if let guests = guests(of: resource) { found.append(guests) }
            guard let request = try? request(resource.stack, resource.address, id: "", resource.attributes) else {
                continue
            }
            let problems = await engine.networks.diagnose([request], without: gone)
            // A taken name is told below, with what to do about it.
            found += problems.filter { $0.code != "SC6015" }.map { $0.about(resource, path: "subnet") }
            let all = (try? await engine.networks.networks()) ?? []
            if let other = all.first(where: { $0.name == request.name && !gone.contains($0.id) }) {
                if let adoption = NetworkAdoption(other, stack: resource.stack, address: resource.address) {
                    found.append(adoption.judge(resource.attributes).about(resource))
                    continue
                }
                found.append(
                    Diagnostic(
                        code: "SC5110", summary: "the network \(other.name) exists already and is not of this stack",
                        detail: "its id is \(other.id.prefix(12))",
                        hint: "remove it with: stackctl network rm \(other.name)"
                    ).about(resource))
            }
        }
        return found
    }

    /// A note about containers of others that lose the network for a moment.
    private func guests(of resource: PlannedResource) -> Diagnostic? {
        guard resource.action == .recreate, let id = resource.objectID else { return nil }
        let guests = NetworkGuests.containers(engine, in: id, stack: resource.stack).map(\.name).sorted()
        guard !guests.isEmpty else { return nil }
        return Diagnostic(
            severity: .warning, code: "SC5112",
            summary: "containers that are not of this stack lose the network while it is made anew",
            detail: "They are connected again, with their names, and with their addresses where the network has those: "
                + guests.joined(separator: ", "),
            hint: "see to it that they ask for the names of others again"
        ).about(resource)
    }

    func observe(stack: String, recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        var result: [ResourceAddress: ObservedObject] = [:]
        let networks = try await engine.networks.observe(networks: recorded.map(\.objectID))
        for object in recorded {
            guard let seen = networks[object.objectID] else { continue }
            let specification = seen.specification
            let ours = HostNames.labels(stack: stack, object.address)
            let labels = specification.labels.filter { ours[$0.key] == nil }
            let attributes = BridgeAttributes.of(specification, labels: labels)
            result[object.address] = ObservedObject(
                specification.id, attributes: attributes, outputs: Self.outputs(specification),
                condition: seen.problems.isEmpty
                    ? .ok : .damaged(seen.problems.map(\.description).sorted().joined(separator: "; ")))
        }
        return result
    }

    func identify(stack: String, address: ResourceAddress, attributes: JSONObject) async throws -> ObjectIdentity {
        let name = HostNames.shared(stack: stack, address, attributes)
        let known = try await engine.networks.networks().first { $0.name == name }
        let adopted = known.flatMap { NetworkAdoption($0, stack: stack, address: address)?.network.id }
        return ObjectIdentity(id: try adopted ?? Random.hexID())
    }

    func create(
        stack: String, address: ResourceAddress, identity: ObjectIdentity, attributes: JSONObject,
        progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        let request = try request(stack, address, id: identity.id, attributes)
        let network = try await engine.createNetwork(request)
        // One that was there already, of another client of the same project, is this stack's from now on.
        if network.labels != request.labels || network.isAttachable != request.isAttachable {
            try await engine.networks.note(
                id: network.id, labels: request.labels, isAttachable: request.isAttachable)
        }
        try await NetworkGuests(engine: engine, stack: stack, address: address).bringBack(to: network, progress)
        return Self.outputs(network)
    }

    func update(
        stack: String, address: ResourceAddress, objectID: String, from: JSONObject, to: JSONObject,
        changes: [AttributeChange], class: ChangeClass, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        guard let network = try await engine.networks.network(id: objectID) else {
            throw EngineError.noNetwork(objectID)
        }
        // Labels somebody else put there are not ours to take away.
        let mine = Set(from.strings("labels").keys)
        let gone = Set(changes.filter { $0.to == nil }.map(\.path))
        let kept = network.labels.filter { !mine.contains($0.key) || !gone.contains("labels.\($0.key)") }
        try await engine.networks.note(
            id: objectID, labels: kept.merging(to.strings("labels")) { $1 },
            isAttachable: to["attachable"]?.boolValue ?? network.isAttachable)
        return try await current(objectID)
    }

    func delete(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject, isReplaced: Bool,
        progress: @escaping ProgressSink
    ) async throws {
        let guests = NetworkGuests(engine: engine, stack: stack, address: address)
        // One that failed to be made anew, and is taken back, is not recorded: its guests wait for the next one.
        let isRecorded = try await engine.database.reading { transaction in
            try transaction.resource(stack: stack, address: address.description)?.objectID == objectID
        }
        if isRecorded, !isReplaced { try await guests.forget() }
        guard try await engine.networks.network(id: objectID) != nil else { return }
        if isReplaced || !isRecorded { try await guests.keep(in: objectID) }
        for endpoint in try await engine.networks.endpoints(networkID: objectID) {
            guard let container = engine.containers.container(id: endpoint.containerID),
                let network = try await engine.networks.network(id: objectID)
            else { continue }
            progress(ProgressUpdate(address: address, message: "disconnecting \(container.name)"))
            try await engine.disconnect(container, from: network)
        }
        try await engine.removeNetwork(objectID)
    }

    func repair(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject,
        condition: ObjectCondition, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try await engine.networks.repairNetwork(id: objectID)
        return try await current(objectID)
    }

    private func current(_ id: String) async throws -> JSONObject {
        guard let network = try await engine.networks.network(id: id) else { throw EngineError.noNetwork(id) }
        return Self.outputs(network)
    }

    private func request(
        _ stack: String, _ address: ResourceAddress, id: String, _ attributes: JSONObject
    ) throws -> NetworkRequest {
        var request = NetworkRequest(
            id: id, name: HostNames.shared(stack: stack, address, attributes),
            labels: attributes.strings("labels").merging(HostNames.labels(stack: stack, address)) { $1 })
        BridgeAttributes.write(attributes, to: &request)
        return request
    }

    private static func outputs(_ network: NetworkSpecification) -> JSONObject {
        [
            "id": .string(network.id), "subnet": .string(network.subnet.description),
            "gateway": .string(network.gateway.description), "bridge": .string(network.bridgeName),
        ]
    }
}

extension Diagnostic {
    /// The same problem with the resource's address and line.
    func about(_ resource: PlannedResource, path: String? = nil) -> Diagnostic {
        var copy = self
        copy.address = copy.address ?? resource.address.description
        // The elements of a list have places of their own: the first one stands for it.
        let place = path.flatMap { resource.locations[$0] ?? resource.locations["\($0)[0]"] }
        copy.location = copy.location ?? place ?? resource.location
        return copy
    }
}
