import Archives
import Diagnostics
import ImageStore
import Linux
import Registry

extension BuildFailure {
    /// What the user reads of an output that failed.
    ///
    /// - Parameter doing: the step, such as `exporting to image`.
    static func exporting(_ error: any Error, doing: String) -> BuildFailure {
        switch error {
        case let failure as BuildFailure: return failure
        case is CancellationError:
            return BuildFailure(.cancelled, Diagnostic(code: StoreCode.cancelled, summary: "\(doing) was cancelled"))
        case let diagnostic as Diagnostic:
            return BuildFailure(diagnostic.code == StoreCode.cancelled ? .cancelled : .failed, diagnostic)
        case let error as RegistryError: return BuildFailure(.failed, error.diagnostic(doing: doing))
        default:
            return BuildFailure(
                Task.isCancelled ? .cancelled : .failed,
                Diagnostic(code: BuildCode.failed, summary: "\(error)", detail: "this was \(doing)"))
        }
    }

    /// What is asked for makes no sense.
    static func invalid(_ summary: String, _ detail: String? = nil, hint: String? = nil) -> BuildFailure {
        BuildFailure(.invalid, Diagnostic(code: BuildCode.invalid, summary: summary, detail: detail, hint: hint))
    }
}
