import Diagnostics

/// Loads a compose project: every pass from text to canonical form.
package struct ComposeLoader: Sendable {
    package let request: ComposeRequest
    package let files: any ComposeFiles

    package init(_ request: ComposeRequest, files: any ComposeFiles) {
        self.request = request
        self.files = files
    }

    /// The project.
    ///
    /// - Throws: everything that is wrong with it, with file, line and column.
    package func load() throws(DiagnosticList) -> ComposeProject {
        throw DiagnosticList(Diagnostic(code: "SC2000", summary: "compose files cannot be loaded yet"))
    }
}
