import Diagnostics
import LaunchProgram
import Linux

/// Why a container, an exec or a jail could not be what was asked for.
package enum RuntimeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// An operation of the launch program failed.
    ///
    /// The operation is in words, as the program's listing has it.
    case launchFailed(name: String, operation: String, failure: LaunchFailure)
    /// A system call of the daemon failed.
    case system(SystemError, doing: String)
    /// The container has no process.
    case notRunning(name: String)
    /// The container has a supervisor already.
    case alreadyRunning(name: String)
    /// The supervisor, by its process id, lives but does not answer.
    case silent(name: String, supervisor: Int32, doing: String)
    /// Nothing came in time.
    case timedOut(doing: String)
    /// A limit of memory below what is in use and cannot be reclaimed, both in bytes.
    case memoryInUse(limit: Int64, used: Int64)
    /// A value nobody can start with.
    case invalid(field: String, reason: String)
    /// The supervisor is gone, or does not speak.
    case lost(name: String, doing: String)

    /// What is said of it.
    ///
    /// Docker's clients look for some of these words.
    package var description: String {
        switch self {
        case .launchFailed(let name, let operation, let failure):
            Self.launchText(name, operation, failure)
        case .system(let error, let doing): "\(doing): \(error)"
        case .notRunning(let name): "container \(name) is not running"
        case .alreadyRunning(let name): "container \(name) is already running"
        case .silent(let name, let supervisor, let doing):
            "\(doing): timed out: the supervisor of \(name), process \(supervisor), does not answer;"
                + " if somebody stopped it, let it go on with: kill -CONT \(supervisor)"
        case .timedOut(let doing): "\(doing): timed out"
        case .memoryInUse(let limit, let used):
            "unable to set memory limit to \(limit) (current usage: \(used)): the kernel cannot reclaim that much"
                + " memory; no limit was changed: set a limit above the usage, or free memory in the container first"
        case .invalid(let field, let reason): "\(field): \(reason)"
        case .lost(let name, let doing): "\(doing): the supervisor of \(name) is gone"
        }
    }

    /// Whether the host cannot make such a process at all; any other failure is the run's own.
    package var isIsolationUnavailable: Bool {
        switch self {
        case .launchFailed(_, let operation, let failure):
            // A program that could not be executed would fail without the isolation too.
            !operation.hasPrefix("exec ")
                && [.EPERM, .EACCES, .ENOSYS, .EINVAL, .ENOSPC].contains(Errno(failure.code))
        case .system(let error, _): [.ENOENT, .EPERM, .EACCES, .ENOSYS].contains(error.errno)
        default: false
        }
    }

    /// The exit code Docker gives: 127 not found, 126 not executable, 125 anything else.
    package var exitCode: Int32 {
        guard case .launchFailed(_, let operation, let failure) = self, operation.hasPrefix("exec ") else { return 125 }
        switch Errno(failure.code) {
        case .ENOENT: return 127
        case .EACCES, .EISDIR, .ENOEXEC: return 126
        default: return 125
        }
    }

    /// The error for people.
    package var diagnostic: Diagnostic {
        switch self {
        case .launchFailed(_, let operation, let failure) where operation.hasPrefix("exec "):
            Diagnostic(code: "SC6001", summary: description, hint: Self.hint(failure))
        case .launchFailed: Diagnostic(code: "SC6002", summary: description)
        case .system: Diagnostic(code: "SC6003", summary: description)
        case .notRunning: Diagnostic(code: "SC6004", summary: description)
        case .alreadyRunning: Diagnostic(code: "SC6005", summary: description)
        case .timedOut, .silent: Diagnostic(code: "SC6006", summary: description)
        case .invalid: Diagnostic(code: "SC6007", summary: description)
        case .lost: Diagnostic(code: "SC6008", summary: description)
        case .memoryInUse: Diagnostic(code: "SC6009", summary: description)
        }
    }

    /// What failed, where clients look for Docker's words in runc's.
    private static func launchText(_ name: String, _ operation: String, _ failure: LaunchFailure) -> String {
        let reason = explanation(failure)
        if operation.hasPrefix("exec ") {
            let program = operation.hasSuffix(" under an init") ? operation.dropLast(14) : operation[...]
            return "unable to start the process in \(name): exec: \(program.dropFirst(5)): \(reason)"
        }
        // The reason says all.
        if operation.hasPrefix("become user "), failure.detail.text.hasPrefix("unable to find ") { return reason }
        let directory = "enter directory "
        if operation.hasPrefix(directory) {
            let path = operation.dropFirst(directory.count)
            return "unable to start the process in \(name): chdir to cwd (\"\(path)\") failed: \(reason)"
        }
        return "\(operation) in \(name): \(reason)"
    }

    /// The errno in Docker's words, with what exactly failed.
    static func explanation(_ failure: LaunchFailure) -> String {
        // Docker's clients take "no such file" for a missing program.
        if failure.detail.text.hasSuffix(" file"), failure.detail.text.hasPrefix("unable to find ") {
            return failure.detail.text
        }
        let errno = Errno(failure.code)
        let words = errno.text.prefix(1).lowercased() + errno.text.dropFirst()
        let meaning = "\(words) (\(errno.name))"
        return failure.detail.isEmpty ? meaning : "\(failure.detail.text): \(meaning)"
    }

    private static func hint(_ failure: LaunchFailure) -> String? {
        switch Errno(failure.code) {
        case .ENOENT: "is the program in the image? a script also needs its interpreter, named in its first line"
        case .EACCES: "is it executable, and for this user? chmod +x in the image"
        case .ENOEXEC: "is it built for this machine? a script needs a first line such as #!/bin/sh"
        default: nil
        }
    }
}
