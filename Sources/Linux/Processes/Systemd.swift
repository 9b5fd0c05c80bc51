import CLinux
import Glibc

/// What a service says to the service manager that started it, and gets from it.
///
/// Source: sd_notify(3), sd_listen_fds(3).
package enum Systemd {
    /// Tells the manager: `READY=1`, `RELOADING=1`, `STOPPING=1`, `STATUS=…`, a line each.
    ///
    /// Nothing where there is no manager that listens (`NOTIFY_SOCKET`).
    package static func notify(_ lines: String) throws(SystemError) {
        guard let path = Environment.get("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else { return }
        let socket = try Sockets.make(AF_UNIX, 2)  // SOCK_DGRAM
        let number = socket.raw
        let bytes = Array(lines.utf8)
        _ = try system("sendto", path) {
            path.utf8CString.withUnsafeBufferPointer { name in
                linux_send_to_unix(number, name.baseAddress, bytes, bytes.count)
            }
        }
    }

    /// The time that `RELOADING=1` goes with, in microseconds (`MONOTONIC_USEC`).
    package static var monotonicMicroseconds: Int64 { Clock.monotonic() / 1000 }

    /// The sockets that the manager opened for this process, with their names; each is given out once.
    package static func takeSockets() throws(SystemError) -> [(name: String, descriptor: SharedDescriptor)] {
        guard let count = Environment.get("LISTEN_FDS").flatMap({ Int32($0) }), (1...1024).contains(count),
            Environment.get("LISTEN_PID").flatMap({ Int32($0) }) == CurrentProcess.pid
        else { return [] }
        let names = (Environment.get("LISTEN_FDNAMES") ?? "").split(
            separator: ":", omittingEmptySubsequences: false)
        var sockets: [(name: String, descriptor: SharedDescriptor)] = []
        for index in 0..<Int(count) {
            let descriptor = FileDescriptor(owning: 3 + Int32(index))
            try descriptor.setCloseOnExec(true)
            sockets.append((index < names.count ? String(names[index]) : "", descriptor.shared()))
        }
        unsetenv("LISTEN_FDS")
        unsetenv("LISTEN_PID")
        unsetenv("LISTEN_FDNAMES")
        return sockets
    }
}
