import JSONText

/// A container's place in a network.
package struct EndpointRow: Sendable, Hashable {
    /// The container's id.
    package var container: String
    /// The network's id.
    package var network: String
    /// The container's address in the network, without prefix length.
    ///
    /// Unique in the network.
    package var address: String
    /// `02:42:…`.
    package var mac: String
    /// The host's end of the veth pair.
    package var interface: String
    /// Further DNS names in this network.
    package var aliases: [String]
    /// Anything else.
    package var spec: JSONValue

    package init(
        container: String, network: String, address: String, mac: String, interface: String, aliases: [String] = [],
        spec: JSONValue = .object(JSONObject())
    ) {
        self.container = container
        self.network = network
        self.address = address
        self.mac = mac
        self.interface = interface
        self.aliases = aliases
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        container = row.text(0)
        network = row.text(1)
        address = row.text(2)
        mac = row.text(3)
        interface = row.text(4)
        aliases = try row.strings(5)
        spec = try row.json(6)
    }
}

/// A port of the host that leads to a container.
package struct PublishedPortRow: Sendable, Hashable {
    /// `0.0.0.0` for all addresses.
    package var hostAddress: String
    package var hostPort: Int
    /// `tcp` or `udp`.
    package var transport: String
    /// The container's id.
    package var container: String
    package var containerPort: Int

    package init(hostAddress: String, hostPort: Int, transport: String, container: String, containerPort: Int) {
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.transport = transport
        self.container = container
        self.containerPort = containerPort
    }

    init(_ row: borrowing Row) {
        hostAddress = row.text(0)
        hostPort = Int(row.integer(1))
        transport = row.text(2)
        container = row.text(3)
        containerPort = Int(row.integer(4))
    }
}

extension Transaction where Self: ~Copyable {
    /// Every endpoint.
    package func endpoints() throws(DatabaseError) -> [EndpointRow] {
        try query(
            """
            SELECT container, network, address, mac, interface, aliases, spec FROM endpoints
            ORDER BY container, network
            """, []
        ) { (row) throws(DatabaseError) in try EndpointRow(row) }
    }

    /// The endpoints of one container.
    package func endpoints(container: String) throws(DatabaseError) -> [EndpointRow] {
        try query(
            """
            SELECT container, network, address, mac, interface, aliases, spec FROM endpoints
            WHERE container = ?1 ORDER BY network
            """, [.text(container)]
        ) { (row) throws(DatabaseError) in try EndpointRow(row) }
    }

    /// The endpoints in one network.
    package func endpoints(network: String) throws(DatabaseError) -> [EndpointRow] {
        try query(
            """
            SELECT container, network, address, mac, interface, aliases, spec FROM endpoints
            WHERE network = ?1 ORDER BY container
            """, [.text(network)]
        ) { (row) throws(DatabaseError) in try EndpointRow(row) }
    }

    /// Every published port.
    package func publishedPorts() throws(DatabaseError) -> [PublishedPortRow] {
        try query(
            """
            SELECT host_address, host_port, protocol, container, container_port FROM published_ports
            ORDER BY host_port, protocol, host_address
            """, []
        ) { (row) in PublishedPortRow(row) }
    }

    /// The published ports of one container.
    package func publishedPorts(container: String) throws(DatabaseError) -> [PublishedPortRow] {
        try query(
            """
            SELECT host_address, host_port, protocol, container, container_port FROM published_ports
            WHERE container = ?1 ORDER BY host_port, protocol, host_address
            """, [.text(container)]
        ) { (row) in PublishedPortRow(row) }
    }
}

extension WriteTransaction {
    /// Inserts the endpoint or replaces it.
    ///
    /// - Throws: a unique violation when the address is taken in the network.
    package func save(_ row: EndpointRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO endpoints (container, network, address, mac, interface, aliases, spec)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (container, network) DO UPDATE SET address = ?3, mac = ?4, interface = ?5, aliases = ?6,
                spec = ?7
            """,
            [
                .text(row.container), .text(row.network), .text(row.address), .text(row.mac), .text(row.interface),
                .json(row.aliases), .json(row.spec),
            ])
    }

    /// Forgets one endpoint.
    package func deleteEndpoint(container: String, network: String) throws(DatabaseError) {
        try run(
            "DELETE FROM endpoints WHERE container = ?1 AND network = ?2", [.text(container), .text(network)])
    }

    /// Reserves a port.
    ///
    /// - Throws: a unique violation when it is reserved already, by whomever.
    package func insert(_ row: PublishedPortRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO published_ports (host_address, host_port, protocol, container, container_port)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """,
            [
                .text(row.hostAddress), .integer(Int64(row.hostPort)), .text(row.transport), .text(row.container),
                .integer(Int64(row.containerPort)),
            ])
    }

    /// Gives all ports of a container back.
    package func deletePublishedPorts(container: String) throws(DatabaseError) {
        try run("DELETE FROM published_ports WHERE container = ?1", [.text(container)])
    }
}
