import JSONText
import Manifest
import StackModel
import Testing

extension StackDocument {
    /// The resources by their addresses, without what means the same written or not.
    var normalForm: [String: JSONValue] {
        var result: [String: JSONValue] = [:]
        for resource in resources {
            // What is used is waited for, written or not; of two waits the longer one counts.
            let used = StackReference.references(in: .object(resource.attributes)).map(\.address).map { address in
                StackDependency(address: address, until: address.kind == .container ? .started : .created)
            }
            var longest: [ResourceAddress: DependencyCondition] = [:]
            for edge in resource.dependencies + used {
                for address in expanded(edge.address) {
                    let known = longest[address].flatMap { DependencyCondition.allCases.firstIndex(of: $0) } ?? -1
                    let asked = DependencyCondition.allCases.firstIndex(of: edge.until) ?? 0
                    if asked > known { longest[address] = edge.until }
                }
            }
            let edges = longest.map { "\($0.key) \($0.value)" }
            result[resource.address.description] = [
                "attributes": Self.normal(.object(resource.attributes)),
                "dependencies": .array(edges.sorted().map { .string($0) }), "protect": .bool(resource.protect),
            ]
        }
        return result
    }

    /// All replicas of a container, where none is named.
    private func expanded(_ address: ResourceAddress) -> [ResourceAddress] {
        guard address.index == nil, resource(address) == nil else { return [address] }
        return resources.map(\.address).filter { $0.kind == address.kind && $0.name == address.name }
    }

    private static func normal(_ value: JSONValue) -> JSONValue {
        if let elements = value.arrayValue { return .array(elements.map(normal)) }
        guard let object = value.objectValue else { return value }
        var result = JSONObject()
        for (key, member) in object.sorted(by: { $0.key < $1.key }) {
            let member = normal(member)
            let isEmpty = member == .object(JSONObject()) || member == .array([]) || member == .null
            let isUsual = key == "readOnly" && member == false
            if isEmpty && key != "command" && key != "entrypoint" || isUsual { continue }
            result[key] = member
        }
        return .object(result)
    }
}

/// Writes a document as a manifest, compiles and evaluates that, and compares the two.
///
/// - Returns: the source.
@discardableResult
func roundTrip(
    _ document: StackDocument, _ folder: borrowing TemporaryFolder, _ loader: ManifestLoader
) async throws -> String {
    let source = try ManifestSource(document, origin: "a test").text()
    try folder.write("\(document.name)/Stack.swift", source)
    let loaded = try await loader.load(folder: "\(folder.path)/\(document.name)", inputs: ManifestInputs())
    #expect(loaded.warnings.isEmpty, "\(loaded.warnings)\n\(source)")
    #expect(loaded.document.name == document.name)
    let (expected, found) = (document.normalForm, loaded.document.normalForm)
    #expect(Set(expected.keys) == Set(found.keys))
    for (address, value) in expected {
        guard found[address] != value else { continue }
        Issue.record(
            "\(address)\n\(value.serialized(.canonical))\n\(found[address]?.serialized(.canonical) ?? "")\n\(source)")
    }
    return source
}
