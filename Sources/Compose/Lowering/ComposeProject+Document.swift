import Diagnostics
import StackModel

extension ComposeProject {
    /// The project as the document that is planned and applied.
    ///
    /// - Throws: everything that cannot be done, by name and line. What is not honoured is a warning of the document.
    package func document(_ options: LoweringOptions = LoweringOptions()) throws(DiagnosticList) -> StackDocument {
        throw DiagnosticList(Diagnostic(code: "SC2000", summary: "compose projects cannot be lowered yet"))
    }
}
