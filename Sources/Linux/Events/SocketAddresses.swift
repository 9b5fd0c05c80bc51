import CLinux
import Glibc

/// Makes sockets and gives them addresses.
enum Sockets {
    static func make(_ family: Int32, _ type: Int32, protocol number: Int32 = 0) throws(SystemError) -> FileDescriptor {
        let flags = type | O_CLOEXEC | O_NONBLOCK
        return FileDescriptor(owning: try system("socket") { socket(family, flags, number) })
    }

    static var stream: Int32 { 1 }  // SOCK_STREAM

    /// Runs a call on a unix path.
    ///
    /// One that does not fit an address (107 bytes) is reached through its directory.
    static func withUnixPath(
        _ path: String, _ call: StaticString, _ body: (UnsafePointer<CChar>) -> Int32
    ) throws(SystemError) {
        if path.utf8.count <= 107 {
            _ = try system(call, path: path, body)
            return
        }
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let parent = try Files.open(String(path[..<slash]), [.path, .directory])
        let short = "/proc/self/fd/\(parent.raw)\(path[slash...])"
        do throws(SystemError) {
            _ = try system(call, path: short, body)
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: path)
        }
        // The directory must stay open until the call is done.
        _ = parent.raw
    }
}

extension AsyncSocket {
    /// Connects to a unix stream socket, of any path length.
    package static func connect(unix path: String) async throws -> AsyncSocket {
        let socket = AsyncSocket(nonBlocking: try Sockets.make(AF_UNIX, Sockets.stream))
        // A unix connect answers EAGAIN when the listener's queue is full; there is no event for it.
        for _ in 0..<6000 {
            if try socket.attempt(
                { number throws(SystemError) in
                    try Sockets.withUnixPath(path, "connect") { linux_connect_unix(number, $0) }
                }, unless: .EAGAIN)
            {
                return socket
            }
            try await EventLoop.shared.sleep(for: .milliseconds(5))
        }
        throw SystemError(call: "connect", errno: .EAGAIN, subject: path)
    }

    /// Connects to a TCP port.
    ///
    /// With `networkNamespace` the socket belongs to that namespace, whatever the calling thread's is.
    ///
    /// Throws `SystemError` (`ECONNREFUSED`, `ETIMEDOUT`, …).
    package static func connect(
        to address: IPAddress, port: UInt16, networkNamespace: Int32? = nil
    ) async throws -> AsyncSocket {
        let family = address.isV4 ? AF_INET : AF_INET6
        let made: FileDescriptor
        if let networkNamespace {
            let number = try Namespaces.withNetworkNamespace(networkNamespace) { () throws(SystemError) in
                try Sockets.make(family, Sockets.stream).release()
            }
            made = FileDescriptor(owning: number)
        } else {
            made = try Sockets.make(family, Sockets.stream)
        }
        let fresh = made.raw
        _ = try system("setsockopt") { linux_set_undelayed(fresh) }
        let socket = AsyncSocket(nonBlocking: made)
        let subject = "\(address):\(port)"
        let bytes = address.bytes
        let connected = try socket.attempt(
            { number throws(SystemError) in
                _ = try system("connect", subject) { linux_connect_inet(number, bytes, bytes.count, port) }
            }, unless: .EINPROGRESS)
        if connected { return socket }
        while true {
            try await socket.descriptor.wait(.writable)
            let answered = try socket.attempt(
                { number throws(SystemError) in
                    _ = try system("connect", subject) { connectedOrFailed(number) }
                }, unless: .EAGAIN)
            if answered { return socket }
        }
    }

    /// Runs a call; false when it answers `pending`, which is no failure.
    private func attempt(
        _ body: (Int32) throws(SystemError) -> Void, unless pending: Errno
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try descriptor.withRaw(body)
            return true
        } catch {
            if error.errno == pending { return false }
            throw error
        }
    }

    /// 0 when connected, -1 and `errno` otherwise, `EAGAIN` while it is not decided.
    private static func connectedOrFailed(_ number: Int32) -> Int32 {
        var code: Int32 = 0
        if linux_getsockopt_int(number, SOL_SOCKET, SO_ERROR, &code) < 0 { return -1 }
        if code != 0 {
            linux_set_errno(code)
            return -1
        }
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let answer = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(number, $0, &length) }
        }
        if answer < 0 { linux_set_errno(EAGAIN) }
        return answer
    }
}

/// A socket that accepts connections.
package final class SocketListener: Sendable {
    private let descriptor: AsyncDescriptor
    /// Whether the socket was made here; one handed over goes on listening for whoever gave it.
    private let isOwn: Bool

    private init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = AsyncDescriptor(nonBlocking: descriptor)
        isOwn = true
    }

    /// Takes ownership of a socket that listens already (handed over by systemd, for one).
    package init(listening descriptor: consuming FileDescriptor) throws(SystemError) {
        self.descriptor = try AsyncDescriptor(descriptor)
        isOwn = false
    }

    /// Listens on a unix path, of any length.
    ///
    /// A socket nobody listens on any more is replaced; one in use is `EADDRINUSE`, and anything else at that name too.
    package static func unix(
        _ path: String, mode: UInt32 = 0o660, backlog: Int32 = 512
    ) throws(SystemError) -> SocketListener {
        let socket = try Sockets.make(AF_UNIX, Sockets.stream)
        let number = socket.raw
        do throws(SystemError) {
            try Sockets.withUnixPath(path, "bind") { linux_bind_unix(number, $0) }
        } catch let error where error.errno == .EADDRINUSE {
            try removeStaleSocket(path, error)
            try Sockets.withUnixPath(path, "bind") { linux_bind_unix(number, $0) }
        }
        try Files.chmod(path, mode: mode)
        _ = try system("listen", path) { listen(number, backlog) }
        return SocketListener(socket)
    }

    private static func removeStaleSocket(_ path: String, _ inUse: SystemError) throws(SystemError) {
        guard try Files.status(path, followLinks: false).kind == .socket else { throw inUse }
        let probe = try Sockets.make(AF_UNIX, Sockets.stream)
        let number = probe.raw
        do throws(SystemError) {
            try Sockets.withUnixPath(path, "connect") { linux_connect_unix(number, $0) }
        } catch let error where error.errno == .ECONNREFUSED {
            try Files.unlinkIfPresent(path)
            return
        } catch {
            throw inUse
        }
        throw inUse
    }

    /// Listens on a TCP port; 0 lets the kernel choose (`localPort`).
    package static func tcp(
        _ address: IPAddress, port: UInt16, backlog: Int32 = 512
    ) throws(SystemError) -> SocketListener {
        let socket = try Sockets.make(address.isV4 ? AF_INET : AF_INET6, Sockets.stream)
        let number = socket.raw
        let bytes = address.bytes
        _ = try system("setsockopt") { linux_setsockopt_int(number, SOL_SOCKET, SO_REUSEADDR, 1) }
        // What is accepted inherits it.
        _ = try system("setsockopt") { linux_set_undelayed(number) }
        _ = try system("bind", "\(address):\(port)") { linux_bind_inet(number, bytes, bytes.count, port) }
        _ = try system("listen", "\(address):\(port)") { listen(number, backlog) }
        return SocketListener(socket)
    }

    /// The port (TCP).
    package func localPort() throws(SystemError) -> UInt16 {
        try descriptor.withRaw { number throws(SystemError) in
            UInt16(truncatingIfNeeded: try system("getsockname") { linux_local_port(number) })
        }
    }

    /// Waits for the next connection.
    ///
    /// Throws `EBADF` after `close`.
    package func accept() async throws -> AsyncSocket {
        while true {
            switch await attemptToAccept() {
            case .success(let socket): return socket
            case .failure(let error as SystemError) where Self.isPassing(error.errno):
                // Out of descriptors or memory: the connection waits in the queue, and we do not spin.
                try await EventLoop.shared.sleep(for: .milliseconds(20))
            case .failure(let error): throw error
            }
        }
    }

    private func attemptToAccept() async -> Result<AsyncSocket, any Error> {
        do {
            let number = try await descriptor.perform("accept", .readable) { linux_accept($0) }
            return .success(AsyncSocket(nonBlocking: FileDescriptor(owning: number)))
        } catch {
            return .failure(error)
        }
    }

    /// A client that left the queue (`ECONNABORTED`, `EPROTO`), or a shortage that may end.
    private static func isPassing(_ code: Errno) -> Bool {
        [Errno(103), .EPROTO, .EMFILE, Errno(23), .ENOMEM, Errno(105)].contains(code)
    }

    /// Stops listening; `accept` throws `EBADF`.
    package func close() {
        // A program being started holds a copy of every descriptor for a moment; the port must be free at once.
        if isOwn {
            try? descriptor.withRaw { number throws(SystemError) in
                _ = try system("shutdown") { shutdown(number, Int32(SHUT_RDWR)) }
            }
        }
        descriptor.close()
    }
}
