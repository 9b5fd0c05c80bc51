import JSONText

/// Compares what is wanted, what was set and what is there, leaf by leaf.
///
/// Pure.
///
/// A leaf is ours when the manifest sets it or the last apply did. Everything else is not looked at.
struct Comparison {
    /// A leaf that must change.
    struct Difference {
        var path: String
        /// What is there.
        var from: JSONValue?
        /// What shall be there.
        var to: JSONValue?
        /// The manifest is as it was; the host is not.
        var isDrift: Bool
    }

    private(set) var differences: [Difference] = []
    /// The host is as wanted, but the record says something else and must be brought up to date.
    private(set) var recordIsBehind = false
    private var path: [String] = []

    /// Compares whole attribute objects.
    init(desired: JSONObject, recorded: JSONObject, observed: JSONObject) {
        compareMembers(desired, recorded, observed)
    }

    private mutating func compareMembers(_ desired: JSONObject, _ recorded: JSONObject, _ observed: JSONObject) {
        for (key, wanted) in desired {
            path.append(key)
            compare(wanted, recorded[key], observed[key])
            path.removeLast()
        }
        for (key, before) in recorded where desired[key] == nil {
            path.append(key)
            compare(nil, before, observed[key])
            path.removeLast()
        }
    }

    private mutating func compare(_ desired: JSONValue?, _ recorded: JSONValue?, _ observed: JSONValue?) {
        if !(desired?.isLeaf ?? false), !(recorded?.isLeaf ?? false) {
            let empty = JSONObject()
            compareMembers(
                desired?.objectValue ?? empty, recorded?.objectValue ?? empty, observed?.objectValue ?? empty)
            return
        }
        if let desired, desired.holdsReference {
            report(observed ?? recorded, desired, isDrift: false)
        } else if desired == recorded {
            if observed != desired { report(observed, desired, isDrift: true) }
        } else if observed == desired {
            recordIsBehind = true
        } else {
            report(observed, desired, isDrift: false)
        }
    }

    private mutating func report(_ from: JSONValue?, _ to: JSONValue?, isDrift: Bool) {
        differences.append(
            Difference(path: path.joined(separator: "."), from: from, to: to, isDrift: isDrift))
    }
}

extension JSONObject {
    /// Every leaf with its path, in order.
    ///
    /// Empty objects have none.
    package func leaves() -> [(path: String, value: JSONValue)] {
        var found: [(path: String, value: JSONValue)] = []
        collectLeaves(prefix: "", &found)
        return found
    }

    private func collectLeaves(prefix: String, _ found: inout [(path: String, value: JSONValue)]) {
        for (key, value) in self {
            let path = prefix.isEmpty ? key : "\(prefix).\(key)"
            if !value.isLeaf, let object = value.objectValue {
                object.collectLeaves(prefix: path, &found)
            } else {
                found.append((path, value))
            }
        }
    }

    /// The members of `self` that `owner` has too, going into objects.
    func restricted(to owner: JSONObject) -> JSONObject {
        var result = JSONObject()
        for (key, owned) in owner {
            guard let value = self[key] else { continue }
            if !owned.isLeaf, let ownedObject = owned.objectValue, let object = value.objectValue {
                result[key] = .object(object.restricted(to: ownedObject))
            } else {
                result[key] = value
            }
        }
        return result
    }

    /// The members of both, going into objects; where both have a leaf, `self` wins.
    func overlaid(on other: JSONObject) -> JSONObject {
        var result = other
        for (key, value) in self {
            if !value.isLeaf, let object = value.objectValue, let below = other[key]?.objectValue {
                result[key] = .object(object.overlaid(on: below))
            } else {
                result[key] = value
            }
        }
        return result
    }
}
