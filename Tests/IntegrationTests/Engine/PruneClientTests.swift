import Engine
import ImageStore
import JSONText
import Linux
import OCI
import StateStore
import Testing

@Suite("Tidying up, through the stock client", .serialized, .timeLimit(.minutes(10)))
struct PruneClientTests {
    @Test("each kind of object is pruned as Docker does, and what is used stays")
    func kinds() async throws {
        let lab = try await EngineLab()
        try await lab.docker("run", "-d", "--name", "runs", "-v", "used:/x", "busybox", "sleep", "1000")
        try await lab.docker("run", "--name", "ended", "-v", "/anonymous", "busybox", "true")
        let unnamed = try await lab.docker("commit", "runs").line
        try await lab.docker("commit", "-c", "LABEL keep=1", "runs", "demo/labelled:1")
        try await lab.docker("volume", "create", "spare")
        try await lab.docker("network", "create", "idle")

        #expect(
            try await lab.docker("image", "prune", "-f", "--filter", "until=1h").out == "Total reclaimed space: 0B\n")
        let images = try await lab.docker("image", "prune", "-f")
        #expect(images.out.contains("deleted: \(unnamed)\n"), "\(images.out)")
        let wrong = try await lab.docker("image", "prune", "-f", "--filter", "nope=1", expecting: 1)
        #expect(wrong.error.contains("invalid filter 'nope'"))
        #expect(
            try await lab.docker("image", "prune", "-a", "-f", "--filter", "label!=keep").out
                == "Total reclaimed space: 0B\n")
        let all = try await lab.docker("image", "prune", "-a", "-f")
        #expect(all.out.contains("untagged: demo/labelled:1\n") && !all.out.contains("busybox"), "\(all.out)")

        let volumes = try await lab.docker("volume", "prune", "-f")
        #expect(
            volumes.out.hasPrefix("Total reclaimed space"),
            "a container that has ended keeps its volume: \(volumes.out)")
        #expect(try await lab.docker("container", "prune", "-f").out.hasPrefix("Deleted Containers:\n"))
        let anonymous = try await lab.docker("volume", "prune", "-f")
        #expect(anonymous.out.hasPrefix("Deleted Volumes:\n") && !anonymous.out.contains("spare"), "\(anonymous.out)")
        #expect(try await lab.docker("volume", "prune", "-a", "-f").out.contains("spare\n"))
        #expect(try await lab.docker("network", "prune", "-f").out == "Deleted Networks:\nidle\n\n")
        #expect(try await lab.docker("ps", "-q").out.split(separator: "\n").count == 1)
        #expect(try await lab.docker("volume", "ls", "-q").out == "used\n")
        try await lab.takeDown()
    }

    @Test("the whole is pruned at once; what a stack has recorded stays")
    func system() async throws {
        let lab = try await EngineLab()
        let base = try await lab.engine.image(named: "busybox")
        var changes = ConfigurationChanges()
        changes.labels = ["of": "stack"]
        let held = try await lab.engine.images.derive(from: base, reference: nil, changes: changes)
        changes.labels = ["of": "nobody"]
        _ = try await lab.engine.images.derive(from: base, reference: nil, changes: changes)
        for name in ["data", "spare"] { try await lab.docker("volume", "create", name) }
        let network = try await lab.docker("network", "create", "backend").line
        try await lab.docker("network", "create", "idle")
        let rows = [
            ("image.site", "image", "build-1", ["id": .string(held.id.description)] as JSONObject),
            ("network.backend", "network", network, [:]), ("volume.data", "volume", "data", [:]),
        ]
        try await lab.engine.database.write { transaction in
            try transaction.save(
                StackRow(name: "shop", generation: 1, origin: nil, outputs: .null, created: 0, updated: 0))
            for (address, kind, id, outputs) in rows {
                try transaction.save(
                    ResourceRow(
                        stack: "shop", address: address, kind: kind, objectID: id, attributes: [:], outputs: outputs,
                        location: .null, locations: [:], dependencies: [:], protect: false, updated: 0))
            }
        }
        try await lab.docker("create", "--name", "spare", "busybox")
        let pruned = try await lab.docker("system", "prune", "-a", "-f", "--volumes")
        #expect(
            pruned.out.contains("Deleted Containers:") && pruned.out.contains("Deleted Networks:\nidle\n"),
            "\(pruned.out)")
        #expect(try await lab.docker("network", "ls", "--format", "{{.Name}}").out.contains("backend"))
        try await lab.docker("volume", "prune", "-a", "-f")
        #expect(try await lab.docker("volume", "ls", "-q").out == "data\n")
        #expect(try await lab.docker("images", "-aq", "--no-trunc").out == "\(held.id)\n")
        try await lab.docker("volume", "rm", "data")
        try await lab.takeDown()
    }
}
