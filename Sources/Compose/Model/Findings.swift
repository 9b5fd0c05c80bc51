import Diagnostics

/// What the passes find out about a project.
///
/// A pass goes on after what it can go on after, so that one run shows all that is wrong.
final class Findings {
    /// Everything found, in order.
    private(set) var diagnostics: [Diagnostic] = []
    /// Whether something is wrong.
    private(set) var hasErrors = false

    private var known: Set<Diagnostic> = []

    /// Adds one, where it is not there yet.
    func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { hasErrors = true }
        guard known.insert(diagnostic).inserted else { return }
        diagnostics.append(diagnostic)
    }

    /// Adds what is wrong.
    func error(
        _ code: String, _ summary: String, at location: SourceLocation?, detail: String? = nil, hint: String? = nil,
        notes: [String] = []
    ) {
        add(
            Diagnostic(code: code, summary: summary, detail: detail, hint: hint, location: location, notes: notes))
    }

    /// Adds what deserves attention.
    func warning(
        _ code: String, _ summary: String, at location: SourceLocation?, detail: String? = nil, hint: String? = nil
    ) {
        add(
            Diagnostic(
                severity: .warning, code: code, summary: summary, detail: detail, hint: hint, location: location))
    }

    /// Ends loading where something is wrong.
    func check() throws(DiagnosticList) {
        if hasErrors { throw DiagnosticList(diagnostics) }
    }
}

/// What is wrong with several things that are read one after the other, each once.
struct ErrorCollection {
    private var diagnostics: [Diagnostic] = []
    private var known: Set<Diagnostic> = []

    /// Reads one, and keeps what is wrong with it; nothing is read once enough is wrong.
    mutating func collect(_ read: () throws(DiagnosticList) -> Void) {
        guard diagnostics.count < ComposeFileReader.maximumErrors else { return }
        do {
            try read()
        } catch {
            for diagnostic in error.diagnostics
            where diagnostics.count < ComposeFileReader.maximumErrors && known.insert(diagnostic).inserted {
                diagnostics.append(diagnostic)
            }
        }
    }

    /// Ends reading where something is wrong.
    func check() throws(DiagnosticList) {
        if !diagnostics.isEmpty { throw DiagnosticList(diagnostics) }
    }
}
