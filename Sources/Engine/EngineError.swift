import Diagnostics
import OCI

/// Why the engine refused or failed, in terms of what was asked.
package struct EngineError: Error, Sendable, Hashable {
    /// What kind of failure it is; the API maps it to a status.
    package enum Kind: String, Sendable, Hashable {
        /// The request makes no sense.
        case invalid
        /// An object is not there.
        case notFound
        /// The object's state or another object stands against it.
        case conflict
        /// It is so already.
        case notModified
        /// It is not allowed.
        case forbidden
        /// It needs (other) credentials.
        case unauthorized
        /// Too much was asked for in too short a time.
        case limited
        /// Not part of this engine.
        case notImplemented
        /// Not now.
        case unavailable
        /// It was right to ask, but it failed.
        case failed
    }

    /// Kept behind one reference: a typed error of one word is what the compiler handles best in async functions.
    private final class Contents: Sendable {
        let kind: Kind
        let message: String
        let diagnostics: [Diagnostic]

        init(_ kind: Kind, _ message: String, _ diagnostics: [Diagnostic]) {
            self.kind = kind
            self.message = message
            self.diagnostics = diagnostics
        }
    }

    private let contents: Contents

    /// The kind.
    package var kind: Kind { contents.kind }
    /// One sentence.
    ///
    /// Docker's wording where clients match on it.
    package var message: String { contents.message }
    /// What is known beyond the sentence.
    package var diagnostics: [Diagnostic] { contents.diagnostics }

    /// An error.
    package init(_ kind: Kind, _ message: String, diagnostics: [Diagnostic] = []) {
        contents = Contents(kind, message, diagnostics)
    }

    package static func == (left: EngineError, right: EngineError) -> Bool {
        left.kind == right.kind && left.message == right.message && left.diagnostics == right.diagnostics
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(message)
        hasher.combine(diagnostics)
    }

    /// `No such container: x`.
    package static func noContainer(_ name: String) -> EngineError { .init(.notFound, "No such container: \(name)") }
    /// `No such image: x:latest`, with the tag as Docker has it.
    package static func noImage(_ name: String) -> EngineError {
        let full = (try? ImageReference(name))?.withDefaultTag.familiar
        return .init(.notFound, "No such image: \(full ?? name)")
    }
    /// `network x not found`.
    package static func noNetwork(_ name: String) -> EngineError { .init(.notFound, "network \(name) not found") }
    /// `get x: no such volume`.
    package static func noVolume(_ name: String) -> EngineError { .init(.notFound, "get \(name): no such volume") }
    /// `container x is not running`.
    package static func notRunning(_ id: String) -> EngineError {
        .init(.conflict, "container \(id) is not running")
    }

    /// Any error as an engine's, keeping its diagnostics.
    package static func wrapping(_ error: any Error, doing what: String? = nil) -> EngineError {
        if let error = error as? EngineError { return error }
        let prefix = what.map { "\($0): " } ?? ""
        if let diagnostic = error as? Diagnostic {
            let detail = diagnostic.detail.map { ": \($0)" } ?? ""
            return EngineError(.failed, "\(prefix)\(diagnostic.summary)\(detail)", diagnostics: [diagnostic])
        }
        if let list = error as? DiagnosticList {
            let text = list.sorted.map(\.summary).joined(separator: "; ")
            return EngineError(.failed, prefix + text, diagnostics: list.diagnostics)
        }
        return EngineError(.failed, "\(prefix)\(error)")
    }
}

extension EngineError: CustomStringConvertible {
    /// The message.
    package var description: String { message }
}
