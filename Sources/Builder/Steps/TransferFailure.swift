import Archives
import Diagnostics
import Linux
import Registry

extension BuildFailure {
    /// COPY or ADD asks for what makes no sense.
    static func badTransfer(_ summary: String, detail: String? = nil, hint: String? = nil) -> BuildFailure {
        BuildFailure(
            .invalid, Diagnostic(code: BuildCode.invalid, summary: summary, detail: detail, hint: hint))
    }

    /// A name of an owner that the image does not know.
    static func missing(_ what: String, _ name: String, in file: String, among names: [String]) -> BuildFailure {
        let near = nearest(name, among: names).map { "did you mean `\($0)`?" }
        return BuildFailure(
            .notFound,
            Diagnostic(
                code: BuildCode.notFound, summary: "unable to find \(what) \(name): no matching entries in \(file)",
                hint: near ?? "give the \(what)'s number, or make it in a step before this one"))
    }

    /// A source that is not there.
    static func missingSource(_ path: [UInt8], hint: String? = nil) -> BuildFailure {
        BuildFailure(
            .notFound,
            Diagnostic(
                code: BuildCode.notFound,
                summary: "failed to compute cache key: \"\(TreePath.shown(path))\": not found", hint: hint))
    }

    /// A web address that gives no file.
    static func missingAddress(_ address: String, status: Int) -> BuildFailure {
        BuildFailure(
            status == 404 || status == 410 ? .notFound : .failed,
            Diagnostic(
                code: status == 404 || status == 410 ? BuildCode.notFound : BuildCode.failed,
                summary: "failed to load \(address): invalid response status \(status)"))
    }

    /// Gives what went wrong below while files were read or written the form users read.
    static func transferring(_ title: String, _ error: any Error) -> any Error {
        switch error {
        case is BuildFailure, is CancellationError, is Diagnostic: return error
        case RegistryError.cancelled: return CancellationError()
        case ArchiveError.source(let cause): return transferring(title, cause)
        case let error as PathRules.Malformed:
            return badTransfer("`\(error.pattern)` is no pattern: syntax error in pattern")
        case let error as TransferMode.Malformed: return badTransfer(error.reason)
        case ArchiveError.malformed, ArchiveError.truncated, ArchiveError.limit, ArchiveError.corruptCompression,
            ArchiveError.unsupportedCompression:
            return badTransfer("\(title) failed", detail: "\(error)")
        default:
            return BuildFailure(
                .failed, Diagnostic(code: BuildCode.failed, summary: "\(title) failed", detail: "\(error)"))
        }
    }
}
