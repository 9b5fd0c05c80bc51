import JSONText
import StackModel

extension PlanningWork {
    /// Says of each recreated resource whether the new object is made first.
    ///
    /// One that has what others wait for, or waits for what others have, is deleted first as any other: a network or
    /// volume that is recreated or deleted, a port that moves from one to another.
    mutating func orderRecreations(deleting gone: [RecordedResource]) {
        let candidates = desired.indices.filter { position in
            guard let item = desired[position], item.change.action == .recreate, !item.followsHeld else { return false }
            return observer(item.resource.address.kind)?.createsBeforeDeleting(item.attributes) ?? false
        }
        guard !candidates.isEmpty else { return }
        let leaving = leavingHeld(gone)
        let (takers, holders) = (takers(), holders())
        for position in candidates {
            guard let item = desired[position] else { continue }
            let address = item.resource.address
            let held = recorded.resources[address]?.dependencies ?? []
            let (now, then) = (claimsNow(address), claims(item))
            let isExchanging =
                now.subtracting(then).contains { takers[$0] != nil }
                || then.subtracting(now).contains { holders[$0] != nil }
            guard leaving.isDisjoint(with: held), !isExchanging else { continue }
            let isDeletedLast = observer(address.kind)?.isDeletedLast ?? false
            desired[position]?.createsFirst = true
            desired[position]?.change.startsFirst = !isDeletedLast
        }
    }

    /// What is recreated or deleted, and can be deleted only when nothing uses it.
    private func leavingHeld(_ gone: [RecordedResource]) -> Set<ResourceAddress> {
        let recreated = desired.compactMap { item in
            item.flatMap { $0.change.action == .recreate ? $0.resource.address : nil }
        }
        return Set(recreated + gone.map(\.object.address)).filter { observer($0.kind)?.isHeldByDependents ?? false }
    }

    /// Who comes to have what only one can have.
    private func takers() -> [String: ResourceAddress] {
        var found: [String: ResourceAddress] = [:]
        for case let item? in desired where item.change.action != .noChange {
            for claim in claims(item).subtracting(claimsNow(item.resource.address)) {
                found[claim] = item.resource.address
            }
        }
        return found
    }

    /// Who has what only one can have.
    private func holders() -> [String: ResourceAddress] {
        var found: [String: ResourceAddress] = [:]
        for address in recorded.resources.keys {
            for claim in claimsNow(address) { found[claim] = address }
        }
        return found
    }

    private func claims(_ item: DesiredResource) -> Set<String> {
        observer(item.resource.address.kind)?.claims(item.attributes) ?? []
    }

    private func claimsNow(_ address: ResourceAddress) -> Set<String> {
        let attributes = observed[address]?.attributes ?? recorded.resources[address]?.object.attributes
        return attributes.flatMap { observer(address.kind)?.claims($0) } ?? []
    }

    private func observer(_ kind: ResourceKind) -> (any ResourceObserver)? { try? observers.observer(for: kind) }
}
