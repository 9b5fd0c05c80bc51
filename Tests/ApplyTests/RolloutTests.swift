import Apply
import Diagnostics
import JSONText
import StackModel
import StateStore
import Synchronization
import Testing

@Suite struct RolloutTests {
    /// The colours of the replicas, in the order of their addresses.
    private static func colors(_ bench: Workbench) -> [JSONValue?] {
        bench.host.objects(of: "shop").sorted { $0.address < $1.address }.map { $0.attributes["env"]?["COLOR"] }
    }

    private static func replicas(
        _ count: Int, color: String, update: JSONObject = ["order": "startFirst"]
    ) throws -> [StackResource] {
        try (1...count).map { number in
            try Make.resource(
                "container.web[\(number)]", ["env": ["COLOR": .string(color)], "update": .object(update)],
                lines: ["env.COLOR": 3])
        }
    }

    /// Applies one after the other, and tells what was called for the last one.
    private func calls(_ bench: Workbench, _ before: [StackResource], _ after: [StackResource]) async throws -> [String]
    {
        try await bench.apply(Make.stack(before))
        bench.host.forgetCalls()
        _ = try await bench.apply(Make.stack(after))
        return bench.host.calls
    }

    @Test("a container that asks for it is made anew before the old one is deleted, and the plan says so")
    func startFirst() async throws {
        let bench = try Workbench()
        let blue = try Self.replicas(1, color: "blue")
        let green = try Self.replicas(1, color: "green")
        #expect(try await calls(bench, blue, green) == ["create container.web[1]", "delete container.web[1]"])
        #expect(bench.host.objects(of: "shop").map { $0.attributes["env"]?["COLOR"] } == ["green"])
        #expect(try bench.orphans("shop").isEmpty)
        let plan = try await bench.engine.plan(Make.stack(blue))
        #expect(plan.changes.first?.startsFirst == true)
        #expect(PlanRendering(plan, color: false).text().contains("container.web[1]  recreate, replaced start-first"))
        #expect(try Plan(json: plan.json) == plan)
    }

    @Test("one that fails to start leaves the old one running and recorded")
    func failure() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Self.replicas(1, color: "blue")))
        bench.host.fail("create container.web[1]")
        let log = EventLog()
        let green = Make.stack(try Self.replicas(1, color: "green"))
        let summary = try await bench.apply(green, log)
        #expect(summary.failed.map(\.description) == ["container.web[1]"] && log.skipped.isEmpty)
        #expect(bench.host.objects(of: "shop").map { $0.attributes["env"]?["COLOR"] } == ["blue"])
        #expect(try bench.orphans("shop").isEmpty)
        #expect(try await bench.apply(green).succeeded)
        #expect(try await bench.engine.plan(green).isEmpty)
    }

    @Test("replicas are replaced one after the other")
    func oneByOne() async throws {
        let bench = try Workbench()
        let found = try await calls(
            bench, try Self.replicas(3, color: "blue"), try Self.replicas(3, color: "green", update: ["delay": 1]))
        #expect(
            found == (1...3).flatMap { ["delete container.web[\($0)]", "create container.web[\($0)]"] })
    }

    @Test("replicas are replaced as many at a time as they say", arguments: [(0, 4), (2, 2)])
    func batches(parallelism: Int64, most: Int) async throws {
        let bench = try Workbench()
        let update: JSONObject = ["order": "startFirst", "parallelism": .int(parallelism)]
        let found = try await calls(
            bench, try Self.replicas(4, color: "blue", update: update),
            try Self.replicas(4, color: "green", update: update))
        #expect(found.count == 8)
        let creates = found.enumerated().filter { $0.element.hasPrefix("create") }.map(\.offset)
        if most == 4 {
            #expect(creates.count == 4)
        } else {
            #expect(Set(found.prefix(4).filter { $0.hasPrefix("create") }).count == 2)
            #expect(Set(found.suffix(4).filter { $0.hasPrefix("create") }).count == 2)
        }
    }

    @Test("a failure leaves the other replicas as they are, those that were replaced among them")
    func pause() async throws {
        let bench = try Workbench()
        let update: JSONObject = ["order": "startFirst", "onFailure": "pause"]
        try await bench.apply(Make.stack(try Self.replicas(3, color: "blue", update: update)))
        bench.host.fail("create container.web[2]")
        let log = EventLog()
        let green = Make.stack(try Self.replicas(3, color: "green", update: update))
        let summary = try await bench.apply(green, log)
        #expect(summary.failed.map(\.description) == ["container.web[2]"])
        #expect(summary.skipped.map(\.description) == ["container.web[3]"])
        #expect(log.skipped == ["container.web[3]: container.web[2], which is replaced before it, failed"])
        #expect(Self.colors(bench) == ["green", "blue", "blue"])
        #expect(try await bench.apply(green).succeeded)
        #expect(try await bench.engine.plan(green).isEmpty)
    }

    @Test("a failure does not keep the others from being replaced where they go on")
    func goesOn() async throws {
        let bench = try Workbench()
        let update: JSONObject = ["order": "startFirst", "onFailure": "continue", "delay": 1]
        try await bench.apply(Make.stack(try Self.replicas(3, color: "blue", update: update)))
        bench.host.fail("create container.web[1]")
        let summary = try await bench.apply(Make.stack(try Self.replicas(3, color: "green", update: update)))
        #expect(summary.failed.map(\.description) == ["container.web[1]"] && summary.skipped.isEmpty)
        #expect(Self.colors(bench) == ["blue", "green", "green"])
    }

    @Test("where the new one fails after the old one has gone, the old one is made again if that is asked for")
    func rollBack() async throws {
        let bench = try Workbench()
        let update: JSONObject = ["onFailure": "rollBack"]
        try await bench.apply(Make.stack(try Self.replicas(2, color: "blue", update: update)))
        bench.host.fail("create container.web[1]")
        let log = EventLog()
        let green = Make.stack(try Self.replicas(2, color: "green", update: update))
        let summary = try await bench.apply(green, log)
        #expect(summary.failed.count == 1 && summary.skipped.count == 1)
        #expect(log.diagnostics.first?.notes == ["the one before has been made again, as it was"])
        #expect(bench.host.objects(of: "shop").allSatisfy { $0.attributes["env"]?["COLOR"] == "blue" })
        #expect(bench.host.objects(of: "shop").count == 2)
        #expect(try bench.orphans("shop").isEmpty)
        #expect(try await bench.apply(green).succeeded)
        #expect(try await bench.engine.plan(green).isEmpty)
    }

    @Test(
        "where one fails, those that were replaced before it are put back if that is asked for",
        arguments: ["startFirst", "stopFirst"], [1, 2])
    func rollBackAll(order: String, parallelism: Int64) async throws {
        let bench = try Workbench()
        let update: JSONObject = [
            "order": .string(order), "onFailure": "rollBack", "parallelism": .int(parallelism),
        ]
        try await bench.apply(Make.stack(try Self.replicas(4, color: "blue", update: update)))
        bench.host.fail("create container.web[3]")
        let log = EventLog()
        let green = Make.stack(try Self.replicas(4, color: "green", update: update))
        let summary = try await bench.apply(green, log)
        #expect(!summary.succeeded && summary.failed.contains { $0.description == "container.web[3]" })
        #expect(log.diagnostics.count { $0.code == "SC3212" } >= 2)
        #expect(
            bench.host.objects(of: "shop").map { $0.attributes["env"]?["COLOR"] } == ["blue", "blue", "blue", "blue"])
        #expect(Set(bench.host.objects(of: "shop").map(\.address)).count == 4)
        #expect(try bench.orphans("shop").isEmpty)
        let again = try await bench.engine.plan(green)
        #expect(again.changes.allSatisfy { $0.action == .recreate } && again.changes.count == 4)
        #expect(try await bench.apply(green).succeeded)
        #expect(try await bench.engine.plan(green).isEmpty)
    }

    @Test("one that cannot be put back is made again as it is, and the others are left")
    func cannotBePutBack() async throws {
        let bench = try Workbench()
        let update: JSONObject = ["onFailure": "rollBack"]
        try await bench.apply(Make.stack(try Self.replicas(3, color: "blue", update: update)))
        // The new third one fails, and then the old second one.
        bench.host.fail("create container.web[3]")
        bench.host.fail("create container.web[2]", after: 1)
        let green = Make.stack(try Self.replicas(3, color: "green", update: update))
        let summary = try await bench.apply(green)
        #expect(summary.failed.map(\.description) == ["container.web[3]", "container.web[2]"])
        #expect(Self.colors(bench) == ["green", "green", "blue"])
        #expect(try bench.orphans("shop").isEmpty)
        #expect(try await bench.apply(green).succeeded)
    }

    @Test("an additional replica that fails puts nothing back: the others are well")
    func additionalFails() async throws {
        let bench = try Workbench()
        let update: JSONObject = ["onFailure": "rollBack"]
        try await bench.apply(Make.stack(try Self.replicas(2, color: "blue", update: update)))
        bench.host.fail("create container.web[3]")
        let log = EventLog()
        let summary = try await bench.apply(Make.stack(try Self.replicas(3, color: "green", update: update)), log)
        #expect(summary.failed.map(\.description) == ["container.web[3]"])
        #expect(!log.diagnostics.contains { $0.code == "SC3212" })
        #expect(bench.host.objects(of: "shop").map { $0.attributes["env"]?["COLOR"] } == ["green", "green"])
    }

    @Test("whoever is set up for one that is taken back is named, and follows with the next apply")
    func rollBackNamesFollowers() async throws {
        let update: JSONObject = ["order": "startFirst", "onFailure": "rollBack"]
        func stack(_ color: String) throws -> StackDocument {
            Make.stack(
                try Self.replicas(2, color: color, update: update) + [
                    try Make.resource("container.side", ["peer": Make.reference("container.web[1]", "id")])
                ])
        }
        let bench = try Workbench()
        try await bench.apply(try stack("blue"))
        bench.host.fail("create container.web[2]")
        let log = EventLog()
        let summary = try await bench.apply(try stack("green"), log)
        #expect(summary.failed.map(\.description) == ["container.web[2]"])
        let told = try #require(log.diagnostics.first { $0.code == "SC3212" })
        #expect(told.notes == ["still set up for the one that was taken back: container.side"])
        #expect(try await bench.apply(try stack("green")).succeeded)
        #expect(try await bench.engine.plan(try stack("green")).isEmpty)
    }

    @Test("a kill at any transition while replicas are put back leaves each there once")
    func killsOfRollBack() async throws {
        let update: JSONObject = ["order": "startFirst", "onFailure": "rollBack"]
        let green = Make.stack(try Self.replicas(3, color: "green", update: update))
        var count = 0
        while true {
            count += 1
            let bench = try Workbench()
            try await bench.apply(Make.stack(try Self.replicas(3, color: "blue", update: update)))
            bench.host.fail("create container.web[3]")
            let killer = Killer(at: count, bench.host)
            _ = try? await bench.newEngine(crashPoint: killer.crashPoint).apply(green) { _ in }
            guard killer.struck.withLock({ $0 }) else { break }
            bench.host.restart()
            let engine = bench.newEngine()
            #expect(try await engine.recover().isEmpty, "kill at transition \(count)")
            #expect(Set(bench.host.objects(of: "shop").map(\.address)).count == 3, "kill at transition \(count)")
            #expect(bench.host.objects(of: "shop").count == 3, "kill at transition \(count)")
            _ = try await engine.apply(green) { _ in }
            #expect(try await engine.apply(green) { _ in }.succeeded)
            #expect(try bench.orphans("shop").isEmpty && bench.database.read { try $0.openJournal() }.isEmpty)
            #expect(try await engine.plan(green).isEmpty)
        }
        #expect(count > 20)
    }

    @Test("replicas still follow each other where what they need is replaced with them")
    func withDependency() async throws {
        func stack(_ color: String) throws -> [StackResource] {
            let database = try Make.resource("container.db", ["env": ["COLOR": .string(color)]])
            return [database]
                + (try Self.replicas(2, color: color, update: ["parallelism": 1])).map { resource in
                    var resource = resource
                    resource.dependencies = [StackDependency(address: database.address, until: .started)]
                    return resource
                }
        }
        let bench = try Workbench()
        let found = try await calls(bench, try stack("blue"), try stack("green")).filter { !$0.hasPrefix("wait") }
        #expect(
            found == [
                "delete container.db", "create container.db", "delete container.web[1]", "create container.web[1]",
                "delete container.web[2]", "create container.web[2]",
            ] || found.suffix(3) == ["create container.web[1]", "delete container.web[2]", "create container.web[2]"])
    }

    @Test("what is recreated with its network cannot be replaced start-first")
    func heldNetwork() async throws {
        func stack(_ subnet: Int64) throws -> [StackResource] {
            [
                try Make.resource("network.n", ["subnet": .int(subnet)]),
                try Make.resource(
                    "container.web[1]",
                    ["network": Make.reference("network.n", "id"), "update": ["order": "startFirst"]]),
                try Make.resource(
                    "container.web[2]",
                    ["network": Make.reference("network.n", "id"), "update": ["order": "startFirst"]]),
            ]
        }
        let bench = try Workbench()
        try await bench.apply(Make.stack(try stack(1)))
        let plan = try await bench.engine.plan(Make.stack(try stack(2)))
        #expect(plan.changes.allSatisfy { !$0.startsFirst && $0.action == .recreate })
        #expect(try await bench.apply(Make.stack(try stack(2))).succeeded)
        #expect(try bench.orphans("shop").isEmpty)
    }

    @Test("what refers to a replaced container follows it before the old one goes")
    func followers() async throws {
        func stack(_ color: String) throws -> [StackResource] {
            try Self.replicas(1, color: color) + [
                try Make.resource("container.side", ["peer": Make.reference("container.web[1]", "id")])
            ]
        }
        let bench = try Workbench()
        let found = try await calls(bench, try stack("blue"), try stack("green"))
        #expect(found.first == "create container.web[1]" || found.first == "delete container.side")
        #expect(found.last == "delete container.web[1]")
        #expect(try bench.orphans("shop").isEmpty)
    }

    @Test("a container whose port another one takes over is deleted first")
    func handover() async throws {
        func stack(_ first: Int64, _ second: Int64) throws -> [StackResource] {
            let update: JSONObject = ["order": "startFirst"]
            return [
                try Make.resource(
                    "container.a", ["port": .int(first), "env": ["P": .int(first)], "update": .object(update)]),
                try Make.resource("container.b", ["port": .int(second)]),
            ]
        }
        let bench = try Workbench()
        try await bench.apply(Make.stack(try stack(8080, 9090)))
        let alone = try await bench.engine.plan(Make.stack(try stack(7070, 9090)))
        #expect(alone.changes.first?.startsFirst == true)
        let log = EventLog()
        #expect(try await bench.apply(Make.stack(try stack(7070, 8080)), log).succeeded, "\(log.diagnostics)")
        #expect(bench.host.object("container.b")?.attributes["port"] == 8080)
    }

    @Test("a kill at any transition of a start-first replacement leaves each replica there once")
    func kills() async throws {
        let green = Make.stack(try Self.replicas(2, color: "green"))
        var count = 0
        while true {
            count += 1
            let bench = try Workbench()
            try await bench.apply(Make.stack(try Self.replicas(2, color: "blue")))
            let killer = Killer(at: count, bench.host)
            _ = try? await bench.newEngine(crashPoint: killer.crashPoint).apply(green) { _ in }
            guard killer.struck.withLock({ $0 }) else { break }
            bench.host.restart()
            let engine = bench.newEngine()
            #expect(try await engine.recover().isEmpty, "kill at transition \(count)")
            #expect(Set(bench.host.objects(of: "shop").map(\.address)).count == 2, "kill at transition \(count)")
            #expect(bench.host.objects(of: "shop").count == 2, "kill at transition \(count)")
            #expect(try await engine.apply(green) { _ in }.succeeded)
            #expect(try bench.orphans("shop").isEmpty && bench.database.read { try $0.openJournal() }.isEmpty)
            #expect(try await engine.plan(green).isEmpty)
        }
        #expect(count > 10)
    }
}
