import Diagnostics
import JSONText
import StackModel

/// One planning under way: resources are planned in dependency order, each after what it refers to.
struct PlanningWork {
    let stack: String
    let graph: DependencyGraph
    let recorded: RecordedStack
    let observed: [ResourceAddress: ObservedObject]
    let observers: Observers
    let scope: PlanScope
    var desired: [DesiredResource?]
    var problems: [Diagnostic] = []
    private let declared: Set<ResourceAddress>

    init(
        stack: String, graph: DependencyGraph, recorded: RecordedStack, observed: [ResourceAddress: ObservedObject],
        observers: Observers, scope: PlanScope
    ) {
        self.stack = stack
        self.graph = graph
        self.recorded = recorded
        self.observed = observed
        self.observers = observers
        self.scope = scope
        desired = Array(repeating: nil, count: graph.resources.count)
        declared = Set(graph.resources.map(\.address))
    }

    func isUndeclared(_ address: ResourceAddress) -> Bool { !declared.contains(address) }

    /// Plans one resource.
    ///
    /// What it depends on has been planned.
    mutating func plan(_ position: Int) {
        let resource = graph.resources[position]
        guard scope.covers(resource.address) else {
            desired[position] = left(resource)
            return
        }
        // Of what nobody recorded only that is observed which is there in its place.
        if scope.keepsExisting, recorded.resources[resource.address] == nil, observed[resource.address] != nil {
            desired[position] = left(resource)
            return
        }
        do {
            let observer = try observers.observer(for: resource.address.kind)
            let attributes = try Normalisation.attributes(of: resource, observer) { reference in
                guard let target = graph.position(of: reference.address) else { return nil }
                return desired[target]?.outputs.value(at: reference.attribute)
            }
            var item = ResourcePlanning(
                resource: resource, observer: observer, recorded: recorded.resources[resource.address]?.object,
                observed: observed[resource.address]
            ).compare(attributes)
            if scope.keepsExisting, recorded.resources[resource.address] != nil, item.change.action != .create {
                desired[position] = kept(item)
                return
            }
            if scope.replaces(resource.address) {
                item.force(observed[resource.address], observer)
            }
            if observer.holdsWhatItRefersTo, recorded.resources[resource.address] != nil,
                let cause = heldDependency(of: position)
            {
                item.force(because: cause, observed[resource.address], observer)
            }
            refuseIfProtected(item)
            item.outputs = outputs(of: item, observer)
            desired[position] = item
        } catch let list as DiagnosticList {
            problems += list.diagnostics.map { $0.filled(with: resource) }
        } catch {
            problems.append(Failure.diagnostic(error, resource.address, resource.location))
        }
    }

    /// The recreated resource that this one holds, if there is one.
    private func heldDependency(of position: Int) -> ResourceAddress? {
        for edge in graph.edges[position] where edge.refers {
            guard let target = desired[edge.target], target.change.action == .recreate,
                let observer = try? observers.observer(for: target.resource.address.kind)
            else { continue }
            if observer.isHeldByDependents { return target.resource.address }
        }
        return nil
    }

    private func outputs(of item: DesiredResource, _ observer: any ResourceObserver) -> JSONObject {
        let prior = recorded.resources[item.resource.address]?.object
        switch item.change.action {
        case .noChange,
            .repair where item.change.attributeChanges.isEmpty:
            // The host knows better than the record, the record more than nothing.
            let found = observed[item.resource.address]?.outputs ?? JSONObject()
            return found.overlaid(on: prior?.outputs ?? JSONObject())
        case .create:
            return observer.predictedOutputs(
                stack: stack, address: item.resource.address, attributes: item.attributes, prior: nil,
                change: .recreate)
        default:
            return observer.predictedOutputs(
                stack: stack, address: item.resource.address, attributes: item.attributes, prior: prior,
                change: item.change.changeClass)
        }
    }

    private mutating func refuseIfProtected(_ item: DesiredResource) {
        // Protection taken away holds until that has been applied.
        let isProtected = item.resource.protect || recorded.resources[item.resource.address]?.protect ?? false
        guard item.change.losesData, isProtected else { return }
        let reason = item.change.reasons.first { $0.changeClass == .dataLoss }
        problems.append(
            Diagnostic(
                code: "SC3120",
                summary: "\(item.resource.address) is protected and would be recreated, losing its data",
                detail: reason.map { $0.path.isEmpty ? $0.note ?? "" : "Changing \($0.path) needs a new object." },
                hint: "undo that change, or first apply the manifest without protect: true and this change",
                address: item.resource.address.description, location: reason?.location ?? item.resource.location))
    }

    /// The change that deletes an object whose declaration is gone.
    mutating func delete(_ resource: RecordedResource, goal: Plan.Goal) -> Change {
        let address = resource.object.address
        let location = resource.location
        if resource.protect { problems.append(Self.protected(address, location, goal)) }
        let holdsData = (try? observers.observer(for: address.kind))?.holdsData ?? false
        let isThere = observed[address] != nil
        // Where volumes stay, so do those that containers have for themselves.
        let keepsData = address.kind == .container && scope.keptKinds.contains(.volume)
        let losesData = isThere && (holdsData || observed[address]?.data != nil && !keepsData)
        let changeClass: ChangeClass = losesData ? .dataLoss : .recreate
        let note = goal == .destroy ? "the stack is destroyed" : "no longer declared"
        var change = Change(
            address: address, action: .delete, changeClass: changeClass,
            reasons: [
                ChangeReason(
                    path: "", cause: .manifest, changeClass: changeClass, location: location,
                    note: isThere ? note : "\(note); its object is gone already")
            ], location: location)
        if let found = observed[address] { change.nameLoss(of: found) }
        return change
    }

    private static func protected(
        _ address: ResourceAddress, _ location: SourceLocation?, _ goal: Plan.Goal
    ) -> Diagnostic {
        Diagnostic(
            code: "SC3121", summary: "\(address) is protected and would be deleted",
            detail: goal == .destroy
                ? "Protection is kept with the object until the manifest takes it away."
                : "Its declaration is gone, but protection is kept with the object.",
            hint: "declare it without protect: true and apply; then it can be deleted",
            address: address.description, location: location)
    }
}
