import JSONText
import Linux
import Networking

extension HostEngine {
    /// Docker's `NetworkSettings`.
    func networkSettings(_ container: Container, _ facts: Container.Facts) async throws -> JSONObject {
        var settings = JSONObject()
        let hasSandbox = facts.state.isActive && facts.specification.networkOwner == nil
        settings["Bridge"] = ""
        settings["SandboxID"] = .string(hasSandbox ? container.id : "")
        settings["SandboxKey"] = .string(hasSandbox ? "/proc/\(facts.state.supervisorPID)/ns/net" : "")
        settings["Ports"] = .object(hasSandbox ? try await ports(container) : JSONObject())
        settings["HairpinMode"] = false
        settings["LinkLocalIPv6Address"] = ""
        settings["LinkLocalIPv6PrefixLen"] = 0
        settings["SecondaryIPAddresses"] = .null
        settings["SecondaryIPv6Addresses"] = .null
        let networks = try await endpointObjects(container, facts)
        // Versions before 1.52 repeat the default network's address here.
        let first = networks[Self.defaultNetworkName]?.objectValue
        for name in ["EndpointID", "Gateway", "GlobalIPv6Address", "IPAddress", "IPv6Gateway", "MacAddress"] {
            settings[name] = first?[name] ?? ""
        }
        settings["IPPrefixLen"] = first?["IPPrefixLen"] ?? 0
        settings["GlobalIPv6PrefixLen"] = first?["GlobalIPv6PrefixLen"] ?? 0
        settings["Networks"] = .object(networks)
        return settings
    }

    /// Docker's `Ports`: `{"80/tcp": [{"HostIp", "HostPort"}]}`, null for what is only exposed.
    private func ports(_ container: Container) async throws -> JSONObject {
        var object = JSONObject()
        for port in container.specification.exposedPorts.sorted() { object[port.description] = .null }
        for port in try await networks.publishedPorts(containerID: container.id) {
            let key = "\(port.containerPort)/\(port.transport.rawValue)"
            let entry: JSONValue = [
                "HostIp": .string(port.hostAddressText), "HostPort": .string(String(port.hostPort)),
            ]
            object[key] = .array((object[key]?.arrayValue ?? []) + [entry])
        }
        return object
    }

    /// Docker's `Networks`: by name, for `host` and `none` too.
    func endpointObjects(_ container: Container, _ facts: Container.Facts) async throws -> JSONObject {
        if let network = PredefinedNetwork(rawValue: facts.specification.networkMode),
            facts.specification.endpoints.isEmpty
        {
            var object = Self.emptyEndpoint
            if facts.state.isActive {
                object["EndpointID"] = .string(Self.endpointID(container.id, network.id))
                object["NetworkID"] = .string(network.id)
            }
            return JSONObject([(network.rawValue, .object(object))])
        }
        var object = JSONObject()
        let places = try await networks.endpoints(containerID: container.id)
        for endpoint in places {
            guard let network = try await networks.network(id: endpoint.networkID) else { continue }
            let settings = facts.specification.endpoints.first { $0.network == endpoint.networkID }
            let names = network.name == Self.defaultNetworkName ? [] : dnsNames(container, endpoint)
            object[network.name] = .object(
                Self.endpoint(endpoint, network, active: facts.state.isActive, settings: settings, names: names))
        }
        // Whose addresses another has until it starts.
        for settings in facts.specification.endpoints
        where !places.contains(where: { $0.networkID == settings.network }) {
            guard let network = try await networks.network(id: settings.network) else { continue }
            var waiting = Self.emptyEndpoint
            waiting["IPAMConfig"] = settings.fixedAddresses
            waiting["Aliases"] = .strings(orNull: settings.aliases.isEmpty ? nil : settings.aliases)
            waiting["NetworkID"] = .string(network.id)
            object[network.name] = .object(waiting)
        }
        return object
    }

    private static let emptyEndpoint: JSONObject = [
        "IPAMConfig": .null, "Links": .null, "Aliases": .null, "MacAddress": "", "DriverOpts": .null,
        "GwPriority": 0, "NetworkID": "", "EndpointID": "", "Gateway": "", "IPAddress": "", "IPPrefixLen": 0,
        "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "DNSNames": .null,
    ]

    private static func endpoint(
        _ endpoint: EndpointSpecification, _ network: NetworkSpecification, active: Bool,
        settings: EndpointSettings?, names: [String]
    ) -> JSONObject {
        var object = emptyEndpoint
        object["IPAMConfig"] = settings?.fixedAddresses ?? .null
        object["Links"] = .strings(orNull: settings.flatMap { $0.links.isEmpty ? nil : $0.links })
        object["Aliases"] = .strings(orNull: endpoint.aliases.isEmpty ? nil : endpoint.aliases)
        if let options = settings?.driverOptions, !options.isEmpty {
            object["DriverOpts"] = .object(.strings(options))
        }
        object["GwPriority"] = .int(Int64(endpoint.gatewayPriority))
        object["NetworkID"] = .string(network.id)
        object["DNSNames"] = .strings(orNull: names.isEmpty ? nil : names)
        guard active else { return object }
        object["MacAddress"] = .string(endpoint.macAddress.description)
        object["EndpointID"] = .string(endpointID(endpoint.containerID, network.id))
        object["Gateway"] = .string(network.isInternal ? "" : network.gateway.description)
        object["IPAddress"] = .string(endpoint.address.description)
        object["IPPrefixLen"] = .int(Int64(network.subnet.prefixLength))
        if let ipv6 = network.ipv6, let address6 = endpoint.address6 {
            object["IPv6Gateway"] = .string(network.isInternal ? "" : ipv6.gateway.description)
            object["GlobalIPv6Address"] = .string(address6.description)
            object["GlobalIPv6PrefixLen"] = .int(Int64(ipv6.subnet.length))
        }
        return object
    }
}
