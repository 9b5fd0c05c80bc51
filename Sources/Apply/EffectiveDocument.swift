import Diagnostics
import JSONText
import StackModel
import StateStore

/// The document of all of a stack after an apply, also where that was of a part of it: what a rollback leads to.
///
/// Pure.
enum EffectiveDocument {
    /// What the apply made is as declared now; what it left is as it was declared when it was made.
    ///
    /// - Parameter before: the document of the generation that the plan was made on.
    static func of(_ document: StackDocument, _ planned: PlannedStack, before: JSONValue?) -> StackDocument {
        guard planned.plan.scope != PlanScope() else { return document }
        let earlier = before.flatMap { try? StackDocument(json: $0) }
        var result = document
        result.resources = planned.desired.compactMap { item in
            switch item.part {
            case .planned: item.resource
            case .left: resource(item.resource.address, planned, earlier)
            case .absent: nil
            }
        }
        result.resources += planned.plan.untouched.compactMap { resource($0, planned, earlier) }
        let known = Set(result.resources.map(\.address))
        for index in result.resources.indices {
            let resource = result.resources[index]
            if !references(of: resource).isSubset(of: known), let recorded = recorded(resource.address, planned) {
                result.resources[index] = recorded
            }
            result.resources[index].dependencies.removeAll { !known.contains($0.address) }
        }
        result.outputs.removeAll { output in
            !StackReference.references(in: output.value).allSatisfy { known.contains($0.address) }
        }
        return result
    }

    private static func references(of resource: StackResource) -> Set<ResourceAddress> {
        Set(StackReference.references(in: .object(resource.attributes)).map(\.address))
    }

    private static func resource(
        _ address: ResourceAddress, _ planned: PlannedStack, _ earlier: StackDocument?
    ) -> StackResource? {
        earlier?.resource(address) ?? recorded(address, planned)
    }

    /// The resource as its record has it, for one whose declaration is not known any more.
    private static func recorded(_ address: ResourceAddress, _ planned: PlannedStack) -> StackResource? {
        guard let recorded = planned.recorded.resources[address] else { return nil }
        let dependencies = recorded.row.dependencies.compactMap { key, value -> StackDependency? in
            guard let address = ResourceAddress(key),
                let until = value.stringValue.flatMap({ DependencyCondition(rawValue: $0) })
            else { return nil }
            return StackDependency(address: address, until: until)
        }
        return StackResource(
            address: address, attributes: recorded.object.attributes, dependencies: dependencies,
            location: recorded.location ?? SourceLocation(file: "", line: 0), protect: recorded.protect,
            locations: recorded.places)
    }
}
