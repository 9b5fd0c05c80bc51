import Diagnostics
import JSONText
import StackModel

/// What a manifest declares in one place: a resource, or the replicas of a container.
struct SourceGroup {
    let address: ResourceAddress
    /// How many replicas it has; nil for a resource without a number.
    let count: Int?
    /// What they have in common; where a text differs by the replica's number, the number's mark is in it.
    let attributes: JSONObject
    /// Whether that mark is anywhere.
    let isNumbered: Bool
    let protect: Bool
    /// What it waits for; of replicas that each wait for the replica of their number, the index is 0.
    let dependencies: [StackDependency]

    /// The resources of a document as groups, in the order of the first of each.
    static func groups(of document: StackDocument) throws(Diagnostic) -> [SourceGroup] {
        var order: [ResourceAddress] = []
        var members: [ResourceAddress: [StackResource]] = [:]
        for resource in document.resources {
            var address = resource.address
            address.index = nil
            if members[address] == nil { order.append(address) }
            members[address, default: []].append(resource)
        }
        var groups: [SourceGroup] = []
        for address in order { groups.append(try SourceGroup(address, members[address] ?? [])) }
        return groups
    }

    private init(_ address: ResourceAddress, _ members: [StackResource]) throws(Diagnostic) {
        self.address = address
        let sorted = members.sorted { ($0.address.index ?? 0) < ($1.address.index ?? 0) }
        let indexes = sorted.map(\.address.index)
        protect = sorted.contains(where: \.protect)
        guard let first = sorted.first, indexes != [nil] else {
            count = nil
            attributes = SourceText.quoted(members.first?.attributes ?? JSONObject())
            isNumbered = false
            dependencies = members.first?.dependencies ?? []
            return
        }
        guard address.kind == .container, indexes == (1...sorted.count).map({ Optional($0) }) else {
            throw Diagnostic(
                code: "SC1281", summary: "the replicas of \(address) are not numbered from 1", location: first.location)
        }
        count = sorted.count
        let values = sorted.map { JSONValue.object(SourceText.quoted($0.attributes)) }
        let template = try Self.template(values, path: "\(address)")
        attributes = template.objectValue ?? JSONObject()
        let edges = try Self.dependencies(sorted)
        dependencies = edges
        isNumbered =
            sorted.count > 1
            && (template != values[0] || edges.contains { $0.address.index == Self.ownIndex })
    }

    /// Stands for the number of the replica that waits.
    static let ownIndex = 0

    /// One value for those of all replicas.
    private static func template(_ values: [JSONValue], path: String) throws(Diagnostic) -> JSONValue {
        guard let first = values.first, values.contains(where: { $0 != first }) else { return values.first ?? .null }
        let objects = values.compactMap(\.objectValue)
        if objects.count == values.count, objects.allSatisfy({ Set($0.keys) == Set(objects[0].keys) }) {
            var result = JSONObject()
            for key in objects[0].keys {
                result[key] = try template(objects.compactMap { $0[key] }, path: "\(path).\(key)")
            }
            return .object(result)
        }
        let arrays = values.compactMap(\.arrayValue)
        if arrays.count == values.count, arrays.allSatisfy({ $0.count == arrays[0].count }) {
            var result: [JSONValue] = []
            for offset in arrays[0].indices {
                result.append(try template(arrays.map { $0[offset] }, path: "\(path)[\(offset)]"))
            }
            return .array(result)
        }
        let texts = values.compactMap(\.stringValue)
        guard texts.count == values.count, let text = template(texts) else {
            throw Diagnostic(
                code: "SC1281", summary: "\(path) differs between replicas by more than their number",
                hint: "make them containers of their own")
        }
        return .string(text)
    }

    /// `worker-1`, `worker-2` and so on with the mark in place of the number.
    private static func template(_ texts: [String]) -> String? {
        let prefix = texts.dropFirst().reduce(texts[0][...]) { $0.commonPrefix(with: $1) }
        for (offset, text) in texts.enumerated() where !text.dropFirst(prefix.count).hasPrefix("\(offset + 1)") {
            return nil
        }
        let rests = texts.enumerated().map { $1.dropFirst(prefix.count + "\($0 + 1)".count) }
        guard rests.allSatisfy({ $0 == rests[0] }) else { return nil }
        var result = String(prefix)
        result.unicodeScalars.append(SourceText.number)
        return result + rests[0]
    }

    private static func dependencies(_ members: [StackResource]) throws(Diagnostic) -> [StackDependency] {
        let all = members.map { Set($0.dependencies) }
        guard let first = all.first, let resource = members.first else { return [] }
        if all.allSatisfy({ $0 == first }) { return resource.dependencies }
        var common = resource.dependencies.filter { edge in all.allSatisfy { $0.contains(edge) } }
        let shared = Set(common)
        for edge in resource.dependencies where !shared.contains(edge) {
            var own = edge
            own.address.index = ownIndex
            common.append(own)
        }
        for (offset, edges) in all.enumerated() {
            let expected = Set(
                common.map { edge in
                    var edge = edge
                    if edge.address.index == ownIndex { edge.address.index = offset + 1 }
                    return edge
                })
            guard edges == expected else {
                throw Diagnostic(
                    code: "SC1281",
                    summary: "the replicas of \(resource.address.kind.rawValue).\(resource.address.name)"
                        + " wait for different resources", location: resource.location)
            }
        }
        return common
    }
}

extension Substring {
    fileprivate func commonPrefix(with other: String) -> Substring {
        var end = startIndex
        var position = other.startIndex
        while end < endIndex, position < other.endIndex, self[end] == other[position] {
            end = index(after: end)
            position = other.index(after: position)
        }
        return self[..<end]
    }
}
