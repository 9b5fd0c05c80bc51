import Glibc

extension ChildProcess {
    /// Kills every process of the session it leads (`newSession`), whatever group each has moved to, and waits until they
    /// are gone, at most for 30 seconds.
    ///
    /// A compiler's driver puts the compilers it starts into groups of their own; they would go on writing. Blocks.
    package func killSession() {
        let deadline = Clock.monotonic() + Duration.seconds(30).wholeNanoseconds
        var pause = Duration.milliseconds(2)
        while Clock.monotonic() < deadline {
            let members = Sessions.members(of: pid)
            if members.isEmpty { return }
            for member in members { try? Signals.kill(member, SIGKILL) }
            Clock.block(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }
}

/// Sessions of processes, as `/proc` tells them.
enum Sessions {
    /// The processes of a session that have not ended.
    ///
    /// While one of them is there, or the leader is not reaped, its number cannot be another session's.
    static func members(of session: Int32) -> [Int32] {
        let entries = (try? Files.list("/proc")) ?? []
        return entries.compactMap { entry in
            guard let pid = Int32(entry.name),
                let content = try? Files.readAll("/proc/\(pid)/stat", limit: 64 << 10),
                let (state, found) = parse(content), found == session, state != "Z", state != "X"
            else { return nil }
            return pid
        }
    }

    /// State and session of a line of `/proc/PID/stat` (proc(5)).
    ///
    /// The command's name is in parentheses and may hold any byte, so fields are counted after the last one.
    static func parse(_ content: [UInt8]) -> (state: Character, session: Int32)? {
        guard let end = content.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = content[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 3, let state = String(decoding: fields[0], as: UTF8.self).first,
            let session = Int32(String(decoding: fields[3], as: UTF8.self))
        else { return nil }
        return (state, session)
    }
}
