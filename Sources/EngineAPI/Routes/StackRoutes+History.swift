import Apply
import Engine
import ImageStore
import JSONText
import OCI
import StackModel

extension StackRoutes {
    /// A generation with its document, and what has become of the images that its containers had.
    ///
    /// `previous` is the last successful one before the current one.
    func generation(_ request: APIRequest) async throws {
        let text = request.variable("generation")
        let number = Int64(text)
        guard text == "previous" || (number ?? 0) > 0 else {
            throw EngineError(.invalid, "a generation is a number, or previous")
        }
        try await known(request) { name in
            let generation = try await stacks.generation(number, of: name)
            var object = generation.row.json.objectValue ?? JSONObject()
            object["document"] = generation.document.json
            object["images"] = .object(try await images(of: generation, name))
            try await request.respond(.object(object))
        }
    }

    /// By address: the image it had, whether the store still has it, and the one that its name leads to now.
    private func images(of generation: AppliedGeneration, _ stack: String) async throws -> JSONObject {
        let recorded = try await stacks.recordedOutputs(stack)
        var found = JSONObject()
        for (address, id) in generation.images.sorted(by: { $0.key < $1.key }) where address.kind == .container {
            let declared = generation.document.resource(address)?.attributes["image"]
            var current: String?
            if let name = declared?.stringValue {
                current = try? await engine.images.identify(name)?.id.description
            } else if let reference = declared.flatMap({ StackReference(json: $0) }) {
                current = recorded[reference.address]?.value(at: reference.attribute)?.stringValue
            }
            var image: JSONObject = [
                "id": .string(id), "present": .bool((try? await engine.images.resolve(id)) != nil),
            ]
            image["current"] = current.map { .string($0) }
            found[address.description] = .object(image)
        }
        return found
    }
}
