import Diagnostics
import JSONText
import StackModel

/// Makes a plan of three values: what is declared, what was set, and what the host has.
///
/// Pure: it is given observers, which cannot change anything, and asks them only what needs no host.
package struct Planner: Sendable {
    let observers: Observers

    package init(observers: Observers) {
        self.observers = observers
    }

    /// The plan that makes the host match the document.
    ///
    /// - Throws: everything that is wrong with the document, and each protected object it would delete.
    package func plan(
        _ document: StackDocument, recorded: RecordedStack, observed: [ResourceAddress: ObservedObject]
    ) throws(DiagnosticList) -> PlannedStack {
        let graph = try DependencyGraph(document.resources)
        var work = PlanningWork(
            stack: document.name, graph: graph, recorded: recorded, observed: observed, observers: observers)
        for position in graph.order { work.plan(position) }
        let gone = recorded.resources.values.filter { work.isUndeclared($0.object.address) }
        return try finish(&work, deleting: gone, goal: .apply, graph: graph)
    }

    /// The plan that leaves nothing of the stack.
    ///
    /// - Throws: a diagnostic for each protected object.
    package func destroy(
        _ stack: String, recorded: RecordedStack, observed: [ResourceAddress: ObservedObject]
    ) throws(DiagnosticList) -> PlannedStack {
        let graph = try DependencyGraph([])
        var work = PlanningWork(
            stack: stack, graph: graph, recorded: recorded, observed: observed, observers: observers)
        return try finish(&work, deleting: Array(recorded.resources.values), goal: .destroy, graph: nil)
    }

    private func finish(
        _ work: inout PlanningWork, deleting gone: [RecordedResource], goal: Plan.Goal, graph: DependencyGraph?
    ) throws(DiagnosticList) -> PlannedStack {
        let deletes = DeleteOrder.of(gone).map { work.delete($0, goal: goal) }
        guard work.problems.isEmpty else { throw DiagnosticList(DiagnosticList(work.problems).sorted) }
        let desired = work.desired.compactMap { $0 }
        let ordered = (graph?.order ?? []).compactMap { work.desired[$0]?.change }
        var plan = Plan(
            stack: work.stack, goal: goal, generation: work.recorded.generation, changes: ordered + deletes)
        plan.fingerprints = Fingerprints.of(plan, work.recorded, work.observed)
        return PlannedStack(
            plan: plan, desired: desired, graph: graph, recorded: work.recorded, observed: work.observed)
    }
}

/// Orders objects so that each is deleted before what it was made after.
enum DeleteOrder {
    static func of(_ objects: [RecordedResource]) -> [RecordedResource] {
        let sorted = objects.sorted { $0.object.address < $1.object.address }
        let index = AddressIndex(sorted.map(\.object.address))
        let edges = sorted.map { object in object.dependencies.flatMap { index.targets(of: $0) } }
        switch TopologicalOrder.of(count: sorted.count, edges: { edges[$0] }) {
        case .ordered(let order): return order.reversed().map { sorted[$0] }
        // What was made in some order has no circle; should the record say so, kinds give an order that works.
        case .cycle: return sorted.reversed()
        }
    }
}

/// Takes the fingerprints a plan rests on.
enum Fingerprints {
    static func of(
        _ plan: Plan, _ recorded: RecordedStack, _ observed: [ResourceAddress: ObservedObject]
    ) -> [ResourceAddress: PlannedObject] {
        var prints: [ResourceAddress: PlannedObject] = [:]
        for change in plan.changes where change.action != .noChange {
            guard let resource = recorded.resources[change.address] else { continue }
            prints[change.address] = object(resource, observed[change.address])
        }
        return prints
    }

    static func object(_ resource: RecordedResource, _ found: ObservedObject?) -> PlannedObject {
        PlannedObject(
            objectID: resource.object.objectID, fingerprint: found?.fingerprint, condition: found?.condition.text,
            attributes: found?.attributes.restricted(to: resource.object.attributes) ?? JSONObject())
    }
}
