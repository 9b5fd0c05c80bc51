import CLinux
import Glibc

/// Facts of this process.
package enum CurrentProcess {
    package static var pid: Int32 { getpid() }
    /// The effective user.
    package static var uid: UInt32 { geteuid() }
    /// The effective group.
    package static var gid: UInt32 { getegid() }

    /// The running program's file.
    package static func executablePath() throws(SystemError) -> String {
        try Files.readLink("/proc/self/exe")
    }

    /// The working directory.
    package static func workingDirectory() throws(SystemError) -> String {
        try Files.readLink("/proc/self/cwd")
    }

    /// The program's name and arguments.
    package static var arguments: [String] { CommandLine.arguments }

    /// Ends the process at once, without unwinding.
    package static func exit(_ code: Int32) -> Never {
        Glibc.exit(code)
    }

    /// Sets the permission bits new files lose; returns the ones before.
    @discardableResult
    package static func setUmask(_ mask: UInt32) -> UInt32 {
        umask(mask)
    }

    /// Opens `/dev/null` for each standard stream that the caller has closed.
    ///
    /// Otherwise the next file or socket would get its number, and what is meant for a reader would be written into it.
    /// Call it first of all.
    package static func openClosedStreams() {
        // The lowest free number is given out, and those before are open by then.
        for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
    }

    /// Raises the soft limit of open files to the hard one.
    ///
    /// Many containers need many descriptors.
    package static func raiseOpenFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(7), &limit)
    }

    /// How many files this process may have open: what is in force, and up to where it may be raised.
    ///
    /// The largest number is none.
    package static var openFileLimit: (soft: UInt64, hard: UInt64)? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(7), &limit) == 0 else { return nil }
        return (UInt64(limit.rlim_cur), UInt64(limit.rlim_max))
    }

    /// Whether this process has a capability in effect, by the kernel's number.
    package static func hasCapability(_ number: UInt8) -> Bool {
        guard let text = try? Files.readText("/proc/thread-self/status", limit: 64 << 10) else { return false }
        return capabilities(inStatus: text).map { number < 64 && $0 & (1 << UInt64(number)) != 0 } ?? false
    }

    /// The effective set in `/proc/PID/status` (proc_pid_status(5)).
    static func capabilities(inStatus text: String) -> UInt64? {
        let prefix = "CapEff:"
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else { return nil }
        return UInt64(line.dropFirst(prefix.count).filter { !$0.isWhitespace }, radix: 16)
    }
}

/// The environment this process was given.
///
/// It is read, never changed: threads would race.
package enum Environment {
    /// The value of a variable.
    package static func get(_ name: String) -> String? {
        guard !name.contains("\0"), let value = getenv(name) else { return nil }
        return String(cString: value)
    }

    /// Every variable.
    package static var all: [String: String] {
        var result: [String: String] = [:]
        for line in lines {
            guard let separator = line.firstIndex(of: "=") else { continue }
            result[String(line[..<separator])] = String(line[line.index(after: separator)...])
        }
        return result
    }

    /// Every variable as `NAME=value`, as a program is given them.
    package static var lines: [String] {
        var result: [String] = []
        guard var entry = linux_environ() else { return result }
        while let text = entry.pointee {
            result.append(String(cString: text))
            entry += 1
        }
        return result
    }
}
