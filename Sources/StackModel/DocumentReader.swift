import Diagnostics
import JSONText

/// Reads parts of a document and collects what is wrong instead of stopping at the first mistake.
struct DocumentReader {
    var problems: [Diagnostic] = []

    mutating func report(_ summary: String) {
        problems.append(Diagnostic(code: "SC1002", summary: "the stack document is damaged: \(summary)"))
    }

    mutating func string(_ value: JSONValue, _ key: String, at path: String) -> String? {
        guard let text = value[key]?.stringValue else {
            report("\(path).\(key) must be a string")
            return nil
        }
        return text
    }

    mutating func list(_ value: JSONValue, _ key: String, at path: String) -> [JSONValue] {
        guard let member = value[key] else { return [] }
        guard let elements = member.arrayValue else {
            report("\(path).\(key) must be a list")
            return []
        }
        return elements
    }

    mutating func location(_ value: JSONValue, at path: String) -> SourceLocation? {
        guard let location = value["location"].flatMap(SourceLocation.init(json:)) else {
            report("\(path).location must have a file and a line")
            return nil
        }
        return location
    }

    mutating func address(_ value: JSONValue, at path: String) -> ResourceAddress? {
        guard let text = string(value, "address", at: path) else { return nil }
        guard let address = ResourceAddress(text) else {
            report("\(path).address \"\(text)\" is no resource address")
            return nil
        }
        return address
    }

    mutating func resource(_ value: JSONValue, at path: String) -> StackResource? {
        guard let address = address(value, at: path), let location = location(value, at: path) else { return nil }
        guard let attributes = value["attributes"]?.objectValue else {
            report("\(path).attributes must be an object")
            return nil
        }
        var dependencies: [StackDependency] = []
        for (offset, edge) in list(value, "dependencies", at: path).enumerated() {
            let edgePath = "\(path).dependencies[\(offset)]"
            guard let target = self.address(edge, at: edgePath) else { continue }
            guard let until = edge["until"]?.stringValue.flatMap(DependencyCondition.init(rawValue:)) else {
                report("\(edgePath).until must be one of created, started, healthy, completed")
                continue
            }
            dependencies.append(StackDependency(address: target, until: until))
        }
        var locations: [String: SourceLocation] = [:]
        for (key, place) in value["locations"]?.objectValue ?? [:] {
            locations[key] = SourceLocation(json: place)
        }
        return StackResource(
            address: address, attributes: attributes, dependencies: dependencies, location: location,
            protect: value["protect"]?.boolValue ?? false, locations: locations)
    }

    mutating func output(_ value: JSONValue, at path: String) -> StackOutput? {
        guard let name = string(value, "name", at: path), let location = location(value, at: path) else { return nil }
        return StackOutput(
            name: name, value: value["value"] ?? .null, location: location,
            sensitive: value["sensitive"]?.boolValue ?? false)
    }

    mutating func input(_ value: JSONValue, at path: String) -> StackInput? {
        guard let name = string(value, "name", at: path), let type = string(value, "type", at: path),
            let location = location(value, at: path)
        else { return nil }
        return StackInput(
            name: name, type: type, description: value["description"]?.stringValue ?? "",
            defaultValue: value["default"], required: value["required"]?.boolValue ?? false, value: value["value"],
            location: location)
    }

    /// Addresses are unique, and every edge and reference leads to a resource of the document.
    mutating func checkAddresses(of resources: [StackResource]) {
        var known: Set<ResourceAddress> = []
        for resource in resources where !known.insert(resource.address).inserted {
            report("\(resource.address) is declared twice")
        }
        for resource in resources {
            let references = StackReference.references(in: .object(resource.attributes)).map(\.address)
            for target in resource.dependencies.map(\.address) + references where !known.contains(target) {
                report("\(resource.address) refers to \(target), which is not in the document")
            }
        }
    }
}
