import Diagnostics
import Linux
import StackModel
import StateStore

/// Turns what was thrown into what a user reads.
enum Failure {
    /// One diagnostic with the resource's address and line.
    static func diagnostic(
        _ error: any Error, _ address: ResourceAddress? = nil, _ location: SourceLocation? = nil,
        doing: String? = nil
    ) -> Diagnostic {
        var diagnostic: Diagnostic
        switch error {
        case let known as Diagnostic: diagnostic = known
        case let list as DiagnosticList:
            diagnostic =
                list.sorted.first
                ?? Diagnostic(code: "SC3200", summary: doing.map { "\($0) failed" } ?? "the step failed")
            diagnostic.notes += list.sorted.dropFirst().map(\.summary)
        case let error as DatabaseError:
            diagnostic = Diagnostic(
                code: error.isFull ? "SC3002" : "SC3202", summary: "the state could not be written",
                detail: error.description,
                hint: error.isFull ? "free some space on the file system of the data root, then apply again" : nil)
        case is CancellationError:
            diagnostic = Diagnostic(code: "SC3203", summary: "interrupted", hint: "apply again to go on")
        default:
            // What went wrong is the sentence that the step's line shows, where nothing says more.
            let text = "\(error)"
            diagnostic = Diagnostic(
                code: "SC3201", summary: doing.map { "\($0) failed" } ?? text, detail: doing == nil ? nil : text)
        }
        diagnostic.address = diagnostic.address ?? address?.description
        diagnostic.location = diagnostic.location ?? location
        return diagnostic
    }
}
