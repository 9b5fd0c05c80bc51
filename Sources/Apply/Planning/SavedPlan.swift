import Diagnostics
import JSONText
import StackModel

/// A plan on its way to be applied elsewhere or later: with the document it was made of, so that no manifest is needed.
package struct SavedPlan: Sendable, Hashable {
    /// The version of its JSON.
    package static let formatVersion: Int64 = 1
    private static let format = "stackctl.plan"

    package var plan: Plan
    /// `nil` for a destroy.
    package var document: StackDocument?
    /// The manifest's folder on the machine where the plan was made.
    package var origin: String?
    /// Whether the stack is to be taken over from the folder it was last applied from.
    package var takeOver: Bool
    /// Digests by the image tags of the manifest; the document has both joined.
    package var tags: [String: String]

    package init(
        plan: Plan, document: StackDocument?, origin: String? = nil, takeOver: Bool = false,
        tags: [String: String] = [:]
    ) {
        self.plan = plan
        self.tags = tags
        self.document = document
        self.origin = origin
        self.takeOver = takeOver
    }

    /// The plan file's content.
    package var json: JSONValue {
        var object: JSONObject = [
            "format": .string(Self.format), "version": .int(Self.formatVersion), "plan": plan.json,
            "document": document?.json ?? .null,
        ]
        if let origin { object["origin"] = .string(origin) }
        if takeOver { object["takeOver"] = true }
        if !tags.isEmpty { object["tags"] = .object(.strings(tags)) }
        return .object(object)
    }

    /// Reads a plan file, which may come from outside.
    ///
    /// - Throws: what is wrong with it.
    package init(json: JSONValue) throws(DiagnosticList) {
        guard json["format"]?.stringValue == Self.format else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC3112", summary: "this is not a plan file",
                    hint: "make one with: stackctl plan --out FILE"))
        }
        guard json["version"]?.intValue == Self.formatVersion else {
            let found = json["version"]?.serialized(.compact) ?? "none"
            throw DiagnosticList(
                Diagnostic(
                    code: "SC3110", summary: "the plan file has version \(found), not \(Self.formatVersion)",
                    hint: "plan again with this stackctl"))
        }
        do {
            plan = try Plan(json: json["plan"] ?? .null)
        } catch {
            throw DiagnosticList(error)
        }
        let document = json["document"] ?? .null
        self.document = document.isNull ? nil : try StackDocument(json: document)
        origin = json["origin"]?.stringValue
        takeOver = json["takeOver"]?.boolValue ?? false
        tags = json["tags"]?.objectValue?.strings ?? [:]
        guard (self.document == nil) == (plan.goal == .destroy),
            self.document.map({ $0.name == plan.stack }) ?? true
        else {
            throw DiagnosticList(Plan.damaged("its document does not belong to it"))
        }
    }
}
