import JSONText

/// A container the engine knows.
package struct ContainerRow: Sendable, Hashable {
    /// 64 lower-case hex digits, chosen before the container is made.
    package var id: String
    /// Unique on the host.
    package var name: String
    /// The image's id, or the reference it was made from when the image is gone.
    package var image: String
    /// Nanoseconds since 1970 UTC.
    package var created: Int64
    /// What the user last asked for: `created`, `running`, `stopped` or `paused`.
    package var desiredState: String
    /// The stack that owns it, `nil` for one made through the API.
    package var stack: String?
    /// Its resource address in the stack.
    package var address: String?
    /// How it was asked for: the engine's configuration.
    package var spec: JSONValue
    /// What is known of its last run: exit code, times, restart count, health.
    package var status: JSONValue

    package init(
        id: String, name: String, image: String, created: Int64, desiredState: String, stack: String? = nil,
        address: String? = nil, spec: JSONValue, status: JSONValue = .object(JSONObject())
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.created = created
        self.desiredState = desiredState
        self.stack = stack
        self.address = address
        self.spec = spec
        self.status = status
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        id = row.text(0)
        name = row.text(1)
        image = row.text(2)
        created = row.integer(3)
        desiredState = row.text(4)
        stack = row.optionalText(5)
        address = row.optionalText(6)
        spec = try row.json(7)
        status = try row.json(8)
    }
}

/// A container of which only the plain columns can be read: its JSON is damaged.
package struct DamagedContainerRow: Error, Sendable, Hashable {
    /// The container's id.
    package var id: String
    /// Its name.
    package var name: String
    /// Its image's id.
    package var image: String
    /// What is wrong with it.
    package var reason: String

    package init(id: String, name: String, image: String, reason: String) {
        self.id = id
        self.name = name
        self.image = image
        self.reason = reason
    }
}

extension Transaction where Self: ~Copyable {
    /// Every container, oldest first; one damaged row does not hide the others.
    package func containerRows() throws(DatabaseError) -> [Result<ContainerRow, DamagedContainerRow>] {
        try query(
            """
            SELECT id, name, image, created, desired_state, stack, address, spec, status
            FROM containers ORDER BY created, id
            """, []
        ) { (row) throws(DatabaseError) in
            do throws(DatabaseError) {
                return .success(try ContainerRow(row))
            } catch {
                return .failure(
                    DamagedContainerRow(id: row.text(0), name: row.text(1), image: row.text(2), reason: "\(error)"))
            }
        }
    }

    /// Every container, oldest first.
    package func containers() throws(DatabaseError) -> [ContainerRow] {
        try query(
            """
            SELECT id, name, image, created, desired_state, stack, address, spec, status
            FROM containers ORDER BY created, id
            """, []
        ) { (row) throws(DatabaseError) in try ContainerRow(row) }
    }

    /// The container of this id.
    package func container(id: String) throws(DatabaseError) -> ContainerRow? {
        try first(
            """
            SELECT id, name, image, created, desired_state, stack, address, spec, status
            FROM containers WHERE id = ?1
            """, [.text(id)]
        ) { (row) throws(DatabaseError) in try ContainerRow(row) }
    }

    /// The container of this name.
    package func container(name: String) throws(DatabaseError) -> ContainerRow? {
        try first(
            """
            SELECT id, name, image, created, desired_state, stack, address, spec, status
            FROM containers WHERE name = ?1
            """, [.text(name)]
        ) { (row) throws(DatabaseError) in try ContainerRow(row) }
    }
}

extension WriteTransaction {
    /// Inserts the container or replaces what is known of it.
    ///
    /// - Throws: a unique violation when another container has the name.
    package func save(_ row: ContainerRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO containers (id, name, image, created, desired_state, stack, address, spec, status)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (id) DO UPDATE SET name = ?2, image = ?3, created = ?4, desired_state = ?5, stack = ?6,
                address = ?7, spec = ?8, status = ?9
            """,
            [
                .text(row.id), .text(row.name), .text(row.image), .integer(row.created), .text(row.desiredState),
                .text(row.stack), .text(row.address), .json(row.spec), .json(row.status),
            ])
    }

    /// Changes only what is known of the last run.
    package func setContainerStatus(id: String, _ status: JSONValue) throws(DatabaseError) {
        try run("UPDATE containers SET status = ?2 WHERE id = ?1", [.text(id), .json(status)])
    }

    /// Changes only what the user asked for.
    package func setContainerDesiredState(id: String, _ state: String) throws(DatabaseError) {
        try run("UPDATE containers SET desired_state = ?2 WHERE id = ?1", [.text(id), .text(state)])
    }

    /// Forgets the container with its endpoints and published ports.
    ///
    /// Nothing happens when it is not known.
    package func deleteContainer(id: String) throws(DatabaseError) {
        try run("DELETE FROM endpoints WHERE container = ?1", [.text(id)])
        try run("DELETE FROM published_ports WHERE container = ?1", [.text(id)])
        try run("DELETE FROM containers WHERE id = ?1", [.text(id)])
    }
}
