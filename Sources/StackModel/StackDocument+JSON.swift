import Diagnostics
import JSONText

extension StackDocument {
    /// The document as JSON; write it with `.canonical` where equal documents must give equal bytes.
    public var json: JSONValue {
        [
            "version": .int(Int64(version)), "name": .string(name),
            "resources": .array(resources.map(\.json)), "outputs": .array(outputs.map(\.json)),
            "inputs": .array(inputs.map(\.json)), "diagnostics": .array(diagnostics.map(\.json)),
        ]
    }

    /// Reads a document, which may come from outside.
    /// - Throws: `DiagnosticList` with everything that is wrong in it.
    public init(json: JSONValue) throws(DiagnosticList) {
        var reader = DocumentReader()
        let version = json["version"]?.intValue ?? 0
        guard version == Int64(Self.currentVersion) else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1001", summary: "the stack document has version \(version), not \(Self.currentVersion)",
                    hint: "use the stackctl that wrote it, or evaluate the manifest again"))
        }
        let name = reader.string(json, "name", at: "document") ?? ""
        let resources = reader.list(json, "resources", at: "document").enumerated().compactMap { offset, value in
            reader.resource(value, at: "resources[\(offset)]")
        }
        let outputs = reader.list(json, "outputs", at: "document").enumerated().compactMap { offset, value in
            reader.output(value, at: "outputs[\(offset)]")
        }
        let inputs = reader.list(json, "inputs", at: "document").enumerated().compactMap { offset, value in
            reader.input(value, at: "inputs[\(offset)]")
        }
        let diagnostics = reader.list(json, "diagnostics", at: "document").compactMap(Diagnostic.init(json:))
        reader.checkAddresses(of: resources)
        guard reader.problems.isEmpty else { throw DiagnosticList(reader.problems) }
        self.init(name: name, resources: resources, outputs: outputs, inputs: inputs, diagnostics: diagnostics)
    }
}

extension StackResource {
    /// The resource as JSON.
    public var json: JSONValue {
        var object: JSONObject = [
            "address": .string(address.description), "attributes": .object(attributes),
            "dependencies": .array(
                dependencies.map {
                    ["address": .string($0.address.description), "until": .string($0.until.rawValue)]
                }),
            "location": location.json,
        ]
        if protect { object["protect"] = true }
        if !locations.isEmpty {
            let sorted = locations.sorted { $0.key < $1.key }
            object["locations"] = .object(JSONObject(sorted.map { ($0.key, $0.value.json) }))
        }
        return .object(object)
    }
}

extension StackOutput {
    /// The output as JSON.
    public var json: JSONValue {
        var object: JSONObject = ["name": .string(name), "value": value, "location": location.json]
        if sensitive { object["sensitive"] = true }
        return .object(object)
    }
}

extension StackInput {
    /// The input as JSON.
    public var json: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "type": .string(type), "description": .string(description),
            "required": .bool(required), "location": location.json,
        ]
        if let defaultValue { object["default"] = defaultValue }
        if let value { object["value"] = value }
        return .object(object)
    }
}
