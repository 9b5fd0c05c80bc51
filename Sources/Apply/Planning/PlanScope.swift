import JSONText
import StackModel

/// How far a plan may go: all of a stack, unless said otherwise.
package struct PlanScope: Sendable, Hashable {
    /// The resources that may be made, changed or deleted, with all their replicas where without a number; nil is all.
    ///
    /// What is outside stays as it is: what is declared and recorded lends its outputs, and what is no longer declared is
    /// not deleted.
    package var targets: Set<ResourceAddress>?
    /// Made anew although nothing asks for it.
    package var replaced: Set<ResourceAddress> = []
    /// Whether what exists is left as it is, whatever the document says (`--no-recreate`).
    ///
    /// What exists but does not run is started all the same. What others have made in place of a resource stays theirs.
    package var keepsExisting = false
    /// Kinds that a destroy leaves.
    package var keptKinds: Set<ResourceKind> = []

    /// All of a stack.
    package init() {}

    /// Whether an address is among the targets.
    package func covers(_ address: ResourceAddress) -> Bool {
        guard let targets else { return true }
        return targets.contains(address) || targets.contains(ResourceAddress(kind: address.kind, name: address.name))
    }

    /// Whether an address is to be made anew.
    package func replaces(_ address: ResourceAddress) -> Bool {
        replaced.contains(address) || replaced.contains(ResourceAddress(kind: address.kind, name: address.name))
    }

    /// The scope as JSON; null for all.
    package var json: JSONValue {
        guard self != PlanScope() else { return .null }
        func list(_ addresses: Set<ResourceAddress>) -> JSONValue {
            .array(addresses.sorted().map { .string($0.description) })
        }
        var object = JSONObject()
        object["targets"] = targets.map(list)
        if !replaced.isEmpty { object["replaced"] = list(replaced) }
        if keepsExisting { object["keepsExisting"] = true }
        if !keptKinds.isEmpty { object["keptKinds"] = .array(keptKinds.sorted().map { .string($0.rawValue) }) }
        return .object(object)
    }

    /// Reads `json`, which may come from outside; nil when it is no scope.
    package init?(json: JSONValue) {
        guard !json.isNull else { return }
        guard json.objectValue != nil else { return nil }
        func addresses(_ key: String) -> [ResourceAddress]? {
            guard let value = json[key] else { return [] }
            guard let elements = value.arrayValue else { return nil }
            let found = elements.compactMap { $0.stringValue.flatMap { ResourceAddress($0) } }
            return found.count == elements.count ? found : nil
        }
        guard let targets = addresses("targets"), let replaced = addresses("replaced") else { return nil }
        if json["targets"] != nil { self.targets = Set(targets) }
        self.replaced = Set(replaced)
        keepsExisting = json["keepsExisting"]?.boolValue ?? false
        for name in json["keptKinds"]?.arrayValue ?? [] {
            guard let kind = name.stringValue.flatMap({ ResourceKind(rawValue: $0) }) else { return nil }
            keptKinds.insert(kind)
        }
    }
}
