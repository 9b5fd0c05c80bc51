import Diagnostics
import JSONText
import StackModel

extension PlanningWork {
    /// A declared resource outside of the scope: what is recorded of it stays, and lends its outputs.
    func left(_ resource: StackResource) -> DesiredResource {
        let prior = recorded.resources[resource.address]?.object
        let found = observed[resource.address]
        var item = DesiredResource(
            resource: resource, attributes: prior?.attributes ?? JSONObject(), hasUnknowns: false,
            change: Change(address: resource.address, action: .noChange), isForced: false, recordIsBehind: false,
            outputs: JSONObject())
        item.part = prior == nil ? .absent : .left
        item.outputs = (found?.outputs ?? JSONObject()).overlaid(on: prior?.outputs ?? JSONObject())
        return item
    }

    /// A resource that exists, when what exists is left: it is started or made whole where it is not, and no more.
    func kept(_ item: DesiredResource) -> DesiredResource {
        var kept = left(item.resource)
        let broken = item.change.reasons.filter { $0.path.isEmpty && $0.cause == .drift && $0.changeClass == .none }
        guard observed[item.resource.address]?.condition.text != nil, !broken.isEmpty else { return kept }
        kept.change = Change(
            address: item.resource.address, action: .repair, reasons: broken, location: item.resource.location)
        return kept
    }

    /// Finds what cannot be done because something it needs, or something that needs it, is outside of the scope.
    mutating func checkScope(deleting gone: [RecordedResource], untouched: [ResourceAddress]) {
        guard scope.targets != nil || !scope.keptKinds.isEmpty else { return }
        let outside = Set(untouched).union(
            desired.compactMap { item in item.flatMap { $0.part == .left ? $0.resource.address : nil } })
        for resource in gone where resource.object.address.kind != .container {
            let users = users(of: resource.object.address, among: outside)
            if !users.isEmpty { problems.append(Self.used(resource.object.address, users, resource.location)) }
        }
        for (position, item) in desired.enumerated() {
            guard let item, item.part == .planned, item.change.action != .noChange else { continue }
            problems += missing(for: position, item)
            guard item.change.action == .recreate, isHeld(item.resource.address.kind) else { continue }
            let users = users(of: item.resource.address, among: outside)
            if !users.isEmpty { problems.append(Self.held(item.resource, users)) }
        }
    }

    private func isHeld(_ kind: ResourceKind) -> Bool {
        (try? observers.observer(for: kind))?.isHeldByDependents ?? false
    }

    private func users(of address: ResourceAddress, among outside: Set<ResourceAddress>) -> [ResourceAddress] {
        outside.filter { recorded.resources[$0]?.dependencies.contains(address) ?? false }.sorted()
    }

    /// What a resource refers to or waits for, and what is neither there nor made.
    private func missing(for position: Int, _ item: DesiredResource) -> [Diagnostic] {
        graph.edges[position].compactMap { edge in
            guard edge.refers || edge.until != .created, let target = desired[edge.target], target.part != .planned,
                target.change.action == .noChange, observed[target.resource.address] == nil
            else { return nil }
            return Diagnostic(
                code: "SC3150",
                summary: "\(item.resource.address) needs \(target.resource.address), which is not there",
                detail: "It is not among what this plan may make.",
                hint: "take it in too: --target \(target.resource.address)",
                address: item.resource.address.description, location: item.resource.location)
        }
    }

    private static func used(
        _ address: ResourceAddress, _ users: [ResourceAddress], _ location: SourceLocation?
    ) -> Diagnostic {
        Diagnostic(
            code: "SC3151", summary: "\(address) would be deleted, and \(list(users)) \(verb(users)) it",
            detail: "That stays, because it is not among what this plan may delete.",
            hint: "take it in too: " + users.map { "--target \($0)" }.joined(separator: " "),
            address: address.description, location: location)
    }

    private static func held(_ resource: StackResource, _ users: [ResourceAddress]) -> Diagnostic {
        Diagnostic(
            code: "SC3152", summary: "\(resource.address) would be recreated, and \(list(users)) \(verb(users)) it",
            detail: "It cannot be deleted while it is used, and what uses it is not among what this plan may change.",
            hint: "take it in too: " + users.map { "--target \($0)" }.joined(separator: " "),
            address: resource.address.description, location: resource.location)
    }

    private static func list(_ addresses: [ResourceAddress]) -> String {
        addresses.map(\.description).joined(separator: ", ")
    }

    private static func verb(_ users: [ResourceAddress]) -> String { users.count == 1 ? "uses" : "use" }
}
