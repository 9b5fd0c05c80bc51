import Diagnostics
import JSONText
import StackModel

/// What is to be done for one resource, by comparing its three values.
///
/// Pure.
struct ResourcePlanning {
    let resource: StackResource
    let observer: any ResourceObserver
    let recorded: RecordedObject?
    let observed: ObservedObject?

    /// Compares normalised attributes with what was set and what is there.
    func compare(_ attributes: JSONObject) -> DesiredResource {
        guard let recorded, let observed else { return made(attributes) }
        let comparison = Comparison(
            desired: attributes, recorded: recorded.attributes,
            observed: observer.matched(observed.attributes, to: attributes))
        var behind = comparison.recordIsBehind
        let losesData = observed.losesData(observer, attributes)
        var reasons: [ChangeReason] = []
        for difference in comparison.differences {
            let changeClass = changeClass(of: difference, losesData: losesData)
            if changeClass == .none {
                behind = behind || !difference.isDrift
                continue
            }
            if let words = observer.words(path: difference.path, from: difference.from, to: difference.to) {
                reasons.append(
                    // What is changed in place has to be known by its path; the words stand for both values.
                    ChangeReason(
                        path: changeClass <= .restart ? difference.path : "",
                        cause: difference.isDrift ? .drift : .manifest, changeClass: changeClass,
                        location: resource.place(of: difference.path), note: words))
                continue
            }
            reasons.append(
                ChangeReason(
                    path: difference.path, from: difference.from, to: difference.to,
                    cause: difference.isDrift ? .drift : .manifest, changeClass: changeClass,
                    location: resource.place(of: difference.path)))
        }
        if let text = observed.condition.text {
            reasons.append(
                ChangeReason(
                    path: "", cause: .drift, changeClass: .none, location: resource.location, note: text,
                    remark: observed.remark))
        }
        var item = item(attributes, reasons, observed.condition, behind)
        item.change.nameLoss(of: observed)
        return item
    }

    private func changeClass(of difference: Comparison.Difference, losesData: Bool) -> ChangeClass {
        let asked = observer.changeClass(path: difference.path, from: difference.from, to: difference.to)
        return asked == .recreate && losesData ? .dataLoss : asked
    }

    private func item(
        _ attributes: JSONObject, _ reasons: [ChangeReason], _ condition: ObjectCondition, _ behind: Bool
    ) -> DesiredResource {
        let highest = reasons.map(\.changeClass).max() ?? .none
        let action: ChangeAction
        switch highest {
        case .recreate, .dataLoss: action = .recreate
        case .restart: action = condition == .ok ? .restart : .repair
        case .live: action = condition == .ok ? .update : .repair
        case .none: action = condition == .ok ? .noChange : .repair
        }
        return DesiredResource(
            resource: resource, attributes: attributes,
            hasUnknowns: attributes.contains { $0.value.holdsReference },
            change: Change(
                address: resource.address, action: action, changeClass: highest, reasons: reasons,
                location: action == .noChange ? nil : resource.location),
            isForced: false, recordIsBehind: behind, outputs: JSONObject())
    }

    /// A resource without an object: never made, or gone.
    private func made(_ attributes: JSONObject) -> DesiredResource {
        var reasons = attributes.leaves().map { leaf in
            ChangeReason(
                path: leaf.path, to: leaf.value, cause: .manifest, changeClass: .none,
                location: resource.place(of: leaf.path))
        }
        if recorded != nil {
            let gone = ChangeReason(
                path: "", cause: .drift, changeClass: .none, location: resource.location,
                note: "its object is gone from the host")
            reasons.insert(gone, at: 0)
        }
        return DesiredResource(
            resource: resource, attributes: attributes,
            hasUnknowns: attributes.contains { $0.value.holdsReference },
            change: Change(
                address: resource.address, action: .create, reasons: reasons, location: resource.location),
            isForced: false, recordIsBehind: false, outputs: JSONObject())
    }
}

extension DesiredResource {
    /// Recreates it because something it holds is recreated.
    mutating func force(
        because cause: ResourceAddress, _ observed: ObservedObject?, _ observer: any ResourceObserver
    ) {
        force(.dependency, "\(cause) is recreated", observed, observer)
        followsHeld = true
    }

    /// Recreates it because that was asked for.
    mutating func force(_ observed: ObservedObject?, _ observer: any ResourceObserver) {
        force(.manifest, "asked for", observed, observer)
    }

    private mutating func force(
        _ cause: ChangeReason.Cause, _ note: String, _ observed: ObservedObject?, _ observer: any ResourceObserver
    ) {
        guard change.action != .create else { return }
        let losesData = observed?.losesData(observer, attributes) ?? observer.holdsData
        let changeClass: ChangeClass = losesData ? .dataLoss : .recreate
        isForced = true
        change.action = .recreate
        change.changeClass = max(change.changeClass, changeClass)
        change.location = resource.location
        change.reasons.append(
            ChangeReason(path: "", cause: cause, changeClass: changeClass, location: resource.location, note: note))
        if let observed { change.nameLoss(of: observed) }
    }
}

extension Change {
    /// Names what is lost with an object of a kind that holds no data by itself.
    mutating func nameLoss(of observed: ObservedObject) {
        guard losesData, let data = observed.data else { return }
        let note = "\(data) is deleted with it"
        guard !reasons.contains(where: { $0.note == note }) else { return }
        reasons.append(
            ChangeReason(path: "", cause: .manifest, changeClass: .none, location: location, note: note))
    }
}

extension ObservedObject {
    /// Whether its recreation with these attributes loses what is in it.
    func losesData(_ observer: any ResourceObserver, _ attributes: JSONObject) -> Bool {
        (observer.holdsData || data != nil) && !observer.keepsData(attributes)
    }
}

/// Brings declared attributes to their normal form.
enum Normalisation {
    /// The normal form, with every reference replaced that `lookup` knows.
    static func attributes(
        of resource: StackResource, _ observer: any ResourceObserver, _ lookup: (StackReference) -> JSONValue?
    ) throws -> JSONObject {
        var resolved = resource.attributes
        for (key, value) in resource.attributes where value.holdsReference {
            resolved[key] = StackReference.resolveKnown(value, lookup).value
        }
        return try observer.normalize(resolved)
    }
}

extension JSONObject {
    /// A member, going into objects at dots; a member whose key holds the dots wins.
    package func value(at path: String) -> JSONValue? {
        if let value = self[path] { return value }
        guard let dot = path.firstIndex(of: ".") else { return nil }
        return self[String(path[..<dot])]?.objectValue?.value(at: String(path[path.index(after: dot)...]))
    }
}

extension Diagnostic {
    /// The diagnostic with the resource's address and line where it has none.
    func filled(with resource: StackResource) -> Diagnostic {
        var filled = self
        filled.address = address ?? resource.address.description
        filled.location = location ?? resource.location
        return filled
    }
}
