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
    /// - Throws: everything that is wrong with the document, each protected object it would delete, and what the scope
    ///   keeps from being done.
    package func plan(
        _ document: StackDocument, recorded: RecordedStack, observed: [ResourceAddress: ObservedObject],
        scope: PlanScope = PlanScope()
    ) throws(DiagnosticList) -> PlannedStack {
        let graph = try DependencyGraph(document.resources)
        var work = PlanningWork(
            stack: document.name, graph: graph, recorded: recorded, observed: observed, observers: observers,
            scope: scope)
        for position in graph.order { work.plan(position) }
        let undeclared = recorded.resources.values.filter { work.isUndeclared($0.object.address) }
        let gone = undeclared.filter { scope.covers($0.object.address) }
        return try finish(&work, deleting: gone, outOf: undeclared, goal: .apply, graph: graph)
    }

    /// The plan that leaves nothing of the stack, or nothing of it within the scope.
    ///
    /// - Throws: a diagnostic for each protected object, and for each that something outside of the scope uses.
    package func destroy(
        _ stack: String, recorded: RecordedStack, observed: [ResourceAddress: ObservedObject],
        scope: PlanScope = PlanScope()
    ) throws(DiagnosticList) -> PlannedStack {
        let graph = try DependencyGraph([])
        var work = PlanningWork(
            stack: stack, graph: graph, recorded: recorded, observed: observed, observers: observers, scope: scope)
        let all = Array(recorded.resources.values)
        let gone = all.filter { resource in
            scope.covers(resource.object.address) && !scope.keptKinds.contains(resource.object.address.kind)
        }
        return try finish(&work, deleting: gone, outOf: all, goal: .destroy, graph: nil)
    }

    private func finish(
        _ work: inout PlanningWork, deleting gone: [RecordedResource], outOf undeclared: [RecordedResource],
        goal: Plan.Goal, graph: DependencyGraph?
    ) throws(DiagnosticList) -> PlannedStack {
        let leaving = Set(gone.map(\.object.address))
        let untouched = undeclared.map(\.object.address).filter { !leaving.contains($0) }.sorted()
        work.checkScope(deleting: gone, untouched: untouched)
        work.orderRecreations(deleting: gone)
        let deletes = DeleteOrder.of(gone).map { work.delete($0, goal: goal) }
        guard work.problems.isEmpty else { throw DiagnosticList(DiagnosticList(work.problems).sorted) }
        let desired = work.desired.compactMap { $0 }
        let ordered = (graph?.order ?? []).compactMap { position in
            work.desired[position].flatMap { $0.part == .absent ? nil : $0.change }
        }
        var plan = Plan(
            stack: work.stack, goal: goal, generation: work.recorded.generation, changes: ordered + deletes,
            scope: work.scope, untouched: untouched)
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
