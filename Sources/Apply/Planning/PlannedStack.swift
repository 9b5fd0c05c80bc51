import Diagnostics
import JSONText
import StackModel

/// A plan together with what the executor needs to carry it out.
package struct PlannedStack: Sendable {
    /// What is shown.
    package var plan: Plan
    /// The resources of the manifest, at their positions in the graph.
    ///
    /// Empty for a destroy.
    var desired: [DesiredResource]
    /// `nil` for a destroy.
    var graph: DependencyGraph?
    /// What the last applies set.
    var recorded: RecordedStack
    /// What the host has.
    var observed: [ResourceAddress: ObservedObject]
}

/// A resource of the manifest on its way to the host.
struct DesiredResource: Sendable {
    /// What a plan has to do with it.
    enum Part: Sendable {
        /// The plan makes it what is declared.
        case planned
        /// It stays as it is recorded.
        case left
        /// It is not there, and the plan does not make it.
        case absent
    }

    var resource: StackResource
    /// Normalised; what is known only after apply stays as `{"$ref": …}`.
    var attributes: JSONObject
    /// Whether something in `attributes` is known only after apply.
    var hasUnknowns: Bool
    /// Its place in the plan's changes.
    var change: Change
    /// Recreated because something it holds is, so an unchanged attribute does not spare it.
    var isForced: Bool
    /// The host is as wanted, but what is recorded must be brought up to date.
    var recordIsBehind: Bool
    /// Certain before the apply.
    var outputs: JSONObject
    var part = Part.planned
    /// Recreated together with something it holds: it must be gone before that can be.
    var followsHeld = false
    /// The new object is made before the old one is deleted.
    var createsFirst = false
}

extension PlannedStack {
    /// The resources as `preflight` sees them, those to be deleted last.
    var preflightResources: [PlannedResource] {
        let deleted = plan.changes.filter { $0.action == .delete }.compactMap { recorded.resources[$0.address] }
        return desired.filter { $0.part != .absent }.map { item in
            PlannedResource(
                stack: plan.stack, address: item.resource.address, attributes: item.attributes,
                action: item.change.action, objectID: recorded.resources[item.resource.address]?.object.objectID,
                location: item.resource.location, locations: item.resource.locations)
        }
            + deleted.map { resource in
                PlannedResource(
                    stack: plan.stack, address: resource.object.address, attributes: resource.object.attributes,
                    action: .delete, objectID: resource.object.objectID,
                    location: resource.location ?? SourceLocation(file: "", line: 0))
            }
    }
}
