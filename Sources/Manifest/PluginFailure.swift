import Diagnostics
import JSONText
import Linux

/// What the loader wrote on the result descriptor.
enum PluginReport {
    case document([UInt8])
    case report(kind: String, detail: String)
    case nothing

    init(_ bytes: [UInt8]) {
        if bytes.first == UInt8(ascii: "D") {
            // A crash after the hand-over leaves a report on the next line; canonical JSON has no line end.
            self = .document(Array(bytes.dropFirst().prefix { $0 != 0x0A }))
        } else if bytes.starts(with: Array("R ".utf8)) {
            let line = String(decoding: bytes.dropFirst(2).prefix { $0 != 0x0A }, as: UTF8.self)
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            self = .report(kind: parts.first.map(String.init) ?? "", detail: parts.count > 1 ? String(parts[1]) : "")
        } else {
            self = .nothing
        }
    }
}

/// Says why a manifest's process gave no document.
func pluginFailure(_ outcome: PluginOutcome, limits: ManifestLimits) -> Diagnostic {
    let seconds =
        "\(limits.milliseconds % 1000 == 0 ? "\(limits.milliseconds / 1000)" : "\(Double(limits.milliseconds) / 1000)")"
    var diagnostic: Diagnostic
    if case .report(let kind, let detail) = PluginReport(outcome.result) {
        diagnostic = reported(kind, detail, outcome, seconds)
    } else if outcome.timedOut {
        diagnostic = timeLimit(seconds)
    } else if let signal = outcome.signal {
        diagnostic = killed(by: Signals.name(signal))
    } else {
        diagnostic = Diagnostic(
            code: "SC1256", summary: "the manifest ended before it gave its stack",
            detail: "Its process exited with \(outcome.exitCode).", hint: "do not call exit in a manifest")
    }
    // The runtime's own trace names addresses of the loader, which say nothing to the author.
    let lines = outcome.errors.split(separator: "\n").prefix { !$0.hasPrefix("Current stack trace:") }
    let errors = lines.suffix(10).joined(separator: "\n")
    if !errors.isEmpty { diagnostic.notes.append("the manifest printed: " + errors) }
    return diagnostic
}

private func reported(_ kind: String, _ detail: String, _ outcome: PluginOutcome, _ seconds: String) -> Diagnostic {
    switch kind {
    case "syscall": return forbidden(detail)
    case "time": return timeLimit(seconds)
    case "memory":
        let limit = UInt64(detail).map { "\($0 >> 20) MiB" } ?? "its limit"
        return Diagnostic(
            code: "SC1252", summary: "the manifest used more than \(limit) of memory",
            hint: "look for a loop or a recursion that collects without end")
    case "signal":
        let name = Int32(detail).map(Signals.name) ?? detail
        return Diagnostic(
            code: "SC1253", summary: "the manifest crashed with \(name)", detail: crashDetail(name),
            location: crashLocation(outcome.errors))
    case "load":
        return Diagnostic(
            code: "SC1255", summary: "the compiled manifest cannot be loaded", detail: detail,
            hint: "remove the cache directory and try again")
    default:
        return Diagnostic(code: "SC1255", summary: "the manifest's loader failed", detail: "\(kind) \(detail)")
    }
}

private func timeLimit(_ seconds: String) -> Diagnostic {
    Diagnostic(
        code: "SC1251", summary: "the manifest took longer than \(seconds) seconds",
        hint: "look for a loop that does not end")
}

private func killed(by name: String) -> Diagnostic {
    if name == "SIGSYS" {
        return Diagnostic(
            code: "SC1250", summary: "the manifest tried to leave its sandbox",
            detail: "It made a system call that manifests may not make; most likely it started a thread or a process.",
            hint: "a manifest only computes: leave threads, tasks and programs out")
    }
    return Diagnostic(
        code: "SC1253", summary: "the manifest was killed by \(name)",
        detail: name == "SIGKILL" ? "Its sandbox ran out of memory or time." : nil)
}

private func crashDetail(_ name: String) -> String {
    switch name {
    case "SIGILL", "SIGTRAP":
        "Swift stops a program so on a failed check: an index out of range, nil that was unwrapped, an overflow."
    case "SIGSEGV", "SIGBUS": "It touched memory that is not its own; a recursion without end does that too."
    case "SIGABRT": "The program called abort."
    default: "The program made an arithmetic mistake such as a division by zero."
    }
}

/// The place in "Manifest/Stack.swift:5: Fatal error: …", which the Swift runtime prints for the author's own lines.
private func crashLocation(_ errors: String) -> SourceLocation? {
    for line in errors.split(separator: "\n") where line.hasPrefix("Manifest/") {
        let parts = line.split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let number = Int(parts[1]) else { continue }
        return SourceLocation(file: String(parts[0].dropFirst("Manifest/".count)), line: number)
    }
    return nil
}

/// A system call that the filter stopped, in the reader's words.
private func forbidden(_ detail: String) -> Diagnostic {
    let parts = detail.split(separator: " ", maxSplits: 1)
    let call = parts.first.map(String.init) ?? detail
    let path = parts.count > 1 ? String(parts[1]) : ""
    let object = path.isEmpty ? "a file" : path
    switch call {
    case "open", "openat", "openat2", "creat":
        return Diagnostic(
            code: "SC1250", summary: "the manifest opened \(object); a manifest may read nothing but its inputs",
            hint: "declare an input, @Input(\"...\") var name: String, and give it with --var or --var-file",
            notes: [
                "files of the stack's folder get into containers by Image(rootfs:), Mount(bind:) or Volume(content:)"
            ])
    case "socket", "socketpair", "connect", "bind", "listen", "accept4", "sendto", "recvfrom":
        return Diagnostic(
            code: "SC1250", summary: "the manifest opened a socket; a manifest has no network",
            hint: "fetch the value before, and give it with --var or --var-file")
    case "clone", "clone3", "fork", "vfork", "execve", "execveat", "pipe", "pipe2", "wait4", "waitid":
        return Diagnostic(
            code: "SC1250", summary: "the manifest started a process or thread (\(call)); a manifest only computes",
            hint: "run the program before, and give its result with --var or --var-file")
    case "kill", "tkill", "tgkill", "ptrace", "pidfd_open", "pidfd_send_signal", "process_vm_readv",
        "process_vm_writev":
        return Diagnostic(
            code: "SC1250", summary: "the manifest reached for another process (\(call)); it may not",
            hint: "remove the call")
    default:
        let about = path.isEmpty ? call : "\(call) on \(path)"
        return Diagnostic(
            code: "SC1250", summary: "the manifest made a system call that it may not make: \(about)",
            hint: "a manifest reads its inputs, computes and prints; nothing else is open to it")
    }
}
