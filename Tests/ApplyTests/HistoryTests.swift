import Apply
import Diagnostics
import JSONText
import StackModel
import StateStore
import Testing

@Suite struct HistoryTests {
    private func scope(_ targets: [String]) throws -> StackEngine.Options {
        var scope = PlanScope()
        scope.targets = Set(try targets.map { try #require(ResourceAddress($0)) })
        return StackEngine.Options(scope: scope)
    }

    @Test("each generation has its document and the images its names meant, and can be applied again")
    func generations() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop(color: "blue")))
        let blue = bench.host.object("container.web")?.attributes["image"]?.stringValue
        try await bench.apply(Make.stack(try Make.shop(color: "green", suite: "trixie")))
        let earlier = try await bench.engine.generation(nil, of: "shop")
        #expect(earlier.row.generation == 1 && earlier.row.operation == "apply")
        #expect(earlier.images[try #require(ResourceAddress("container.web"))] == blue)
        #expect(earlier.images[try #require(ResourceAddress("image.site"))] == blue)
        var options = StackEngine.Options()
        options.rollback = 1
        #expect(try await bench.engine.apply(earlier.document, options: options) { _ in }.succeeded)
        #expect(bench.host.object("container.web")?.attributes["env"]?["COLOR"] == "blue")
        let newest = try #require(try await bench.engine.history("shop").first)
        #expect(newest.operation == "rollback" && newest.generation == 3 && newest.summary["rollback"] == 1)
        #expect(try await bench.engine.generation(nil, of: "shop").row.generation == 2)
    }

    @Test("the image of the generation before stays, and goes with the one after")
    func images() async throws {
        let bench = try Workbench()
        func suites() -> Set<String> {
            Set(bench.host.objects(of: "shop").compactMap { $0.attributes["suite"]?.stringValue })
        }
        try await bench.apply(Make.stack(try Make.shop(suite: "a")))
        try await bench.apply(Make.stack(try Make.shop(suite: "b")))
        #expect(suites() == ["a", "b"])
        #expect(try await bench.engine.show("shop").openSteps == 0)
        try await bench.apply(Make.stack(try Make.shop(suite: "c")))
        #expect(suites() == ["b", "c"])
        #expect(try await bench.engine.destroy("shop") { _ in }.succeeded)
        #expect(bench.host.objects(of: "shop").isEmpty)
    }

    @Test("a generation that failed is not gone back to")
    func failed() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("container.a", ["env": ["A": "1"]])]))
        bench.host.fail("create container.a")
        try await bench.apply(Make.stack([try Make.resource("container.a", ["env": ["A": "2"]])]))
        try await bench.apply(Make.stack([try Make.resource("container.a", ["env": ["A": "3"]])]))
        #expect(try await bench.engine.generation(nil, of: "shop").row.generation == 1)
        let error = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.generation(2, of: "shop")
            })
        #expect(error.diagnostics.map(\.code) == ["SC3153"])
        #expect(error.diagnostics.first?.detail == "There are: 3, 1.")
    }

    @Test("a stack without an earlier generation says so, and one nobody knows too")
    func none() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack([try Make.resource("container.a")]))
        let error = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.generation(nil, of: "shop")
            })
        #expect(error.diagnostics.first?.summary == "stack shop has no generation before this one")
        let unknown = try #require(
            await #expect(throws: DiagnosticList.self) {
                try await bench.engine.generation(1, of: "shopp")
            })
        #expect(unknown.diagnostics.map(\.code) == ["SC3141"])
    }

    @Test("the document of a part's apply has the rest as it was")
    func parts() async throws {
        let bench = try Workbench()
        try await bench.apply(Make.stack(try Make.shop()))
        var resources = try Make.shop(color: "green")
        resources[3].attributes["limits"] = ["memory": 1024]
        resources.append(try Make.resource("container.absent"))
        resources.remove(at: 2)
        resources[2].attributes["volume"] = nil
        resources[2].dependencies.removeLast()
        try await bench.engine.apply(Make.stack(resources), options: try scope(["container.web"])) { _ in }
        let document = try await bench.engine.generation(2, of: "shop").document
        func resource(_ address: String) throws -> StackResource? {
            document.resource(try #require(ResourceAddress(address)))
        }
        #expect(try resource("container.web")?.attributes["env"]?["COLOR"] == "green")
        #expect(try resource("container.db")?.attributes["limits"]?["memory"] == 512)
        #expect(try resource("container.db")?.attributes["volume"] == Make.reference("volume.data", "id"))
        #expect(try resource("volume.data") != nil && resource("container.absent") == nil)
        #expect(try await bench.engine.plan(document).isEmpty)
    }
}
