import Diagnostics
import JSONText
import Linux
import Networking

extension HostEngine {
    /// The network containers are in when none is named.
    package static let defaultNetworkName = "bridge"

    /// A network by name, id or unambiguous start of an id.
    ///
    /// The default one is made when it is first asked for.
    package func network(named text: String) async throws -> NetworkSpecification {
        if text == "default" || text == Self.defaultNetworkName { return try await defaultNetwork() }
        return try await findNetwork(text)
    }

    private func findNetwork(_ text: String) async throws -> NetworkSpecification {
        let all = try await networks.networks()
        if let exact = all.first(where: { $0.id == text }) ?? all.first(where: { $0.name == text }) { return exact }
        let found = text.isEmpty ? [] : all.filter { $0.id.hasPrefix(text) }
        if found.count > 1 {
            throw EngineError(.invalid, "network \(text) is ambiguous (\(found.count) matches found)")
        }
        guard let network = found.first else { throw EngineError.noNetwork(text) }
        return network
    }

    private func defaultNetwork() async throws -> NetworkSpecification {
        try await defaultNetworkQueue.run {
            let name = Self.defaultNetworkName
            if let network = try await self.networks.networks().first(where: { $0.name == name }) { return network }
            return try await self.networks.createNetwork(
                NetworkRequest(
                    id: try Random.hexID(), name: name, subnet: nil, gateway: nil, isInternal: false, labels: [:],
                    mtu: nil))
        }
    }

    /// Makes a network.
    package func createNetwork(_ request: NetworkRequest) async throws -> NetworkSpecification {
        guard ObjectName.isValid(request.name) else {
            throw EngineError(.invalid, "invalid network name: \(request.name)")
        }
        guard !["host", "none", "default"].contains(request.name) else {
            throw EngineError(.forbidden, "operation is not permitted on predefined \(request.name) network")
        }
        let existing = try await networks.networks().first { $0.name == request.name }
        if let existing, existing.id == request.id { return existing }
        guard existing == nil else {
            throw EngineError(.conflict, "network with name \(request.name) already exists")
        }
        let network: NetworkSpecification
        do {
            network = try await networks.createNetwork(request)
        } catch {
            throw EngineError.wrapping(error)
        }
        await publish(.network, "create", actor: network.id, ["name": network.name, "type": "bridge"])
        return network
    }

    /// Removes a network nobody is in.
    package func removeNetwork(_ text: String) async throws {
        guard !["host", "none"].contains(text) else {
            throw EngineError(.forbidden, "\(text) is a pre-defined network and cannot be removed")
        }
        let network = try await findNetwork(text)
        let endpoints = try await networks.endpoints(networkID: network.id)
        let active = endpoints.filter { endpoint in
            containers.container(id: endpoint.containerID)?.state.isActive ?? containers.isDamaged(endpoint.containerID)
        }
        guard active.isEmpty else {
            throw EngineError(
                .forbidden,
                "error while removing network: network \(network.name) id \(network.id) has active endpoints")
        }
        for endpoint in endpoints {
            try await networks.releaseEndpoint(containerID: endpoint.containerID, networkID: network.id)
            guard let container = containers.container(id: endpoint.containerID) else { continue }
            try? await exclusively(container) {
                container.change { $0.specification.endpoints.removeAll { $0.network == network.id } }
                try await self.save(container)
            }
        }
        do {
            try await networks.deleteNetwork(id: network.id)
        } catch {
            throw EngineError.wrapping(error)
        }
        await publish(.network, "destroy", actor: network.id, ["name": network.name, "type": "bridge"])
    }

    /// Puts a container into a network, live where it runs.
    package func connect(_ container: Container, to network: NetworkSpecification, _ settings: EndpointSettings)
        async throws
    {
        try Self.requireOwnNetwork(container)
        try await exclusively(container) {
            var settings = settings
            settings.network = network.id
            guard !container.specification.endpoints.contains(where: { $0.network == network.id }) else {
                throw EngineError(
                    .forbidden, "endpoint with name \(container.name) already exists in network \(network.name)")
            }
            try await self.reserve(settings, for: container)
            do {
                if container.state.isActive {
                    let namespace = try self.namespace(of: container)
                    try await self.networks.connect(
                        containerID: container.id, networkID: network.id, netns: namespace)
                }
            } catch {
                try? await self.networks.releaseEndpoint(containerID: container.id, networkID: network.id)
                throw EngineError.wrapping(error)
            }
            let added = settings
            container.change { facts in
                if facts.specification.networkMode == "none" { facts.specification.networkMode = network.name }
                facts.specification.endpoints.append(added)
            }
            try await self.save(container)
            try await self.refreshNetworks(container)
        }
        await publish(.network, "connect", actor: network.id, ["container": container.id, "name": network.name])
    }

    /// What is done to a container in the host's network would be done to the host.
    private static func requireOwnNetwork(_ container: Container) throws(EngineError) {
        let mode = container.specification.networkMode
        guard mode != "host", !mode.hasPrefix("container:") else {
            throw EngineError(
                .invalid,
                "container sharing network namespace with another container or host cannot be connected to any other network"
            )
        }
    }

    /// Takes a container out of a network, live where it runs.
    package func disconnect(_ container: Container, from network: NetworkSpecification) async throws {
        try await exclusively(container) {
            guard container.specification.endpoints.contains(where: { $0.network == network.id }) else {
                throw EngineError(
                    .forbidden, "container \(container.id) is not connected to network \(network.name)")
            }
            let namespace = container.state.isActive ? try? self.namespace(of: container) : nil
            try await self.networks.disconnect(
                containerID: container.id, networkID: network.id, netns: namespace)
            try await self.networks.releaseEndpoint(containerID: container.id, networkID: network.id)
            container.change { $0.specification.endpoints.removeAll { $0.network == network.id } }
            try await self.save(container)
            if container.state.isActive {
                try? await self.names.removeNames(containerID: container.id, networkID: network.id)
                try await self.refreshNetworks(container)
            }
        }
        await publish(.network, "disconnect", actor: network.id, ["container": container.id, "name": network.name])
    }

    /// Tells the resolver which networks a running container is in.
    private func refreshNetworks(_ container: Container) async throws {
        guard container.state.isActive else { return }
        let endpoints = try await networks.endpoints(containerID: container.id)
        try await names.setNetworks(
            containerID: container.id, networks: endpoints.map(\.networkID), forwards: try await forwards(endpoints))
        try await refreshNames(container)
    }

    /// The network namespace of a container that runs.
    package func namespace(of container: Container) throws -> SharedDescriptor {
        let pid = container.state.supervisorPID
        guard pid > 0 else { throw EngineError.notRunning(container.id) }
        try Self.requireOwnNetwork(container)
        return SharedDescriptor(try Namespaces.open(pid, .network))
    }

    /// Docker's `Network`.
    package func inspection(_ network: NetworkSpecification) async throws -> JSONObject {
        var members = JSONObject()
        for endpoint in try await networks.endpoints(networkID: network.id) {
            guard let container = containers.container(id: endpoint.containerID), container.state.isActive else {
                continue
            }
            members[container.id] = [
                "Name": .string(container.name),
                "EndpointID": .string("\(container.id.prefix(32))\(network.id.prefix(32))"),
                "MacAddress": .string(endpoint.macAddress.description),
                "IPv4Address": .string("\(endpoint.address)/\(network.subnet.prefixLength)"), "IPv6Address": "",
            ]
        }
        return [
            "Name": .string(network.name), "Id": .string(network.id),
            "Created": .string(network.createdAt?.rfc3339 ?? ContainerState.never), "Scope": "local",
            "Driver": "bridge", "EnableIPv4": true, "EnableIPv6": false,
            "IPAM": [
                "Driver": "default", "Options": .null,
                "Config": [
                    ["Subnet": .string(network.subnet.description), "Gateway": .string(network.gateway.description)]
                ],
            ],
            "Internal": .bool(network.isInternal), "Attachable": false, "Ingress": false,
            "ConfigFrom": ["Network": ""], "ConfigOnly": false, "Containers": .object(members),
            "Options": ["com.docker.network.bridge.name": .string(network.bridgeName)],
            "Labels": .object(.strings(network.labels)),
        ]
    }

    /// Docker's list of networks, `host` and `none` among them.
    package func networkList(_ filter: FilterSet) async throws -> [JSONObject] {
        var result: [JSONObject] = []
        for network in try await networks.networks() {
            guard filter.allows("name", where: { network.name.contains($0) }),
                filter.allows("id", where: { network.id.hasPrefix($0) }),
                filter.allows("driver", where: { $0 == "bridge" }),
                filter.allows("scope", where: { $0 == "local" }), filter.allows(labels: network.labels),
                filter.allows("type", where: { $0 == (network.name == Self.defaultNetworkName ? "builtin" : "custom") })
            else { continue }
            if !filter.lacks("dangling") {
                let isUnused = try await networks.endpoints(networkID: network.id).isEmpty
                guard filter.allows("dangling", isUnused) else { continue }
            }
            var object = try await inspection(network)
            object["Containers"] = .object(JSONObject())
            result.append(object)
        }
        for (name, id) in [("host", "1"), ("none", "2")] {
            guard filter.allows("name", where: { name.contains($0) }), filter.lacks("label"), filter.lacks("id"),
                filter.allows("scope", where: { $0 == "local" }), filter.allows("type", where: { $0 == "builtin" }),
                filter.allows("dangling", false),
                filter.allows("driver", where: { $0 == (name == "none" ? "null" : "host") })
            else { continue }
            result.append([
                "Name": .string(name), "Id": .string(String(repeating: id, count: 64)),
                "Created": .string(startedAt.rfc3339), "Scope": "local",
                "Driver": .string(name == "none" ? "null" : "host"), "EnableIPv4": true, "EnableIPv6": false,
                "IPAM": ["Driver": "default", "Options": .null, "Config": .null], "Internal": false,
                "Attachable": false, "Ingress": false, "ConfigFrom": ["Network": ""], "ConfigOnly": false,
                "Containers": .object(JSONObject()), "Options": .object(JSONObject()),
                "Labels": .object(JSONObject()),
            ])
        }
        return result
    }
}
