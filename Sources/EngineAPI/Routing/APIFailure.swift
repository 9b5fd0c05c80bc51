import Apply
import Builder
import Diagnostics
import Engine
import HTTP
import JSONText
import Linux
import StateStore

/// Turns what went wrong into a status and `{"message", "diagnostics"}`.
enum APIFailure {
    static func response(_ error: any Error) -> (status: Int, headers: HTTPHeaders, body: [UInt8]) {
        let (status, message, diagnostics) = parts(error)
        if status == 304 { return (304, [:], []) }
        return (
            status, ["Content-Type": "application/json"], body(message, diagnostics).serializedBytes(.compact) + [0x0A]
        )
    }

    /// The body of an error.
    static func body(_ message: String, _ diagnostics: [Diagnostic]) -> JSONValue {
        var object: JSONObject = ["message": .string(message)]
        if !diagnostics.isEmpty { object["diagnostics"] = .array(diagnostics.map(\.json)) }
        return .object(object)
    }

    /// Status, message and diagnostics of an error.
    static func parts(_ error: any Error) -> (status: Int, message: String, diagnostics: [Diagnostic]) {
        switch error {
        case let error as HTTPError: return (error.status, error.text, [])
        case let error as EngineError: return (status(error.kind), error.message, error.diagnostics)
        case let list as DiagnosticList:
            let errors = list.diagnostics.filter { $0.severity == .error }
            return (400, errors.first?.summary ?? "the request failed", list.diagnostics)
        case let diagnostic as Diagnostic: return (500, diagnostic.summary, [diagnostic])
        case let failure as BuildFailure: return (status(failure.kind), failure.message, failure.diagnostics)
        case let error as DatabaseError where error.isFull: return parts(noRoom(error))
        default: return (500, "\(error)", [])
        }
    }

    private static func noRoom(_ error: DatabaseError) -> Diagnostic {
        Diagnostic(
            code: "SC3002", summary: "no room on the disk to write down what is to be done",
            detail: "\(error). Nothing was begun.",
            hint: "free some space on the file system of the data root, then try again")
    }

    private static func status(_ kind: BuildFailure.Kind) -> Int {
        switch kind {
        case .invalid: 400
        case .notFound: 404
        case .forbidden: 403
        case .process, .failed, .cancelled: 500
        }
    }

    private static func status(_ kind: EngineError.Kind) -> Int {
        switch kind {
        case .invalid: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .limited: 429
        case .notFound: 404
        case .conflict: 409
        case .notModified: 304
        case .notImplemented: 501
        case .unavailable: 503
        case .failed: 500
        }
    }
}
