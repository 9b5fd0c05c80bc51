import Diagnostics
import JSONText
import StackModel

/// A value of another resource that is known only at apply, such as `db.host`.
///
/// Use it inside a `Text`: `Env("DATABASE_HOST", "\(db.host)")`. Using it makes the other resource a dependency.
public struct Reference: Sendable {
    let json: JSONValue
    let edge: Edge?
    let problem: Diagnostic?

    init(node: ResourceNode, attribute: String) {
        let until: DependencyCondition = node.kind == .container ? .started : .created
        edge = Edge(node: node, until: until)
        guard node.replicas != nil else {
            json = StackReference(address: node.address, attribute: attribute).json
            problem = nil
            return
        }
        // All replicas answer to the container's name, so the name is the one value that holds for every replica.
        json = .string(node.name)
        problem =
            attribute == "host"
            ? nil
            : Diagnostic(
                code: "SC1122", summary: "\(node.address) has replicas, so it has no single \(attribute)",
                hint: "use \\(\(node.name).host), the name that all replicas answer to")
    }

    /// A value of one replica.
    init(node: ResourceNode, number: Int, attribute: String) {
        let address = ResourceAddress(kind: node.kind, name: node.name, index: number)
        json = StackReference(address: address, attribute: attribute).json
        edge = Edge(node: node, until: .started, number: number)
        guard !node.addresses.contains(address) else {
            problem = nil
            return
        }
        problem = Diagnostic(
            code: "SC1122", summary: "\(node.address) has no replica \(number)",
            hint: node.replicas.map { "it has \($0)" } ?? "it has none: leave the number out")
    }

    /// A value that is known already.
    init(literal: String, problem: Diagnostic? = nil) {
        json = .string(literal)
        edge = nil
        self.problem = problem
    }
}

extension String.StringInterpolation {
    /// A mistake that the evaluation reports: a plain string cannot wait for a value.
    ///
    /// The compiler only takes this in place of the standard library's interpolation when it is available, so it is
    /// deprecated instead.
    @available(
        *, deprecated,
        message: "a reference is known only at apply: give the variable the type Text, let url: Text = ..."
    )
    public mutating func appendInterpolation(_ reference: Reference, fileID: String = #fileID, line: Int = #line) {
        PluginSession.report(
            Diagnostic(
                code: "SC1129", summary: "a reference is used in a plain string",
                detail: "Its value is known only at apply.",
                hint: "give the variable the type Text: let url: Text = \"http://\\(web.host)/\"",
                location: SourceLocation(fileID: fileID, line: line)))
    }
}
