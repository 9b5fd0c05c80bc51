import Diagnostics
import JSONText
import StackModel

/// A generation that is to be applied again, as the daemon has kept it.
struct EarlierGeneration: Sendable {
    /// Its number.
    let number: Int64
    /// When it was applied.
    ///
    /// Nanoseconds since 1970 UTC.
    let applied: Int64
    /// Its document, with the images it had then wherever the names lead elsewhere now.
    let document: StackDocument
    /// The images that are not there any more.
    let notes: [Diagnostic]

    /// Reads the daemon's answer.
    init(_ answer: JSONValue) throws {
        var document = try StackDocument(json: answer["document"] ?? .null)
        var notes: [Diagnostic] = []
        // What deserved attention then has been said then.
        document.diagnostics = []
        number = answer["generation"]?.intValue ?? 0
        applied = answer["finished"]?.intValue ?? answer["started"]?.intValue ?? 0
        for index in document.resources.indices {
            let resource = document.resources[index]
            guard resource.address.kind == .container, let declared = resource.attributes["image"],
                let image = answer["images"]?[resource.address.description], let id = image["id"]?.stringValue,
                image["current"]?.stringValue != id
            else { continue }
            if image["present"]?.boolValue ?? false {
                document.resources[index].attributes["image"] = .string(id)
            } else if !Self.isFixed(declared) {
                notes.append(Self.missing(resource, declared, id, generation: number))
            }
        }
        self.document = document
        self.notes = notes
    }

    /// Whether a name says which image it means, so that it is fetched again.
    private static func isFixed(_ declared: JSONValue) -> Bool {
        declared.stringValue.map { $0.contains("@sha256:") || $0.hasPrefix("sha256:") } ?? false
    }

    private static func missing(
        _ resource: StackResource, _ declared: JSONValue, _ id: String, generation: Int64
    ) -> Diagnostic {
        let name = declared.stringValue ?? StackReference(json: declared)?.address.name ?? "its image"
        return Diagnostic(
            severity: .warning, code: "SC0187",
            summary: "the image that \(resource.address) had in generation \(generation) is not in the store any more",
            detail: "It was \(name), \(id.prefix(19)). The container gets what \(name) means today.",
            hint: "load or pull that image first to have it back", address: resource.address.description,
            location: resource.location(of: "image"))
    }
}
