import JSONText
import StateStore
import Testing

@Suite struct RowTests {
    let scratch: Scratch
    let database: StateDatabase

    init() throws {
        scratch = try Scratch()
        database = try scratch.open()
    }

    @Test("a container comes back as it was saved, and is replaced by a second save")
    func container() throws {
        var row = ContainerRow(
            id: "c1", name: "web", image: "sha256:1", created: 5, desiredState: "running", stack: "shop",
            address: "container.web", spec: ["a": [1, nil, "x"]], status: ["exitCode": 0])
        try database.write { try $0.save(row) }
        #expect(try database.read { try $0.container(name: "web") } == row)
        row.name = "web2"
        row.stack = nil
        try database.write { try $0.save(row) }
        #expect(try database.read { try $0.containers() } == [row])
        try database.write { try $0.setContainerDesiredState(id: "c1", "stopped") }
        #expect(try database.read { try $0.container(id: "c1") }?.desiredState == "stopped")
    }

    @Test("a taken name is a unique violation")
    func uniqueName() throws {
        let row = ContainerRow(id: "c1", name: "web", image: "i", created: 5, desiredState: "running", spec: [:])
        var other = row
        other.id = "c2"
        try database.write { try $0.save(row) }
        let error = #expect(throws: DatabaseError.self) { try database.write { try $0.save(other) } }
        #expect(error?.isUniqueViolation == true)
    }

    @Test("deleting a container gives its addresses and ports back")
    func containerDelete() throws {
        try database.write { transaction in
            try transaction.save(
                NetworkRow(
                    id: "n", name: "back", subnet: "10.0.0.0/24", gateway: "10.0.0.1", bridge: "sc-1", created: 1))
            try transaction.save(
                ContainerRow(id: "c1", name: "web", image: "i", created: 5, desiredState: "running", spec: [:]))
            try transaction.save(
                EndpointRow(container: "c1", network: "n", address: "10.0.0.2", mac: "02:42", interface: "scv0"))
            try transaction.insert(
                PublishedPortRow(
                    hostAddress: "0.0.0.0", hostPort: 80, transport: "tcp", container: "c1", containerPort: 80))
        }
        let port = PublishedPortRow(
            hostAddress: "0.0.0.0", hostPort: 80, transport: "tcp", container: "c2", containerPort: 80)
        #expect(throws: DatabaseError.self) { try database.write { try $0.insert(port) } }
        #expect(throws: DatabaseError.self) { try database.write { try $0.deleteNetwork(id: "n") } }
        try database.write { try $0.deleteContainer(id: "c1") }
        #expect(try database.read { try $0.endpoints() }.isEmpty)
        try database.write { transaction in
            try transaction.insert(port)
            try transaction.deleteNetwork(id: "n")
        }
        #expect(try database.read { try $0.publishedPorts(container: "c2") } == [port])
    }

    @Test("an address of a network is given once")
    func uniqueAddress() throws {
        try database.write { transaction in
            try transaction.save(
                NetworkRow(
                    id: "n", name: "back", subnet: "10.0.0.0/24", gateway: "10.0.0.1", bridge: "sc-1", created: 1))
            try transaction.save(
                EndpointRow(container: "a", network: "n", address: "10.0.0.2", mac: "1", interface: "x"))
        }
        #expect(throws: DatabaseError.self) {
            try database.write {
                try $0.save(
                    EndpointRow(container: "b", network: "n", address: "10.0.0.2", mac: "2", interface: "y"))
            }
        }
    }

    @Test("images keep their tags through a save and lose them with a delete")
    func images() throws {
        let image = ImageRow(id: "sha256:1", layers: ["sha256:a", "sha256:b"], size: 9, created: 1)
        let tag = ImageTagRow(reference: "x:1", image: "sha256:1", updated: 2)
        try database.write { transaction in
            try transaction.save(image)
            try transaction.save(tag)
            try transaction.save(image)
        }
        #expect(try database.read { try $0.imageTags(image: "sha256:1") } == [tag])
        #expect(try database.read { try $0.image(id: "sha256:1") } == image)
        try database.write { try $0.deleteImage(id: "sha256:1") }
        #expect(try database.read { try $0.imageTag(reference: "x:1") } == nil)
    }

    @Test("layers, volumes and package locks come back as they were saved")
    func others() throws {
        let layer = LayerRow(diffID: "sha256:a", size: 4, form: "erofs", created: 1, spec: ["k": true])
        let volume = VolumeRow(name: "data", created: 3, stack: "shop", address: "volume.data", spec: ["labels": [:]])
        try database.write { transaction in
            try transaction.save(layer)
            try transaction.save(volume)
            try transaction.saveDebianLock(key: "k", packages: ["a=1"], created: 1)
            try transaction.saveDebianLock(key: "k", packages: ["a=2", "b=1"], created: 2)
        }
        #expect(try database.read { try $0.layer(diffID: "sha256:a") } == layer)
        #expect(try database.read { try $0.volume(name: "data") } == volume)
        #expect(try database.read { try $0.debianLock(key: "k") } == ["a=2", "b=1"])
    }

    @Test("events keep their order, and only the newest are kept")
    func events() throws {
        try database.write { transaction in
            for number in 1...10 {
                try transaction.append(
                    EventRow(time: Int64(number), type: "container", action: "start", actorID: "c", actor: [:]))
            }
            try transaction.pruneEvents(keeping: 4)
        }
        #expect(try database.read { try $0.events(since: 0, until: 8) }.map(\.time) == [7, 8])
    }

    @Test("an open step stays when the journal is pruned")
    func journal() throws {
        let step = JournalRow(
            stack: "shop", run: "r1", address: "container.a", operation: "create", objectID: "o", intent: [:],
            started: 1)
        let (open, closed) = try database.write { transaction in
            let open = try transaction.append(step)
            let closed = try transaction.append(step)
            try transaction.setJournal(id: closed, .failed, error: "no", finished: 2)
            return (open, closed)
        }
        #expect(try database.read { try $0.journal(run: "r1", stack: "shop") }.map(\.id) == [open, closed])
        try database.write { try $0.pruneJournal(stack: "shop", keepingRuns: 0) }
        #expect(try database.read { try $0.openJournal() }.map(\.id) == [open])
    }

    @Test("a column that does not hold what it should is an error, not a trap")
    func unreadable() throws {
        try database.write { transaction in
            try transaction.run("INSERT INTO volumes (name, created, spec) VALUES ('v', 1, 'not json')")
        }
        let error = #expect(throws: DatabaseError.self) { try database.read { try $0.volumes() } }
        #expect(error?.message.contains("column spec is not JSON") == true)
    }
}
