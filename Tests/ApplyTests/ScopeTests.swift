import Apply
import Diagnostics
import JSONText
import StackModel
import StateStore
import Testing

@Suite struct ScopeTests {
    private func address(_ text: String) throws -> ResourceAddress { try #require(ResourceAddress(text)) }

    private func scope(
        _ targets: [String]? = nil, replaced: [String] = [], keepsExisting: Bool = false,
        keptKinds: Set<ResourceKind> = []
    ) throws -> PlanScope {
        var scope = PlanScope()
        scope.targets = try targets.map { Set(try $0.map(address)) }
        scope.replaced = Set(try replaced.map(address))
        scope.keepsExisting = keepsExisting
        scope.keptKinds = keptKinds
        return scope
    }

    private func options(_ scope: PlanScope) -> StackEngine.Options { StackEngine.Options(scope: scope) }

    private func changed(_ plan: Plan) -> [String] {
        plan.changes.filter { $0.action != .noChange }.map { "\($0.action.rawValue) \($0.address)" }
    }

    @Test("only the targets are changed, and what is outside of them lends its outputs")
    func targets() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        var resources = try Make.shop(color: "green")
        resources[3].attributes["limits"] = ["memory": 1024]
        let document = Make.stack(resources)
        let options = options(try scope(["container.web"]))
        let plan = try await bench.engine.plan(document, options: options)
        #expect(changed(plan) == ["recreate container.web"])
        #expect(try await bench.engine.apply(document, options: options) { _ in }.succeeded)
        #expect(bench.host.object("container.web")?.attributes["env"]?["COLOR"] == "green")
        #expect(bench.host.object("container.db")?.attributes["limits"]?["memory"] == 512)
        #expect(changed(try await bench.engine.plan(document)) == ["update container.db"])
    }

    @Test("records outside of the targets stay as they are, lines and protection too")
    func records() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let before = try bench.database.read { try $0.resource(stack: "shop", address: "container.db") }
        var resources = try Make.shop(memory: 300)
        resources[3].location.line = 99
        resources[3].protect = true
        try await bench.engine.apply(Make.stack(resources), options: options(try scope(["container.web"]))) { _ in }
        let after = try bench.database.read { try $0.resource(stack: "shop", address: "container.db") }
        #expect(before == after)
    }

    @Test("what is no longer declared is deleted only as a target, and else told")
    func undeclared() async throws {
        let bench = try Workbench()
        let web = try (1...3).map { try Make.resource("container.web[\($0)]", ["env": ["A": "1"]]) }
        let old = try Make.resource("container.old[1]", ["env": ["A": "1"]])
        try await bench.apply(Make.stack(web + [old]))
        let fewer = Make.stack([web[0]])
        let scoped = try await bench.engine.plan(fewer, options: options(try scope(["container.web"])))
        #expect(changed(scoped) == ["delete container.web[3]", "delete container.web[2]"])
        #expect(scoped.untouched == [try address("container.old[1]")])
        #expect(changed(try await bench.engine.plan(fewer)).contains("delete container.old[1]"))
        let one = try await bench.engine.plan(fewer, options: options(try scope(["container.web[1]"])))
        #expect(one.isEmpty && one.untouched.count == 3)
    }

    @Test("a target that needs what is not there says what else to take in")
    func missing() async throws {
        let bench = try Workbench()
        let document = Make.stack(try Make.shop())
        let options = options(try scope(["container.db", "volume.data"]))
        let error = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.plan(document, options: options)
            })
        #expect(error.diagnostics.map(\.code) == ["SC3150"])
        #expect(error.diagnostics.first?.summary == "container.db needs network.back, which is not there")
        #expect(error.diagnostics.first?.hint == "take it in too: --target network.back")
    }

    @Test("an order without a reference to what is not there does not stand in the way")
    func orderOnly() async throws {
        let bench = try Workbench()
        let document = Make.stack([
            try Make.resource("container.a"), try Make.resource("container.b", after: [("container.a", .created)]),
        ])
        let summary = try await bench.engine.apply(document, options: options(try scope(["container.b"]))) { _ in }
        #expect(summary.succeeded)
        #expect(bench.host.object("container.a") == nil && bench.host.object("container.b") != nil)
    }

    @Test("a network is not recreated under a container outside of the targets")
    func held() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        var resources = try Make.shop()
        resources[1].attributes["subnet"] = "10.43.0.0/24"
        let options = options(try scope(["network.back", "container.web"]))
        let document = Make.stack(resources)
        let error = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.plan(document, options: options)
            })
        #expect(error.diagnostics.map(\.code) == ["SC3152"])
        #expect(error.diagnostics.first?.summary == "network.back would be recreated, and container.db uses it")
    }

    @Test("what is to be replaced is recreated, and the reason is that it was asked for")
    func replaced() async throws {
        let bench = try Workbench()
        let document = Make.stack(try Make.shop())
        try await bench.apply(document)
        let before = bench.host.object("container.web")?.id
        let options = options(try scope(replaced: ["container.web"]))
        let plan = try await bench.engine.plan(document, options: options)
        #expect(changed(plan) == ["recreate container.web"])
        let reason = try #require(plan.changes.last?.reasons.first)
        #expect(reason.note == "asked for" && reason.cause == .manifest)
        #expect(try await bench.engine.apply(document, options: options) { _ in }.succeeded)
        #expect(bench.host.object("container.web")?.id != before)
        #expect(try await bench.engine.plan(document).isEmpty)
    }

    @Test("a protected volume is not replaced, whoever asks")
    func replacedVolume() async throws {
        let bench = try Workbench()
        var resources = try Make.shop()
        resources[2].protect = true
        let document = Make.stack(resources)
        try await bench.apply(document)
        let options = options(try scope(replaced: ["volume.data"]))
        let error = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.plan(document, options: options)
            })
        #expect(error.diagnostics.map(\.code) == ["SC3120"])
    }

    @Test("what exists can be left as it is: changes and drift alike, but what stopped is started")
    func existing() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        bench.host.meddle("container.db") { $0.attributes.set(9, at: ["limits", "memory"]) }
        bench.host.vanish("container.web")
        let document = Make.stack(try Make.shop(color: "green"))
        let options = options(try scope(keepsExisting: true))
        #expect(changed(try await bench.engine.plan(document, options: options)) == ["create container.web"])
        #expect(try await bench.engine.apply(document, options: options) { _ in }.succeeded)
        #expect(bench.host.object("container.web")?.attributes["env"]?["COLOR"] == "green")
        #expect(bench.host.object("container.db")?.attributes["limits"]?["memory"] == 9)
        bench.host.meddle("container.db") { $0.stopped = "it exited with 1" }
        #expect(changed(try await bench.engine.plan(document, options: options)) == ["repair container.db"])
        #expect(try await bench.engine.apply(document, options: options) { _ in }.succeeded)
        #expect(bench.host.object("container.db")?.attributes["limits"]?["memory"] == 9)
        #expect(changed(try await bench.engine.plan(document)) == ["update container.db"])
    }

    @Test("a destroy leaves kinds and what is no target; the stack is known until nothing is left")
    func destroy() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let kept = options(try scope(keptKinds: [.volume, .image]))
        let plan = try await bench.engine.planDestroy("shop", options: kept)
        #expect(plan.untouched.map(\.description) == ["image.site", "volume.data"])
        #expect(try await bench.engine.destroy("shop", options: kept) { _ in }.succeeded)
        #expect(Set(bench.host.objects(of: "shop").map(\.address.kind)) == [.volume, .image])
        #expect(try await bench.engine.stackNames() == ["shop"])
        #expect(try await bench.engine.show("shop").resources.count == 2)
        #expect(try await bench.engine.destroy("shop") { _ in }.succeeded)
        #expect(try await bench.engine.stackNames().isEmpty)
    }

    @Test("a destroy does not take a network from under a container that stays")
    func destroyHeld() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let options = options(try scope(["network.back", "container.web"]))
        let error = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.planDestroy("shop", options: options)
            })
        #expect(error.diagnostics.map(\.code) == ["SC3151"])
        #expect(error.diagnostics.first?.hint == "take it in too: --target container.db")
    }

    @Test("a saved plan carries its scope, and is stale where the targets changed meanwhile")
    func saved() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        let document = Make.stack(try Make.shop(color: "green", memory: 300))
        let options = options(try scope(["container.web"], replaced: ["container.web"]))
        let plan = try await bench.engine.plan(document, options: options)
        let read = try SavedPlan(json: SavedPlan(plan: plan, document: document).json)
        #expect(read.plan == plan)
        bench.host.meddle("container.db") { $0.attributes.set(9, at: ["limits", "memory"]) }
        #expect(try await bench.engine.apply(read) { _ in }.succeeded)
        #expect(bench.host.object("container.db")?.attributes["limits"]?["memory"] == 9)
        await #expect(throws: DiagnosticList.self) { try await bench.engine.apply(read) { _ in } }
    }

    @Test("an output that only the rest would give keeps what was recorded of it")
    func outputs() async throws {
        let bench = try Workbench()
        var document = Make.stack([try Make.resource("container.a")])
        document.outputs = [output("host", "container.a")]
        try await bench.apply(document)
        document.resources.append(try Make.resource("container.b"))
        document.outputs = [output("host", "container.b"), output("first", "container.a")]
        let scope = try scope(["container.a"], replaced: ["container.a"])
        try await bench.engine.apply(document, options: options(scope)) { _ in }
        let shown = try await bench.engine.show("shop").outputs
        #expect(shown.map(\.name) == ["host", "first"])
        #expect(shown.allSatisfy { $0.value == "a" })
    }

    private func output(_ name: String, _ address: String) -> StackOutput {
        StackOutput(
            name: name, value: Make.reference(address, "host"), location: SourceLocation(file: "Stack.swift", line: 1))
    }
}
