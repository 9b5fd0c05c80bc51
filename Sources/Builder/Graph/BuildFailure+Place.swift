import Diagnostics
import Dockerfile
import ImageStore
import Linux
import Registry

extension BuildFailure {
    /// Makes a failure of whatever was thrown in a build.
    static func of(_ error: any Error) -> BuildFailure {
        switch error {
        case let failure as BuildFailure: failure
        case let dependency as DependencyFailure: dependency.failure
        case is CancellationError: cancelled
        case let list as DiagnosticList: BuildFailure(.invalid, list.diagnostics)
        case let diagnostic as Diagnostic where diagnostic.code == StoreCode.cancelled: cancelled
        case let diagnostic as Diagnostic: BuildFailure(.failed, diagnostic)
        default: BuildFailure(.failed, Diagnostic(code: BuildCode.failed, summary: "\(error)"))
        }
    }

    static var cancelled: BuildFailure {
        BuildFailure(.cancelled, Diagnostic(code: BuildCode.failed, summary: "the build was cancelled"))
    }

    static func isCancellation(_ error: any Error) -> Bool { of(error).kind == .cancelled }

    /// The one sentence a user reads of an error.
    static func sentence(of error: any Error) -> String { of(error).sentence }

    /// The first diagnostic's summary.
    var sentence: String { diagnostics.first?.summary ?? "the build failed" }

    /// The failure with its place in the Dockerfile, the lines around it and what the process wrote last, as BuildKit
    /// shows them.
    ///
    /// - Parameter step: the failed step's name and the last lines of its output.
    func placed(in document: DockerfileDocument, at span: SourceSpan?, step: (name: String, lines: [String])?) -> Self {
        var result = self
        guard kind != .cancelled, var first = diagnostics.first, first.location == nil else { return self }
        if let step, !step.lines.isEmpty {
            first.notes.append((["> \(step.name):"] + step.lines.map { "  \($0)" }).joined(separator: "\n"))
        }
        if let span {
            first.location = SourceLocation(file: document.name, line: span.firstLine)
            if let excerpt = document.excerpt(span) { first.notes.append(excerpt) }
        }
        result.diagnostics[0] = first
        return result
    }
}

extension DockerfileDocument {
    /// The lines of a place and some around them, those of it marked; nil where the document has no such lines.
    ///
    /// Source: BuildKit, errdefs `Source.Print`.
    package func excerpt(_ span: SourceSpan) -> String? {
        let marked = span.firstLine...max(span.firstLine, min(span.lastLine, lines.count))
        guard (1...max(1, lines.count)).contains(marked.lowerBound), !lines.isEmpty else { return nil }
        let padding = marked.count == 1 ? 2 : 1
        let shown = max(1, marked.lowerBound - padding)...min(lines.count, marked.upperBound + padding)
        let rule = String(repeating: "-", count: 20)
        let body = shown.map { number in
            let text = String(number)
            let column = String(repeating: " ", count: max(0, 4 - text.count)) + text
            return "\(column) | \(marked.contains(number) ? ">>>" : "   ") \(lines[number - 1])"
        }
        return (["\(name):\(span.firstLine)", rule] + body + [rule]).joined(separator: "\n")
    }
}
