import Diagnostics
import JSONText
import StackModel

/// What the declarations of a manifest know of each other.
struct SourceScope {
    var names = SourceNames()
    /// The groups by their addresses without numbers.
    var groups: [ResourceAddress: SourceGroup] = [:]
    /// Containers that others wait for until they have ended.
    var completed: Set<ResourceAddress> = []
    /// What all containers have in common.
    var shared: SharedSettings?

    private static let properties: [ResourceKind: [String]] = [
        .container: ["host", "name", "id"], .image: ["id", "reference"],
        .network: ["id", "subnet", "gateway", "bridge"], .volume: ["name", "path"],
    ]

    /// `db.host`, `db[1].id`.
    func expression(_ reference: StackReference, _ path: String) throws(Diagnostic) -> String {
        guard let variable = names[reference.address] else {
            throw Diagnostic(
                code: "SC1280", summary: "\(path) refers to \(reference.address), which is not declared")
        }
        guard Self.properties[reference.address.kind, default: []].contains(reference.attribute) else {
            throw Diagnostic(
                code: "SC1280",
                summary: "\(path) refers to \(reference.attribute) of \(reference.address),"
                    + " which manifests do not tell")
        }
        let index = reference.address.index.map { "[\($0)]" } ?? ""
        return "\(variable)\(index).\(reference.attribute)"
    }

    /// A text that may hold references.
    func text(_ value: JSONValue, _ path: String) throws(Diagnostic) -> String {
        SourceText.literal(try pieces(value, path))
    }

    /// The pieces of a text that may hold references.
    func pieces(_ value: JSONValue, _ path: String) throws(Diagnostic) -> [SourceText.Piece] {
        if let text = value.stringValue { return [.plain(text)] }
        var pieces: [SourceText.Piece] = []
        for part in value["$text"]?.arrayValue ?? [value] {
            if let text = part.stringValue {
                pieces.append(.plain(text))
            } else if let reference = StackReference(json: part) {
                pieces.append(.value(try expression(reference, path)))
            } else {
                throw Diagnostic(code: "SC1280", summary: "\(path) is no text")
            }
        }
        return pieces
    }

    /// The variable of an image of the stack, or a literal with an image's reference.
    func image(_ value: JSONValue, _ path: String) throws(Diagnostic) -> String {
        if let literal = value.stringValue { return SourceText.literal(literal) }
        guard let reference = StackReference(json: value), reference.address.kind == .image,
            reference.attribute == "id", let variable = names[reference.address]
        else { throw Diagnostic(code: "SC1280", summary: "\(path) is no image") }
        return variable
    }

    /// The variable of a network or volume of the stack, or one by its name on the host.
    func existing(_ kind: ResourceKind, _ value: JSONValue, _ path: String) throws(Diagnostic) -> String {
        if let name = value.stringValue { return ".existing(\(SourceText.literal(name)))" }
        let attribute = kind == .network ? "id" : "name"
        guard let reference = StackReference(json: value), reference.address.kind == kind,
            reference.attribute == attribute, let variable = names[reference.address]
        else { throw Diagnostic(code: "SC1280", summary: "\(path) is no \(kind.rawValue)") }
        return variable
    }
}
