import JSONText

/// A network of this host.
package struct NetworkRow: Sendable, Hashable {
    /// 64 lower-case hex digits, chosen before the network is made.
    package var id: String
    /// Unique on the host.
    package var name: String
    /// In CIDR form: `10.42.0.0/24`.
    ///
    /// Chosen before the network is made.
    package var subnet: String
    /// The bridge's own address in the subnet, without prefix length.
    package var gateway: String
    /// The bridge's interface name.
    package var bridge: String
    /// No way out of the network.
    package var `internal`: Bool
    /// Nanoseconds since 1970 UTC.
    package var created: Int64
    /// The stack that owns it, `nil` for one made through the API.
    package var stack: String?
    /// Its resource address in the stack.
    package var address: String?
    /// Anything else: labels, driver.
    package var spec: JSONValue

    package init(
        id: String, name: String, subnet: String, gateway: String, bridge: String, internal: Bool = false,
        created: Int64, stack: String? = nil, address: String? = nil, spec: JSONValue = .object(JSONObject())
    ) {
        self.id = id
        self.name = name
        self.subnet = subnet
        self.gateway = gateway
        self.bridge = bridge
        self.internal = `internal`
        self.created = created
        self.stack = stack
        self.address = address
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        id = row.text(0)
        name = row.text(1)
        subnet = row.text(2)
        gateway = row.text(3)
        bridge = row.text(4)
        `internal` = row.bool(5)
        created = row.integer(6)
        stack = row.optionalText(7)
        address = row.optionalText(8)
        spec = try row.json(9)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every network, oldest first.
    package func networks() throws(DatabaseError) -> [NetworkRow] {
        try query(
            """
            SELECT id, name, subnet, gateway, bridge, internal, created, stack, address, spec
            FROM networks ORDER BY created, id
            """, []
        ) { (row) throws(DatabaseError) in try NetworkRow(row) }
    }

    /// The network of this id.
    package func network(id: String) throws(DatabaseError) -> NetworkRow? {
        try first(
            """
            SELECT id, name, subnet, gateway, bridge, internal, created, stack, address, spec
            FROM networks WHERE id = ?1
            """, [.text(id)]
        ) { (row) throws(DatabaseError) in try NetworkRow(row) }
    }

    /// The network of this name.
    package func network(name: String) throws(DatabaseError) -> NetworkRow? {
        try first(
            """
            SELECT id, name, subnet, gateway, bridge, internal, created, stack, address, spec
            FROM networks WHERE name = ?1
            """, [.text(name)]
        ) { (row) throws(DatabaseError) in try NetworkRow(row) }
    }
}

extension WriteTransaction {
    /// Inserts the network or replaces what is known of it.
    ///
    /// - Throws: a unique violation when another network has the name or the bridge.
    package func save(_ row: NetworkRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO networks (id, name, subnet, gateway, bridge, internal, created, stack, address, spec)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (id) DO UPDATE SET name = ?2, subnet = ?3, gateway = ?4, bridge = ?5, internal = ?6,
                created = ?7, stack = ?8, address = ?9, spec = ?10
            """,
            [
                .text(row.id), .text(row.name), .text(row.subnet), .text(row.gateway), .text(row.bridge),
                .bool(row.internal), .integer(row.created), .text(row.stack), .text(row.address), .json(row.spec),
            ])
    }

    /// Forgets the network.
    ///
    /// - Throws: a foreign key violation while it has endpoints.
    package func deleteNetwork(id: String) throws(DatabaseError) {
        try run("DELETE FROM networks WHERE id = ?1", [.text(id)])
    }
}
