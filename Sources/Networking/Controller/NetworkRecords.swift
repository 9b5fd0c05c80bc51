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
    }

    var row: NetworkRow {
        var labelValues = JSONObject()
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { labelValues[key] = .string(value) }
        var spec = JSONObject()
        spec["labels"] = .object(labelValues)
        spec["mtu"] = mtu.map { .int(Int64($0)) }
        return NetworkRow(
            id: id, name: name, subnet: "\(subnet)", gateway: "\(gateway)", bridge: bridgeName, internal: isInternal,
            created: createdAt?.nanosecondsSinceEpoch ?? 0, stack: labels["io.stackctl.stack"],
            address: labels["io.stackctl.address"], spec: .object(spec))
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
    }

    var row: EndpointRow {
        var spec = JSONObject()
        spec["index"] = .int(Int64(index))
        return EndpointRow(
            container: containerID, network: networkID, address: "\(address)", mac: "\(macAddress)",
            interface: hostInterfaceName, aliases: aliases, spec: .object(spec))
    }
}

extension PublishedPort {
    init(_ row: PublishedPortRow) throws(Diagnostic) {
        guard let address = IPv4Address(row.hostAddress), let hostPort = UInt16(exactly: row.hostPort),
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
            hostAddress: (hostAddress ?? IPv4Address(rawValue: 0)).description, hostPort: Int(hostPort),
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

    /// Where the ports of a container lead: to its first endpoint whose network is not internal.
    ///
    /// Empty if it has none.
    func portMappings(containerID: String) throws -> [PortMapping] {
        let ports = try publishedPorts(container: containerID)
        guard !ports.isEmpty, let address = try publishingAddress(containerID: containerID) else { return [] }
        return try ports.map { row throws(Diagnostic) in PortMapping(port: try PublishedPort(row), address: address) }
    }

    func publishingAddress(containerID: String) throws -> IPv4Address? {
        for endpoint in try endpointSpecifications(containerID: containerID) {
            if let network = try network(id: endpoint.networkID), !network.internal { return endpoint.address }
        }
        return nil
    }

    /// Everything the firewall table shall hold.
    func ruleset(table: String) throws -> Ruleset {
        let containers = Set(try publishedPorts().map(\.container)).sorted()
        return Ruleset(
            table: table, networks: try networkSpecifications(),
            ports: try containers.flatMap { try portMappings(containerID: $0) },
            closesRouter: try Forwarding.wasSwitchedOn(self))
    }
}

extension Diagnostic {
    static func damagedRecord(_ what: String, _ detail: String) -> Diagnostic {
        Diagnostic(code: "SC6010", summary: "the record of \(what) is damaged", detail: detail)
    }
}
