import Apply
import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore
import Testing

@Suite("Plans of large stacks", .serialized)
struct LargeStackTests {
    @Test("what was applied needs nothing, however many resources there are")
    func emptyPlan() async throws {
        let bench = try Workbench(parallelism: 8)
        let document = try generateStack(resources: 2_000)
        try record(document, bench)
        let plan = try await bench.engine.plan(document)
        #expect(plan.isEmpty, "\(plan.changes.first { $0.action != .noChange }.debugDescription)")
    }

    @Test("a plan of thousands of new resources survives its JSON form, and has a text")
    func newPlan() async throws {
        let bench = try Workbench()
        let document = try generateStack(resources: 2_000)
        let plan = try await bench.engine.plan(document)
        let copy = try Plan(json: try JSONValue.parse(plan.json.serializedBytes(.compact)))
        #expect(copy == plan)
        #expect(PlanRendering(copy, color: false).text().contains("\(document.resources.count) to create"))
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
