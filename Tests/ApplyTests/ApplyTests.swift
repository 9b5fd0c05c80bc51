import Apply
import Diagnostics
import JSONText
import StackModel
import StateStore
import Testing

@Suite struct ApplyTests {
    @Test("a failed step skips what needs it, naming it, and nothing else; the next apply goes on")
    func failure() async throws {
        let bench = try Workbench()
        let stack = Make.stack(try Make.shop() + [try Make.resource("container.alone")])
        bench.host.fail("create container.db")
        let log = EventLog()
        let summary = try await bench.apply(stack, log)
        #expect(summary.failed.map(\.description) == ["container.db"])
        #expect(summary.skipped.map(\.description) == ["container.web"])
        #expect(
            log.skipped == [
                "container.db: it needs container.db, which failed",
                "container.web: it needs container.db, which failed",
            ])
        #expect(bench.host.object("container.alone") != nil)
        #expect(try bench.orphans("shop").isEmpty)
        bench.host.forgetCalls()
        #expect(try await bench.apply(stack).succeeded)
        #expect(bench.host.calls == ["create container.db", "wait container.db", "create container.web"])
        #expect(try await bench.engine.plan(stack).isEmpty)
    }

    @Test("containers that are slow to stop are stopped together, however few steps may act at a time")
    func slowStops() async throws {
        let bench = try Workbench(parallelism: 2)
        let names = (0..<30).map { "container.c\($0)" }
        try await bench.apply(Make.stack(try names.map { try Make.resource($0) } + [try Make.resource("volume.v")]))
        bench.host.withState { $0.stopsTogether = 30 }
        #expect(try await bench.engine.destroy("shop") { _ in }.succeeded)
        let most = bench.host.withState { $0.mostPresent }
        #expect(most["delete container"] == 30)
        #expect((most["create container"] ?? 0) <= 2)
    }

    @Test("dependents are deleted before what they were made on")
    func destroy() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        bench.host.forgetCalls()
        let summary = try await bench.engine.destroy("shop") { _ in }
        #expect(summary.succeeded)
        let calls = bench.host.calls
        let web = try #require(calls.firstIndex(of: "delete container.web"))
        let db = try #require(calls.firstIndex(of: "delete container.db"))
        let network = try #require(calls.firstIndex(of: "delete network.back"))
        #expect(web < db && db < network)
        #expect(bench.host.objects(of: "shop").isEmpty)
        #expect(try await bench.engine.stackNames().isEmpty)
        await #expect(throws: DiagnosticList.self) { try await bench.engine.show("shop") }
        #expect(try await bench.engine.history("shop").map(\.operation) == ["destroy", "apply"])
    }

    @Test("a port moves against a dependency, and two are exchanged, while their containers run on")
    func portsMove() async throws {
        let bench = try Workbench()
        func stack(_ db: JSONValue?, _ web: JSONValue?) throws -> StackDocument {
            var (first, second): (JSONObject, JSONObject) = ([:], [:])
            first["port"] = db
            second["port"] = web
            return Make.stack([
                try Make.resource("container.db", first),
                try Make.resource("container.web", second, after: [("container.db", .started)]),
            ])
        }
        for (db, web) in [(nil, 80), (80, nil), (nil, 80), (81, 80), (80, 81), (81, 80)] as [(JSONValue?, JSONValue?)] {
            let summary = try await bench.apply(try stack(db, web))
            #expect(summary.succeeded, "\(db ?? "-") \(web ?? "-")")
            #expect(bench.host.object("container.db")?.attributes["port"] == db)
            #expect(bench.host.object("container.web")?.attributes["port"] == web)
            #expect(summary.done.values.reduce(0, +) <= 2)
            #expect(try await bench.engine.plan(try stack(db, web)).isEmpty)
        }
        #expect(bench.host.withState { $0.made } == ["container.db": 1, "container.web": 1])
    }

    @Test("a new container may take the port of one that goes")
    func portHandover() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("container.old", ["port": 80])]))
        let stack = Make.stack([try Make.resource("container.new", ["port": 80])])
        #expect(try await bench.apply(stack).succeeded)
        #expect(bench.host.objects(of: "shop").map(\.address.name) == ["new"])
    }

    @Test("a rebuilt image replaces the old one, which is kept for a rollback and then goes")
    func imageReplacement() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        bench.host.forgetCalls()
        let stack = Make.stack(try Make.shop(suite: "trixie"))
        #expect(try await bench.apply(stack).succeeded)
        #expect(bench.host.calls.contains("create container.web"))
        #expect(!bench.host.calls.contains("delete image.site"))
        #expect(try bench.current("shop").count == 5 && bench.host.objects(of: "shop").count == 6)
        #expect(try await bench.apply(Make.stack(try Make.shop(color: "green", suite: "trixie"))).succeeded)
        #expect(bench.host.calls.last == "delete image.site" && bench.host.objects(of: "shop").count == 5)
        #expect(try bench.orphans("shop").isEmpty)
    }

    @Test("an image rebuilt to the same id leaves its containers alone")
    func sameImage() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let before = try #require(bench.host.object("container.web"))
        let stack = Make.stack(try Make.shop(spelling: "other"))
        let plan = try await bench.engine.plan(stack)
        #expect(plan.counts[.recreate] == 2)
        bench.host.forgetCalls()
        let summary = try await bench.apply(stack)
        #expect(summary.succeeded && summary.done == ["create": 1] && summary.unchanged == 4)
        #expect(bench.host.object("container.web")?.id == before.id)
        #expect(!bench.host.calls.contains("delete container.web"))
        #expect(try await bench.engine.plan(stack).isEmpty)
    }

    @Test("a failed image build leaves the running container alone, and the old image too")
    func failedBuild() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        bench.host.fail("create image.site")
        let summary = try await bench.apply(Make.stack(try Make.shop(suite: "trixie")))
        #expect(summary.failed.map(\.description) == ["image.site"])
        #expect(bench.host.object("container.web") != nil)
        #expect(bench.host.objects(of: "shop").count == 5)
    }

    @Test("a saved plan is applied as it was shown")
    func savedPlan() async throws {
        let bench = try Workbench()
        let document = Make.stack(try Make.shop())
        let saved = SavedPlan(plan: try await bench.engine.plan(document), document: document)
        #expect(try await bench.engine.apply(saved) { _ in }.succeeded)
        let empty = try await bench.engine.planDestroy("shop")
        #expect(try await bench.engine.apply(SavedPlan(plan: empty, document: nil)) { _ in }.succeeded)
        #expect(bench.host.objects(of: "shop").isEmpty)
    }

    @Test("a saved plan carries the folder it was made in, and whether the stack is taken over")
    func savedOrigin() async throws {
        let bench = try Workbench()
        let document = Make.stack([try Make.resource("container.a")])
        func saved(_ origin: String, takeOver: Bool) async throws -> SavedPlan {
            let options = StackEngine.Options(origin: origin, takeOver: takeOver)
            let plan = try await bench.engine.plan(document, options: options)
            let made = SavedPlan(plan: plan, document: document, origin: origin, takeOver: takeOver)
            let read = try SavedPlan(json: made.json)
            #expect(read == made)
            return read
        }
        try await bench.engine.apply(try await saved("/tmp", takeOver: false)) { _ in }
        #expect(try await bench.engine.show("shop").origin == "/tmp")
        await #expect(throws: DiagnosticList.self) { try await saved("/usr", takeOver: false) }
        try await bench.engine.apply(try await saved("/usr", takeOver: true)) { _ in }
        #expect(try await bench.engine.show("shop").origin == "/usr")
    }

    @Test("a stale plan is refused, saying what changed and how; nothing is touched")
    func stalePlan() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let document = Make.stack(try Make.shop(color: "green"))
        let saved = SavedPlan(plan: try await bench.engine.plan(document), document: document)
        bench.host.meddle("container.web") { $0.attributes.set(7, at: ["limits", "memory"]) }
        bench.host.meddle("container.db") { $0.stopped = "exited with 137" }
        bench.host.forgetCalls()
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.apply(saved) { _ in } }
        let diagnostic = try #require(error?.diagnostics.first)
        #expect(diagnostic.code == "SC3130")
        #expect(
            diagnostic.notes == [
                "container.db needed nothing, and now needs repair (exited with 137)",
                "container.web limits.memory was 256 bytes, is 7 bytes",
            ])
        #expect(bench.host.calls.isEmpty)
    }

    @Test("a saved plan is refused once it was applied")
    func planAppliedTwice() async throws {
        let bench = try Workbench()
        let document = Make.stack([try Make.resource("container.a")])
        let saved = SavedPlan(plan: try await bench.engine.plan(document), document: document)
        _ = try await bench.engine.apply(saved) { _ in }
        let error = await #expect(throws: DiagnosticList.self) { try await bench.engine.apply(saved) { _ in } }
        #expect(error?.diagnostics.first?.notes == ["container.a has been made since"])
    }

    @Test("two applies of one stack take turns; an impatient one is told who is at it")
    func lock() async throws {
        let locks = StackLocks()
        let first = LockHolder(uid: 7, pid: 42, operation: "apply")
        try await locks.withLock("a", first, patience: .zero) {
            let error = await #expect(throws: Diagnostic.self) {
                try await locks.withLock("a", LockHolder(uid: 8, operation: "apply"), patience: .milliseconds(20)) {}
            }
            #expect(error?.detail?.hasPrefix("apply by user 7, process 42, for ") == true)
            // Another stack is free.
            try await locks.withLock("b", first, patience: .zero) {}
        }
        let bench = try Workbench()
        let document = Make.stack(try Make.shop())
        async let one = bench.apply(document)
        async let two = bench.apply(document)
        let (a, b) = try await (one, two)
        #expect(a.succeeded && b.succeeded)
        #expect(bench.host.withState { $0.made.values.allSatisfy { $0 == 1 } })
        #expect(max(a.generation, b.generation) == 1)
    }

    @Test("moved lines are recorded by an apply that changes nothing else")
    func movedLines() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("container.a", ["limits": ["memory": 1]], line: 3)]))
        try await bench.apply(Make.stack([try Make.resource("container.a", ["limits": ["memory": 1]], line: 9)]))
        bench.host.meddle("container.a") { $0.stopped = "killed" }
        let report = try await bench.engine.drift("shop")
        #expect(report.entries.first?.location?.line == 9)
        #expect(report.generation == 1)
    }

    @Test("when the journal cannot be written nothing more is tried, and the next apply finishes")
    func unwritableJournal() async throws {
        let bench = try Workbench()
        let document = Make.stack(try Make.shop())
        let full = DatabaseError(code: 13, message: "database or disk is full", statement: "COMMIT")
        let engine = bench.newEngine(crashPoint: CrashPoint { throw full })
        let error = await #expect(throws: DiagnosticList.self) { try await engine.apply(document) { _ in } }
        #expect(error?.diagnostics.first?.code == "SC3002")
        #expect(!bench.host.calls.contains { $0.hasPrefix("create") })
        #expect(try await bench.apply(document).succeeded)
    }

    @Test("a damaged row of one stack is told, and hides no stack")
    func damagedRow() async throws {
        let bench = try Workbench()
        for name in ["shop", "well"] {
            try await bench.apply(Make.stack([try Make.resource("container.a")], name: name))
        }
        try bench.database.write { transaction in
            try transaction.run("UPDATE resources SET attributes = '{' WHERE stack = ?1", [.text("shop")])
        }
        #expect(try await bench.engine.stackNames() == ["shop", "well"])
        #expect(try await bench.engine.damage(of: "shop")?.contains("column attributes is not JSON") == true)
        #expect(try await bench.engine.damage(of: "well") == nil)
    }

    @Test("outputs are resolved, and shown again later")
    func outputs() async throws {
        let bench = try Workbench()
        var document = Make.stack(try Make.shop())
        document.outputs = [
            StackOutput(
                name: "url", value: ["$text": ["http://", Make.reference("container.web", "host"), "/"]],
                location: SourceLocation(file: "Stack.swift", line: 40))
        ]
        let summary = try await bench.apply(document)
        #expect(summary.outputs == [ResolvedOutput(name: "url", value: "http://web/", sensitive: false)])
        #expect(try await bench.engine.show("shop").outputs == summary.outputs)
    }
}
