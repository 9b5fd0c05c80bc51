import Diagnostics
import JSONText
import Linux
import StateStore

/// Networks, endpoints and ports as database rows and back.
///
/// A row that cannot be read is a damaged database, said so.
extension NetworkSpecification {
    init(_ row: NetworkRow) throws(Diagnostic) {
        guard let subnet = Subnet(row.subnet), let gateway = IPv4Address(row.gateway) else {
            throw Diagnostic.damagedRecord("network \(row.name)", "subnet \(row.subnet), gateway \(row.gateway)")
        }
        var labels: [String: String] = [:]
        for (key, value) in row.spec["labels"]?.objectValue ?? JSONObject() { labels[key] = value.stringValue }
        self.init(
            id: row.id, name: row.name, subnet: subnet, gateway: gateway, isInternal: row.internal, labels: labels,
            mtu: row.spec["mtu"]?.intValue.map { Int($0) }, createdAt: Timestamp(nanosecondsSinceEpoch: row.created))
        driver = row.spec["driver"]?.stringValue.flatMap { NetworkDriver(rawValue: $0) } ?? .bridge
        var options: [String: String] = [:]
        for (key, value) in row.spec["options"]?.objectValue ?? JSONObject() { options[key] = value.stringValue }
        setOptions(options)
        isAttachable = row.spec["attachable"]?.boolValue ?? false
        isSubnetGiven = row.spec["given"]?.boolValue ?? false
        usesForeignLink = row.spec["foreign"]?.boolValue ?? false
        range = row.spec["range"]?.stringValue.flatMap { Subnet($0) }
        for (key, value) in row.spec["auxiliary"]?.objectValue ?? JSONObject() {
            auxiliary[key] = value.stringValue.flatMap { IPv4Address($0) }
        }
        addressOptions = row.spec["addressOptions"]?.objectValue?.strings ?? [:]
        ipv6 = row.spec["ipv6"].flatMap { IPv6Subnet($0) }
    }

    var row: NetworkRow {
        var labelValues = JSONObject()
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { labelValues[key] = .string(value) }
        var spec = JSONObject()
        spec["labels"] = .object(labelValues)
        spec["mtu"] = mtu.map { .int(Int64($0)) }
        if driver != .bridge { spec["driver"] = .string(driver.rawValue) }
        if !options.isEmpty { spec["options"] = .object(Self.object(options)) }
        if isAttachable { spec["attachable"] = true }
        if isSubnetGiven { spec["given"] = true }
        if usesForeignLink { spec["foreign"] = true }
        if let range { spec["range"] = .string("\(range)") }
        if !auxiliary.isEmpty { spec["auxiliary"] = .object(Self.object(auxiliary.mapValues(\.description))) }
        if !addressOptions.isEmpty { spec["addressOptions"] = .object(Self.object(addressOptions)) }
        if let ipv6 { spec["ipv6"] = .object(ipv6.json) }
        return NetworkRow(
            id: id, name: name, subnet: "\(subnet)", gateway: "\(gateway)", bridge: bridgeName, internal: isInternal,
            created: createdAt?.nanosecondsSinceEpoch ?? 0, stack: labels["io.stackctl.stack"],
            address: labels["io.stackctl.address"], spec: .object(spec))
    }

    static func object(_ texts: [String: String]) -> JSONObject {
        JSONObject(texts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }
}

extension IPv6Subnet {
    fileprivate init?(_ json: JSONValue) {
        guard let subnet = json["subnet"]?.stringValue.flatMap({ IPPrefix($0) }),
            let gateway = json["gateway"]?.stringValue.flatMap({ IPAddress($0) })
        else { return nil }
        self.init(
            subnet: subnet, gateway: gateway, range: json["range"]?.stringValue.flatMap { IPPrefix($0) },
            isGiven: json["given"]?.boolValue ?? false)
        for (key, value) in json["auxiliary"]?.objectValue ?? JSONObject() {
            auxiliary[key] = value.stringValue.flatMap { IPAddress($0) }
        }
    }

    fileprivate var json: JSONObject {
        var object: JSONObject = ["subnet": .string("\(subnet)"), "gateway": .string("\(gateway)")]
        if let range { object["range"] = .string("\(range)") }
        if isGiven { object["given"] = true }
        if !auxiliary.isEmpty {
            object["auxiliary"] = .object(NetworkSpecification.object(auxiliary.mapValues(\.description)))
        }
        return object
    }
}

extension EndpointSpecification {
    init(_ row: EndpointRow) throws(Diagnostic) {
        guard let address = IPv4Address(row.address), let mac = MACAddress(row.mac) else {
            throw Diagnostic.damagedRecord("endpoint of \(row.container)", "address \(row.address), mac \(row.mac)")
        }
        self.init(
            containerID: row.container, networkID: row.network, address: address, macAddress: mac, aliases: row.aliases,
            index: row.spec["index"]?.intValue.map { Int($0) } ?? 0)
        address6 = row.spec["address6"]?.stringValue.flatMap { IPAddress($0) }
        gatewayPriority = row.spec["priority"]?.intValue.map { Int($0) } ?? 0
        givenInterfaceName = row.spec["name"]?.stringValue
        sysctls = row.spec["sysctls"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    var row: EndpointRow {
        var spec = JSONObject()
        spec["index"] = .int(Int64(index))
        if let address6 { spec["address6"] = .string("\(address6)") }
        if gatewayPriority != 0 { spec["priority"] = .int(Int64(gatewayPriority)) }
        if let givenInterfaceName { spec["name"] = .string(givenInterfaceName) }
        if !sysctls.isEmpty { spec["sysctls"] = .array(sysctls.map { .string($0) }) }
        return EndpointRow(
            container: containerID, network: networkID, address: "\(address)", mac: "\(macAddress)",
            interface: hostInterfaceName, aliases: aliases, spec: .object(spec))
    }
}

extension PublishedPort {
    init(_ row: PublishedPortRow) throws(Diagnostic) {
        guard let address = IPAddress(row.hostAddress), let hostPort = UInt16(exactly: row.hostPort),
            let containerPort = UInt16(exactly: row.containerPort),
            let transport = TransportProtocol(rawValue: row.transport)
        else {
            throw Diagnostic.damagedRecord(
                "published port of \(row.container)", "\(row.hostAddress):\(row.hostPort)/\(row.transport)")
        }
        self.init(hostAddress: address, hostPort: hostPort, containerPort: containerPort, transport: transport)
    }

    func row(containerID: String) -> PublishedPortRow {
        PublishedPortRow(
            hostAddress: hostAddressText, hostPort: Int(hostPort),
            transport: transport.rawValue, container: containerID, containerPort: Int(containerPort))
    }
}

extension Transaction where Self: ~Copyable {
    func networkSpecifications() throws -> [NetworkSpecification] {
        try networks().map { row throws(Diagnostic) in try NetworkSpecification(row) }
    }

    func networkSpecification(id: String) throws -> NetworkSpecification? {
        guard let row = try network(id: id) else { return nil }
        return try NetworkSpecification(row)
    }

    /// In the order of their numbers.
    func endpointSpecifications(containerID: String) throws -> [EndpointSpecification] {
        try endpoints(container: containerID).map { row throws(Diagnostic) in try EndpointSpecification(row) }
            .sorted { $0.index < $1.index }
    }

    func endpointSpecifications(networkID: String) throws -> [EndpointSpecification] {
        try endpoints(network: networkID).map { row throws(Diagnostic) in try EndpointSpecification(row) }
            .sorted { $0.address < $1.address }
    }

    /// A container's places with their networks, in the order of their interfaces.
    func places(containerID: String) throws -> [EndpointPlace] {
        try endpointSpecifications(containerID: containerID).compactMap { endpoint in
            try networkSpecification(id: endpoint.networkID).map { EndpointPlace(endpoint: endpoint, network: $0) }
        }
    }

    /// Where the ports of a container lead: to the endpoint that carries its default route, of each family.
    ///
    /// Empty if it has none.
    func portMappings(containerID: String) throws -> [PortMapping] {
        let ports = try publishedPorts(container: containerID)
        guard !ports.isEmpty else { return [] }
        let ways = try publishingWays(containerID: containerID)
        return try ports.compactMap { row in
            let port = try PublishedPort(row)
            guard let way = port.isIPv6 ? ways.v6 : ways.v4, !port.isIPv6 || port.hostAddress?.isLoopback == false
            else { return nil }
            return PortMapping(port: port, address: way.address, isRouted: way.isRouted)
        }
    }

    /// Through which endpoints a container's ports are reached.
    func publishingWays(containerID: String) throws -> PublishingWays {
        PublishingWays(try places(containerID: containerID))
    }

    /// Everything the firewall table shall hold.
    func ruleset(table: String, publishInterfaces: [String]?) throws -> Ruleset {
        let containers = Set(try publishedPorts().map(\.container)).sorted()
        return Ruleset(
            table: table, networks: try networkSpecifications(),
            ports: try containers.flatMap { try portMappings(containerID: $0) },
            closesRouter: try Forwarding.wasSwitchedOn(self),
            closesRouter6: try Forwarding.wasSwitchedOn(self, .v6), publishInterfaces: publishInterfaces)
    }
}

extension Diagnostic {
    static func damagedRecord(_ what: String, _ detail: String) -> Diagnostic {
        Diagnostic(code: "SC6010", summary: "the record of \(what) is damaged", detail: detail)
    }
}
