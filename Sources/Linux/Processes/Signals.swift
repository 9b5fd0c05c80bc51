import CLinux
import Glibc

/// Signals by name, and what the process does with them.
package enum Signals {
    private static let names: [(String, Int32)] = [
        ("HUP", 1), ("INT", 2), ("QUIT", 3), ("ILL", 4), ("TRAP", 5), ("ABRT", 6), ("BUS", 7), ("FPE", 8),
        ("KILL", 9), ("USR1", 10), ("SEGV", 11), ("USR2", 12), ("PIPE", 13), ("ALRM", 14), ("TERM", 15),
        ("STKFLT", 16), ("CHLD", 17), ("CONT", 18), ("STOP", 19), ("TSTP", 20), ("TTIN", 21), ("TTOU", 22),
        ("URG", 23), ("XCPU", 24), ("XFSZ", 25), ("VTALRM", 26), ("PROF", 27), ("WINCH", 28), ("IO", 29),
        ("PWR", 30), ("SYS", 31),
    ]

    /// `SIGTERM` for 15; `SIGRTMIN+n` for the real-time ones; the number as text otherwise.
    package static func name(_ number: Int32) -> String {
        if let known = names.first(where: { $0.1 == number }) { return "SIG\(known.0)" }
        if number >= 34 && number <= 64 { return number == 34 ? "SIGRTMIN" : "SIGRTMIN+\(number - 34)" }
        return "signal \(number)"
    }

    /// The number of `SIGTERM`, `term`, `15`, `SIGRTMIN+3`; nil when there is no such signal.
    package static func number(named text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        var word = text.uppercased()
        if word.hasPrefix("SIG") { word.removeFirst(3) }
        if let known = names.first(where: { $0.0 == word }) { return known.1 }
        for (prefix, base, sign) in [("RTMIN", Int32(34), Int32(1)), ("RTMAX", 64, -1)] where word.hasPrefix(prefix) {
            let rest = word.dropFirst(prefix.count)
            if rest.isEmpty { return base }
            guard rest.first == (sign > 0 ? "+" : "-"), let offset = Int32(rest.dropFirst()), (0...30).contains(offset)
            else { return nil }
            return base + sign * offset
        }
        return ["POLL": 29, "IOT": 6, "CLD": 17][word]
    }

    /// A write to a closed pipe answers `EPIPE` instead of ending the process.
    package static func ignoreBrokenPipe() {
        _ = linux_ignore_signal(SIGPIPE)
    }

    /// Sends a signal to a process by number.
    ///
    /// Prefer `ProcessHandle`, which cannot hit another process.
    package static func kill(_ pid: Int32, _ signal: Int32) throws(SystemError) {
        _ = try system("kill", "process \(pid)") { Glibc.kill(pid, signal) }
    }

    static func set(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}

/// Signals taken one at a time, by a task.
///
/// A handler writes them to a pipe. `signalfd` would not do: the main thread of an asynchronous program rests in
/// `sigsuspend` with every signal let through, and takes them with their default effect.
package final class SignalQueue: Sendable {
    private let descriptor: AsyncDescriptor
    private let writing: SharedDescriptor
    private let signals: [Int32]

    /// Takes these signals from now on, whichever thread they come to.
    ///
    /// A signal has one queue: the newest.
    package init(_ signals: [Int32]) throws(SystemError) {
        let pipe = try Pipe().separate()
        try pipe.writing.setNonBlocking(true)
        descriptor = try AsyncDescriptor(FileDescriptor.duplicating(pipe.reading.raw))
        writing = pipe.writing
        self.signals = signals
        for signal in signals {
            let number = writing.raw
            _ = try system("sigaction", Signals.name(signal)) { linux_catch_signal(signal, number) }
        }
        var set = Signals.set(signals)
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    deinit { close() }

    /// Waits for the next signal; its number.
    package func next() async throws -> Int32 {
        let byte = try await descriptor.read(upTo: 1)
        guard let number = byte.first else { throw SystemError(call: "read", errno: .EBADF) }
        return Int32(number)
    }

    /// Stops taking them: they have their default effect again, and `next` throws `EBADF`.
    package func close() {
        guard !descriptor.isClosed else { return }
        for signal in signals { _ = linux_release_signal(signal) }
        descriptor.close()
    }
}
