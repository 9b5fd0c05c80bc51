import Diagnostics
import JSONText
import StackModel
import StateStore

/// A generation of a stack that was applied: its document, and the images its names meant then.
package struct AppliedGeneration: Sendable {
    package var row: HistoryRow
    package var document: StackDocument
    /// The image of each container, and what each image of the stack was.
    package var images: [ResourceAddress: String]

    init(_ row: HistoryRow) throws(DiagnosticList) {
        self.row = row
        document = try StackDocument(json: row.document)
        images = [:]
        for (key, value) in row.summary["images"]?.objectValue ?? JSONObject() {
            guard let address = ResourceAddress(key), let id = value.stringValue else { continue }
            images[address] = id
        }
    }

    /// The image that a resource of a kind with these outputs has or is.
    static func image(_ kind: ResourceKind, _ outputs: JSONObject) -> JSONValue? {
        switch kind {
        case .container: outputs["image"]
        case .image: outputs["id"]
        case .network, .volume: nil
        }
    }
}

extension StackEngine {
    /// A generation of a stack, also of one that has been destroyed.
    ///
    /// - Parameter number: nil is the last successful one before the current one.
    /// - Throws: `DiagnosticList` when there is no such generation, or it did not succeed.
    package func generation(_ number: Int64?, of stack: String) async throws -> AppliedGeneration {
        let row = try await database.reading { transaction in
            if let number { return try transaction.applied(stack: stack, generation: number) }
            let header = try transaction.stack(name: stack)
            return try transaction.applied(stack: stack, before: header?.generation ?? Int64.max)
        }
        if let row { return try AppliedGeneration(row) }
        let known = try await history(stack)
        let there = known.filter { $0.outcome == "done" && $0.operation != "destroy" }.map { "\($0.generation)" }
        throw DiagnosticList(
            Diagnostic(
                code: "SC3153",
                summary: number.map { "stack \(stack) has no generation \($0) that was applied" }
                    ?? "stack \(stack) has no generation before this one",
                detail: there.isEmpty ? "None has succeeded." : "There are: \(there.joined(separator: ", ")).",
                hint: "see them with: stackctl stacks history \(stack)"))
    }
}
