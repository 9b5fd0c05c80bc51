import Apply
import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore
import Testing

/// Plans of large stacks.
///
/// The bars are for a release build; a debug build is only kept from being quadratic.
@Suite(.serialized) struct SpeedTests {
    #if DEBUG
    private static let slack = 30.0
    #else
    private static let slack = 1.0
    #endif

    @Test("a plan that finds nothing to do is fast for many resources", arguments: [(1_000, 100.0), (10_000, 1_000.0)])
    func emptyPlan(count: Int, bar: Double) async throws {
        let bench = try Workbench(parallelism: 8)
        let document = try generateStack(resources: count)
        try record(document, bench)
        var best = Double.infinity
        for _ in 0..<3 {
            let plan = try await bench.engine.plan(document)
            #expect(plan.isEmpty, "\(plan.changes.first { $0.action != .noChange }.debugDescription)")
            best = min(best, plan.milliseconds)
        }
        print("no-op plan of \(document.resources.count) resources: \(best) ms")
        #expect(best <= bar * Self.slack)
    }

    @Test("a plan of only new resources is fast too, and so is its text")
    func newPlan() async throws {
        let bench = try Workbench()
        let document = try generateStack(resources: 10_000)
        let plan = try await bench.engine.plan(document)
        let start = Clock.monotonic()
        let bytes = plan.json.serializedBytes(.compact)
        let copy = try Plan(json: try JSONValue.parse(bytes))
        let text = PlanRendering(copy, color: false).text()
        let rest = Double(Clock.monotonic() - start) / 1e6
        print("create plan: \(plan.milliseconds) ms; JSON (\(bytes.count) bytes) and text: \(rest) ms")
        #expect(text.contains("to create"))
        #expect(plan.milliseconds <= 1_000 * Self.slack)
    }

    /// Writes what an apply would have left, without its thousands of commits.
    private func record(_ document: StackDocument, _ bench: Workbench) throws {
        var rows: [ResourceRow] = []
        for resource in document.resources {
            let id = "\(resource.address)"
            let outputs: JSONObject = ["id": .string("id-\(id)"), "host": .string(resource.address.name)]
            let attributes =
                StackReference.resolveKnown(.object(resource.attributes)) { reference in
                    reference.attribute == "host" ? .string(reference.address.name) : .string("id-\(reference.address)")
                }.value.objectValue ?? [:]
            var dependencies: JSONObject = [:]
            for reference in StackReference.references(in: .object(resource.attributes)) {
                dependencies[reference.address.description] = "created"
            }
            rows.append(
                ResourceRow(
                    stack: document.name, address: id, kind: resource.address.kind.rawValue, objectID: id,
                    attributes: attributes, outputs: outputs, location: resource.location.json,
                    locations: ["env.PEER": resource.location.json], dependencies: dependencies, protect: false,
                    updated: 0))
            bench.host.withState {
                $0.objects[id] = MemoryHost.Object(
                    id: id, stack: document.name, address: resource.address, attributes: attributes, outputs: outputs,
                    isWhole: true)
            }
        }
        let saved = rows
        try bench.database.write { transaction in
            try transaction.save(
                StackRow(name: document.name, generation: 1, origin: nil, outputs: [], created: 0, updated: 0))
            for row in saved { try transaction.save(row) }
        }
    }
}
