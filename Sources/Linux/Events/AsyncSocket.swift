import CLinux
import Glibc

/// Who is at the other end of a unix socket.
package struct PeerCredentials: Sendable, Hashable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32
}

/// A connected stream socket.
package final class AsyncSocket: Sendable {
    let descriptor: AsyncDescriptor

    /// Takes ownership of a connected socket.
    package init(_ descriptor: consuming FileDescriptor) throws(SystemError) {
        self.descriptor = try AsyncDescriptor(descriptor)
    }

    init(nonBlocking descriptor: consuming FileDescriptor) {
        self.descriptor = AsyncDescriptor(nonBlocking: descriptor)
    }

    /// Whether `close` was called.
    package var isClosed: Bool { descriptor.isClosed }

    /// Reads what there is, at most `count` bytes; waits when there is nothing.
    ///
    /// Empty: the peer sends no more.
    package func read(upTo count: Int = 64 << 10) async throws -> [UInt8] {
        // No buffer is held while it waits: thousands of connections do.
        while true {
            if let bytes = try descriptor.readAvailable(upTo: count) { return bytes }
            try await descriptor.wait(.readable)
        }
    }

    /// Reads what there is, at most `count` bytes, without waiting; nil when there is nothing.
    ///
    /// Empty: the peer sends no more.
    package func readAvailable(upTo count: Int) throws(SystemError) -> [UInt8]? {
        try descriptor.readAvailable(upTo: count)
    }

    /// Writes every byte.
    ///
    /// Throws `EPIPE` or `ECONNRESET` when the peer is gone; no signal is raised.
    package func writeAll(_ bytes: [UInt8]) async throws {
        try await writeAll(bytes[...])
    }

    /// Writes every byte of a part.
    package func writeAll(_ bytes: ArraySlice<UInt8>) async throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = rest
            let sent = try await descriptor.perform("send", .writable) { number in
                part.withUnsafeBytes { send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            }
            rest = rest.dropFirst(sent)
        }
    }

    /// Says that nothing more will be written; reading goes on.
    package func shutdownWrite() throws(SystemError) {
        try shutdown(SHUT_WR)
    }

    private func shutdown(_ how: some BinaryInteger) throws(SystemError) {
        try descriptor.withRaw { number throws(SystemError) in
            do throws(SystemError) {
                _ = try system("shutdown") { Glibc.shutdown(number, Int32(how)) }
            } catch let error where error.errno == .ENOTCONN {
                return
            }
        }
    }

    /// Closes both directions.
    ///
    /// Those who wait get `EBADF`.
    package func close() {
        try? shutdown(SHUT_RDWR)
        descriptor.close()
    }

    /// Bytes on their way that the peer has not read (unix sockets), or not received (TCP), the kernel's own included.
    ///
    /// Source: unix(7), tcp(7), `SIOCOUTQ`.
    package func unreadByPeer() throws(SystemError) -> Int {
        try descriptor.withRaw { number throws(SystemError) in
            var count: Int32 = 0
            _ = try system("ioctl", "SIOCOUTQ") { linux_unread_by_peer(number, &count) }
            return Int(count)
        }
    }

    /// Who connected, as the kernel saw it when the connection was made.
    package func peerCredentials() throws(SystemError) -> PeerCredentials {
        try descriptor.withRaw { number throws(SystemError) in
            var credentials = PeerCredentials(pid: 0, uid: 0, gid: 0)
            _ = try system("getsockopt", "SO_PEERCRED") {
                linux_peer_credentials(number, &credentials.pid, &credentials.uid, &credentials.gid)
            }
            return credentials
        }
    }

    /// The address and port of the other end (TCP), as `10.0.0.5:4711` or `[fd00::5]:4711`.
    package func peerAddress() throws(SystemError) -> String {
        try descriptor.withRaw { number throws(SystemError) in
            var bytes = [UInt8](repeating: 0, count: 16)
            var port: UInt16 = 0
            let count = try system("getpeername") { linux_remote_address(number, &bytes, &port) }
            guard let address = IPAddress(bytes: Array(bytes.prefix(Int(count)))) else {
                throw SystemError(call: "getpeername", errno: .EPROTO, subject: "\(count) bytes of address")
            }
            return address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        }
    }

    /// The port of this end (TCP).
    package func localPort() throws(SystemError) -> UInt16 {
        try descriptor.withRaw { number throws(SystemError) in
            UInt16(truncatingIfNeeded: try system("getsockname") { linux_local_port(number) })
        }
    }
}

/// What came with one message: bytes and open files.
package struct ReceivedDescriptors: ~Copyable, Sendable {
    /// The bytes; empty when the peer sends no more.
    package var bytes: [UInt8]
    /// The files, in the order sent.
    package var descriptors: [SharedDescriptor]
}

extension AsyncSocket {
    /// Sends bytes (at least one) with open files; the peer gets descriptors of its own.
    ///
    /// Unix sockets only.
    package func sendDescriptors(_ descriptors: [Int32], with bytes: [UInt8]) async throws {
        let sent = try await descriptor.perform("sendmsg", .writable) { number in
            bytes.withUnsafeBytes {
                linux_send_descriptors(number, $0.baseAddress, $0.count, descriptors, descriptors.count)
            }
        }
        if sent < bytes.count { try await writeAll(bytes[sent...]) }
    }

    /// Receives bytes and the open files that came with them (at most 64, close-on-exec).
    package func receiveDescriptors(upTo count: Int = 64 << 10) async throws -> ReceivedDescriptors {
        var buffer = [UInt8](repeating: 0, count: max(1, count))
        var numbers = [Int32](repeating: -1, count: 64)
        var carried = 0
        let received = try await descriptor.perform("recvmsg", .readable) { number in
            buffer.withUnsafeMutableBytes {
                linux_receive_descriptors(number, $0.baseAddress, $0.count, &numbers, &carried)
            }
        }
        buffer.removeSubrange(received...)
        let descriptors = numbers.prefix(carried).map { FileDescriptor(owning: $0).shared() }
        return ReceivedDescriptors(bytes: buffer, descriptors: descriptors)
    }
}
