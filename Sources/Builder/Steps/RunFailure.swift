import Diagnostics
import Dockerfile
import Linux
import Runtime

/// How a step that runs a process fails, in BuildKit's words where it has some.
enum RunFailure {
    /// The process ended with a code other than 0.
    ///
    /// Blocks.
    ///
    /// - Parameter directory: where it wrote: that nothing more can be written there is worth telling.
    static func ended(_ end: TransientContainer.End, _ step: RunStep, directory: String) -> BuildFailure {
        var reason = "exit code: \(end.exitCode)"
        var hint: String?
        var detail: String?
        if end.outOfMemoryKills > 0 {
            reason += ": cannot allocate memory"
            detail = "the kernel ended a process of the step for want of memory (out of memory)"
            hint =
                step.limits.cgroup.memoryBytes.map { "the build's limit of memory is \($0) bytes; give it more" }
                ?? "the host has no more memory; run fewer steps at a time, or give the host more"
        } else if end.signal != 0 {
            reason += " (\(Signals.name(end.signal)))"
        }
        if detail == nil, let space = try? Files.diskSpace(directory), space.isFull {
            detail = "no space is left on the file system of \(directory) (ENOSPC)"
            hint = "free space there; `stackctl builder prune` removes what builds have cached"
        }
        return BuildFailure(
            .process(exitCode: end.exitCode),
            Diagnostic(
                code: BuildCode.process, summary: "\(subject(step)) did not complete successfully: \(reason)",
                detail: detail, hint: hint))
    }

    /// The process could not be started, or was lost.
    static func of(_ error: RuntimeError, _ step: RunStep) -> BuildFailure {
        let code = error.exitCode
        if case .launchFailed(_, let operation, _) = error, code != 125 || !operation.hasPrefix("make ") {
            return BuildFailure(
                code == 125 ? .failed : .process(exitCode: code),
                Diagnostic(
                    code: BuildCode.process, summary: "\(subject(step)) did not complete successfully: \(error)",
                    hint: error.diagnostic.hint))
        }
        return BuildFailure(
            .failed, Diagnostic(code: BuildCode.failed, summary: "\(subject(step)): \(error)"))
    }

    /// The host failed.
    static func of(_ error: SystemError, doing: String) -> BuildFailure {
        BuildFailure(.failed, Diagnostic(code: BuildCode.failed, summary: "\(doing): \(error)"))
    }

    static func invalid(_ step: RunStep, _ reason: String) -> BuildFailure {
        BuildFailure(.invalid, Diagnostic(code: BuildCode.invalid, summary: reason, detail: step.title))
    }

    static func notFound(_ step: RunStep, _ reason: String) -> BuildFailure {
        BuildFailure(.notFound, Diagnostic(code: BuildCode.notFound, summary: reason, detail: step.title))
    }

    static func cancelled(_ step: RunStep) -> BuildFailure {
        BuildFailure(.cancelled, Diagnostic(code: BuildCode.failed, summary: "\(subject(step)): canceled"))
    }

    private static func subject(_ step: RunStep) -> String {
        "process \"\(step.run.arguments.joined(separator: " "))\""
    }
}

extension DiskSpace {
    /// Whether nothing more can be written, or no file made.
    fileprivate var isFull: Bool { available < 1 << 16 || totalInodes > 0 && availableInodes == 0 }
}
