import Apply
import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@Suite struct PlannerTests {
    @Test("a new stack is planned in dependency order, nothing is touched")
    func newStack() async throws {
        let bench = try Workbench()
        let plan = try await bench.engine.plan(Make.stack(try Make.shop()))
        #expect(plan.changes.map(\.action) == Array(repeating: .create, count: 5))
        #expect(plan.changes.last?.address.description == "container.web")
        #expect(bench.host.calls.isEmpty)
        let image = try #require(plan.changes.last?.reasons.first { $0.path == "image" })
        #expect(image.to == Make.reference("image.site", "id"))
    }

    @Test("after an apply the plan is empty")
    func convergence() async throws {
        let bench = try Workbench()
        let stack = Make.stack(try Make.shop())
        #expect(try await bench.apply(stack).succeeded)
        let plan = try await bench.engine.plan(stack)
        #expect(plan.isEmpty, "\(plan.changes.filter { $0.action != .noChange })")
        #expect(plan.generation == 1)
    }

    @Test("a memory limit is a live change with its line; an environment variable recreates")
    func classes() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let live = try await bench.engine.plan(Make.stack(try Make.shop(memory: 512)))
        let change = try #require(live.changes.first { $0.action != .noChange })
        #expect(change.action == .update && change.changeClass == .live)
        #expect(change.reasons.map(\.path) == ["limits.memory"])
        #expect(change.reasons.first?.location?.line == 25)
        #expect(change.reasons.first?.cause == .manifest)
        let recreate = try await bench.engine.plan(Make.stack(try Make.shop(color: "green", memory: 512)))
        let both = try #require(recreate.changes.first { $0.action != .noChange })
        #expect(both.action == .recreate && both.reasons.count == 2)
        #expect(both.reasons.first { $0.path == "env.COLOR" }?.location?.line == 24)
    }

    @Test("a container with data of its own is recreated at the price of it, and the plan names it")
    func anonymousData() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        bench.host.meddle("container.web") { $0.data = "its anonymous volume at /data" }
        let live = try await bench.engine.plan(Make.stack(try Make.shop(memory: 512)))
        #expect(live.changes.allSatisfy { $0.changeClass <= .live })
        let plan = try await bench.engine.plan(Make.stack(try Make.shop(color: "green")))
        let change = try #require(plan.changes.first { $0.action != .noChange })
        #expect(change.action == .recreate && change.changeClass == .dataLoss && change.losesData)
        #expect(change.reasons.contains { $0.note == "its anonymous volume at /data is deleted with it" })
    }

    @Test("drift is told apart from the manifest, and what we did not set is not drift")
    func drift() async throws {
        let bench = try Workbench()
        let stack = Make.stack(try Make.shop())
        try await bench.apply(stack)
        bench.host.meddle("container.web") {
            $0.attributes.set(999, at: ["limits", "memory"])
            $0.attributes.set("x", at: ["env", "PATH"])
        }
        let plan = try await bench.engine.plan(stack)
        let change = try #require(plan.changes.first { $0.action != .noChange })
        #expect(change.reasons.map(\.path) == ["limits.memory"])
        #expect(change.reasons.first?.cause == .drift)
        #expect(change.reasons.first?.from == 999)
        let report = try await bench.engine.drift("shop")
        #expect(report.entries.map(\.path) == ["limits.memory"])
        #expect(report.entries.first?.location?.line == 25)
        #expect(report.checked == 5)
    }

    @Test("an attribute taken out of the manifest is taken off the host, then forgotten")
    func removedAttribute() async throws {
        let bench = try Workbench()
        let with = try Make.resource("container.a", ["labels": ["x": "1", "y": "2"]])
        let without = try Make.resource("container.a", ["labels": ["x": "1"]])
        try await bench.apply(Make.stack([with]))
        let plan = try await bench.engine.plan(Make.stack([without]))
        #expect(plan.changes.first?.reasons.first?.path == "labels.y")
        #expect(plan.changes.first?.reasons.first?.to == JSONValue?.none)
        try await bench.apply(Make.stack([without]))
        #expect(bench.host.object("container.a")?.attributes["labels"] == ["x": "1"])
        #expect(try await bench.engine.plan(Make.stack([without])).isEmpty)
    }

    @Test("what the host has already is only recorded")
    func alreadyThere() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("container.a", ["limits": ["memory": 1]])]))
        bench.host.meddle("container.a") { $0.attributes.set(2, at: ["limits", "memory"]) }
        let stack = Make.stack([try Make.resource("container.a", ["limits": ["memory": 2]])])
        #expect(try await bench.engine.plan(stack).isEmpty)
        try await bench.apply(stack)
        #expect(try await bench.engine.drift("shop").entries.isEmpty)
    }

    @Test("a stopped container is repaired, a vanished one is made again")
    func conditions() async throws {
        let bench = try Workbench()
        let stack = Make.stack(try Make.shop())
        try await bench.apply(stack)
        bench.host.meddle("container.db") { $0.stopped = "exited with 137" }
        bench.host.vanish("container.web")
        let plan = try await bench.engine.plan(stack)
        let actions = Dictionary(uniqueKeysWithValues: plan.changes.map { ($0.address.description, $0.action) })
        #expect(actions["container.db"] == .repair)
        #expect(actions["container.web"] == .create)
        let report = try await bench.engine.drift("shop")
        #expect(report.entries.map(\.kind) == [.condition, .gone])
        #expect(report.entries.map { $0.location?.line } == [10, 20])
        #expect(try await bench.apply(stack).succeeded)
        #expect(try await bench.engine.plan(stack).isEmpty)
        #expect(try bench.orphans("shop").isEmpty)
    }

    @Test("a recreated database does not touch who knows only its name")
    func noNeedlessPropagation() async throws {
        let bench = try Workbench()
        var resources = try Make.shop()
        try await bench.apply(Make.stack(resources))
        resources[3].attributes["command"] = ["postgres", "-c", "fsync=off"]
        let plan = try await bench.engine.plan(Make.stack(resources))
        let changed = plan.changes.filter { $0.action != .noChange }
        #expect(changed.map(\.address.description) == ["container.db"])
    }

    @Test("a new image makes its containers new, known only after apply")
    func imagePropagation() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let plan = try await bench.engine.plan(Make.stack(try Make.shop(suite: "trixie")))
        let changed = plan.changes.filter { $0.action != .noChange }
        #expect(changed.map(\.address.description) == ["image.site", "container.web"])
        #expect(changed.last?.reasons.first?.to?.holdsReference == true)
    }

    @Test("what holds a recreated network is recreated with it")
    func heldNetwork() async throws {
        let bench = try Workbench()
        var resources = try Make.shop()
        try await bench.apply(Make.stack(resources))
        resources[1].attributes["subnet"] = "10.43.0.0/24"
        let stack = Make.stack(resources)
        let plan = try await bench.engine.plan(stack)
        #expect(plan.counts[.recreate] == 3)
        #expect(try await bench.apply(stack).succeeded)
        #expect(try await bench.engine.plan(stack).isEmpty)
    }

    @Test("a volume whose content names a recreated network keeps its data", arguments: [true, false])
    func volumeNamingARecreatedNetwork(protect: Bool) async throws {
        let bench = try Workbench()
        func stack(_ subnet: JSONValue) throws -> StackDocument {
            Make.stack([
                try Make.resource("network.back", ["subnet": subnet]),
                try Make.resource(
                    "volume.data", ["labels": ["network": Make.reference("network.back", "id")]], protect: protect),
            ])
        }
        try await bench.apply(try stack("10.42.0.0/24"))
        let volume = try #require(bench.host.object("volume.data")?.id)
        let changed = try stack("10.43.0.0/24")
        let plan = try await bench.engine.plan(changed)
        #expect(plan.counts[.recreate] == 1 && !plan.changes.contains(where: \.losesData))
        #expect(try await bench.apply(changed).succeeded)
        #expect(bench.host.object("volume.data")?.id == volume)
        #expect(!bench.host.calls.contains("delete volume.data"))
    }

    @Test("protection taken away together with the change it guards against still holds")
    func protectionTakenAwayAtOnce() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("volume.data", ["owner": 1], protect: true)]))
        let changed = Make.stack([try Make.resource("volume.data", ["owner": 2])])
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.plan(changed) }
        #expect(error?.diagnostics.first?.code == "SC3120")
    }

    @Test("protection outlives the declaration")
    func protection() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("volume.data", [:], line: 7, protect: true)]))
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.plan(Make.stack([])) }
        #expect(error?.diagnostics.first?.code == "SC3121")
        #expect(error?.diagnostics.first?.location?.line == 7)
        await #expect(throws: DiagnosticList.self) { try await bench.engine.planDestroy("shop") }
        // Declared without it once, it can go.
        try await bench.apply(Make.stack([try Make.resource("volume.data")]))
        let plan = try await bench.engine.plan(Make.stack([]))
        #expect(plan.changes.first?.losesData == true)
    }

    @Test("a protected volume is not recreated")
    func protectedRecreate() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("volume.data", ["owner": 1], protect: true)]))
        let changed = Make.stack([
            try Make.resource("volume.data", ["owner": 2], line: 3, protect: true, lines: ["owner": 4])
        ])
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.plan(changed) }
        #expect(error?.diagnostics.first?.code == "SC3120")
        #expect(error?.diagnostics.first?.location?.line == 4)
    }

    @Test("all mistakes are reported at once, each with its line")
    func mistakes() async throws {
        let bench = try Workbench()
        let bad = Make.stack([
            try Make.resource("container.a", ["invalid": 1], line: 3),
            try Make.resource("container.b", ["invalid": 1], line: 4),
        ])
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.plan(bad) }
        #expect(error?.diagnostics.map { $0.location?.line } == [3, 4])
        #expect(error?.diagnostics.map(\.address) == ["container.a", "container.b"])
    }

    @Test("a circle names every member")
    func circle() async throws {
        let bench = try Workbench()
        let stack = Make.stack([
            try Make.resource("container.a", after: [("container.b", .started)], line: 1),
            try Make.resource("container.b", after: [("container.c", .started)], line: 2),
            try Make.resource("container.c", after: [("container.a", .started)], line: 3),
        ])
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.plan(stack) }
        #expect(
            error?.diagnostics.first?.detail == "container.a → container.b → container.c → container.a")
        #expect(error?.diagnostics.first?.notes.count == 3)
    }

    @Test("a chain as long as the stack is large does not exhaust the call stack")
    func longChain() async throws {
        let bench = try Workbench()
        let resources = try (0..<5_000).map { number in
            try Make.resource(
                "container.c\(number)", [:], after: number == 0 ? [] : [("container.c\(number - 1)", .created)])
        }
        let plan = try await bench.engine.plan(Make.stack(resources.reversed()))
        #expect(plan.changes.first?.address.name == "c0")
    }

    @Test("what the host refuses in advance is an error of the plan")
    func preflight() async throws {
        let bench = try Workbench()
        let stack = Make.stack([try Make.resource("container.a", ["port": 22], line: 3, lines: ["port": 5])])
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.plan(stack) }
        #expect(error?.diagnostics.first?.location?.line == 5)
    }

    @Test("another folder's stack of the same name is refused, a moved one is mentioned")
    func origin() async throws {
        let bench = try Workbench()
        let folder = try Files.temporaryDirectory(prefix: "stackctl-origin-test-")
        defer { try? Files.removeTree(folder) }
        let here = StackEngine.Options(origin: folder)
        let there = StackEngine.Options(origin: "/home/b/shop")
        let taking = StackEngine.Options(origin: "/home/b/shop", takeOver: true)
        _ = try await bench.engine.apply(Make.stack(try Make.shop()), options: here) { _ in }
        let other = Make.stack([try Make.resource("container.other")])
        let error = await #expect(throws: DiagnosticList.self) {
            try await bench.engine.plan(other, options: there)
        }
        #expect(error?.diagnostics.first?.code == "SC3142")
        await #expect(throws: DiagnosticList.self) { try await bench.engine.planDestroy("shop", options: there) }
        #expect(try await bench.engine.plan(other, options: taking).diagnostics.map(\.code) == ["SC3143"])
        try Files.removeTree(folder)
        let moved = try await bench.engine.plan(Make.stack(try Make.shop()), options: there)
        #expect(moved.diagnostics.map(\.code) == ["SC3143"])
    }

    @Test("a plan survives the way through JSON")
    func json() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        bench.host.meddle("container.db") { $0.stopped = "exited with 1" }
        let document = Make.stack(try Make.shop(color: "green", suite: "trixie"))
        let plan = try await bench.engine.plan(document)
        let saved = SavedPlan(plan: plan, document: document)
        let text = saved.json.serialized(.pretty)
        #expect(try SavedPlan(json: try JSONValue.parse(text)) == saved)
    }

    @Test("a damaged or newer plan file is refused with a sentence")
    func badPlanFiles() throws {
        for text in [
            "{}", "[]", #"{"format":"stackctl.plan","version":9}"#, #"{"format":"stackctl.plan","version":1}"#,
        ] {
            #expect(throws: DiagnosticList.self) { try SavedPlan(json: try JSONValue.parse(text)) }
        }
    }
}
