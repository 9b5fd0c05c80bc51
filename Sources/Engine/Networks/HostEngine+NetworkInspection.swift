import JSONText
import Linux
import Networking

extension HostEngine {
    /// Docker's `Network`.
    package func inspection(_ network: NetworkSpecification, withMembers: Bool = true) async throws -> JSONObject {
        var members = JSONObject()
        for endpoint in withMembers ? try await networks.endpoints(networkID: network.id) : [] {
            guard let container = containers.container(id: endpoint.containerID), container.state.isActive else {
                continue
            }
            let address6 = endpoint.address6.map { "\($0)/\(network.ipv6?.subnet.length ?? 128)" }
            members[container.id] = [
                "Name": .string(container.name),
                "EndpointID": .string(Self.endpointID(container.id, network.id)),
                "MacAddress": .string(endpoint.macAddress.description),
                "IPv4Address": .string("\(endpoint.address)/\(network.subnet.prefixLength)"),
                "IPv6Address": .string(address6 ?? ""),
            ]
        }
        let isDefault = network.name == Self.defaultNetworkName
        return [
            "Name": .string(network.name), "Id": .string(network.id),
            "Created": .string(network.createdAt?.rfc3339 ?? ContainerState.never), "Scope": "local",
            "Driver": .string(network.driver.rawValue), "EnableIPv4": true, "EnableIPv6": .bool(network.ipv6 != nil),
            "IPAM": [
                "Driver": "default", "Options": isDefault ? .null : .object(.strings(network.addressOptions)),
                "Config": .array(Self.pools(network)),
            ],
            "Internal": .bool(network.isInternal), "Attachable": .bool(network.isAttachable), "Ingress": false,
            "ConfigFrom": ["Network": ""], "ConfigOnly": false, "Containers": .object(members),
            "Options": .object(.strings(isDefault ? Self.defaultOptions(network) : network.options)),
            "Labels": .object(.strings(network.labels)),
        ]
    }

    private static func pools(_ network: NetworkSpecification) -> [JSONValue] {
        var first: JSONObject = ["Subnet": .string(network.subnet.description)]
        if let range = network.range { first["IPRange"] = .string(range.description) }
        first["Gateway"] = .string(network.gateway.description)
        if !network.auxiliary.isEmpty {
            first["AuxiliaryAddresses"] = .object(.strings(network.auxiliary.mapValues(\.description)))
        }
        guard let ipv6 = network.ipv6 else { return [.object(first)] }
        var second: JSONObject = ["Subnet": .string(ipv6.subnet.description)]
        if let range = ipv6.range { second["IPRange"] = .string(range.description) }
        second["Gateway"] = .string(ipv6.gateway.description)
        if !ipv6.auxiliary.isEmpty {
            second["AuxiliaryAddresses"] = .object(.strings(ipv6.auxiliary.mapValues(\.description)))
        }
        return [.object(first), .object(second)]
    }

    /// What Docker shows of its default network.
    private static func defaultOptions(_ network: NetworkSpecification) -> [String: String] {
        let prefix = "com.docker.network."
        return [
            prefix + "bridge.default_bridge": "true", prefix + "bridge.enable_icc": "true",
            prefix + "bridge.enable_ip_masquerade": "true", prefix + "bridge.host_binding_ipv4": "0.0.0.0",
            prefix + "bridge.name": network.bridgeName, prefix + "driver.mtu": "\(network.mtu ?? 1500)",
        ]
    }

    /// Docker's list of networks, `host` and `none` among them.
    package func networkList(_ filter: FilterSet) async throws -> [JSONObject] {
        var result: [JSONObject] = []
        for network in try await networks.networks() {
            guard filter.allows("name", where: { network.name.contains($0) }),
                filter.allows("id", where: { network.id.hasPrefix($0) }),
                filter.allows("driver", where: { $0 == network.driver.rawValue }),
                filter.allows("scope", where: { $0 == "local" }), filter.allows(labels: network.labels),
                filter.allows("type", where: { $0 == (network.name == Self.defaultNetworkName ? "builtin" : "custom") })
            else { continue }
            if !filter.lacks("dangling") {
                let isEmpty = try await networks.endpoints(networkID: network.id).isEmpty
                guard filter.allows("dangling", isEmpty && network.name != Self.defaultNetworkName) else { continue }
            }
            result.append(try await inspection(network, withMembers: false))
        }
        if try await !networks.networks().contains(where: { $0.name == Self.defaultNetworkName }),
            Self.allowsBuiltIn(Self.defaultNetworkName, id: defaultNetworkID, driver: "bridge", filter)
        {
            result.append(unmadeDefaultNetwork)
        }
        for network in PredefinedNetwork.allCases
        where Self.allowsBuiltIn(network.rawValue, id: network.id, driver: network.driver, filter) {
            result.append(inspection(network, withMembers: false))
        }
        return result
    }

    private static func allowsBuiltIn(_ name: String, id: String, driver: String, _ filter: FilterSet) -> Bool {
        filter.allows("name", where: { name.contains($0) }) && filter.lacks("label")
            && filter.allows("id", where: { id.hasPrefix($0) }) && filter.allows("scope", where: { $0 == "local" })
            && filter.allows("type", where: { $0 == "builtin" }) && filter.allows("dangling", false)
            && filter.allows("driver", where: { $0 == driver })
    }

    /// The default network before anything needs it: it is there for whoever asks, and leaves the host alone till then.
    private var unmadeDefaultNetwork: JSONObject {
        var object = inspection(.host, withMembers: false)
        object["Name"] = .string(Self.defaultNetworkName)
        object["Id"] = .string(defaultNetworkID)
        object["Driver"] = "bridge"
        return object
    }
}
