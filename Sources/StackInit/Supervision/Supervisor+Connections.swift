import CLinux

/// The connections of a container whose processes have ended.
///
/// The kernel has closed them, but the other side knows only once it has taken what was sent before: until then the end waits
/// in the container's network namespace. Its links are taken away as soon as the end is reported, and nothing would get
/// through any more: a peer without a time-out would wait for ever.
extension Supervisor {
    /// How long peers may take what was sent before their connections are reset, in nanoseconds.
    private static let patienceWithPeers: Int64 = 500_000_000

    /// Connections of others in a namespace that it shares are none of a container's that joined it: those go on.
    ///
    /// Waits until every peer knows that its connection has ended, and resets those that do not listen.
    func endConnections() {
        guard hasNetwork, plan.ownsNetwork else { return }
        let diagnostics = socket(AF_NETLINK, 3 | O_CLOEXEC, 4)  // SOCK_RAW, NETLINK_SOCK_DIAG
        guard diagnostics >= 0 else { return }
        defer { closeDescriptor(diagnostics) }
        let deadline = init_monotonic_clock() + Self.patienceWithPeers
        var pause: Int32 = 1
        while true {
            let unfinished = UnfinishedConnections.list(diagnostics)
            if unfinished.isEmpty { return }
            guard init_monotonic_clock() < deadline else {
                for connection in unfinished { UnfinishedConnections.reset(connection, diagnostics) }
                return
            }
            _ = init_poll(nil, 0, pause)
            pause = min(pause * 2, 20)
        }
    }
}

/// TCP connections that no process has, and whose end the other side has not acknowledged (sock_diag(7)).
private enum UnfinishedConnections {
    /// The kernel's `struct inet_diag_req_v2`, by which it finds one socket again.
    typealias Request = [UInt8]

    /// `struct nlmsghdr` and the request.
    private static let messageSize = 16 + 56
    private static let bufferSize = 64 << 10
    /// TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING as bits.
    private static let states: UInt32 = 1 << 4 | 1 << 9 | 1 << 11

    static func list(_ socket: Int32) -> [Request] {
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: bufferSize)
        defer { buffer.deallocate() }
        var found: [Request] = []
        for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
            var request: Request = [family, 6, 0, 0]  // IPPROTO_TCP
            request.append(contentsOf: bytes(states))
            request.append(contentsOf: [UInt8](repeating: 0, count: 48))
            // SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP
            guard send(20, flags: 0x301, request, socket) else { continue }
            var isDone = false
            while !isDone {
                var sender: UInt32 = 0
                let count = linux_netlink_receive(socket, buffer, bufferSize, &sender)
                guard count > 0, count <= bufferSize else { break }
                guard sender == 0 else { continue }
                isDone = collect(UnsafeBufferPointer(start: buffer, count: count), into: &found)
            }
        }
        return found
    }

    /// Tells the other side that the connection is no more.
    ///
    /// Older kernels forget it in silence, and all do where the other side has closed its own half.
    static func reset(_ request: Request, _ socket: Int32) {
        _ = send(21, flags: 0x1, request, socket)  // SOCK_DESTROY, NLM_F_REQUEST: only an error is answered
    }

    /// Takes the sockets of one datagram; true after the last one.
    private static func collect(_ datagram: UnsafeBufferPointer<UInt8>, into found: inout [Request]) -> Bool {
        var offset = 0
        while offset + 16 <= datagram.count {
            let length = Int(number(datagram, at: offset))
            let type = UInt16(datagram[offset + 4]) | UInt16(datagram[offset + 5]) << 8
            guard length >= 16, offset + length <= datagram.count else { return true }
            if type == 2 || type == 3 { return true }  // NLMSG_ERROR, NLMSG_DONE
            // `struct inet_diag_msg`: family, state, timer, retransmissions (1 each), the socket's id (48), …, the inode
            // in its last four bytes of 72: 0 where no process has it.
            let start = offset + 16
            if type == 20, length >= 16 + 72, number(datagram, at: start + 68) == 0 {
                var request: Request = [datagram[start], 6, 0, 0]
                request.append(contentsOf: bytes(UInt32.max))
                for index in 0..<48 { request.append(datagram[start + 4 + index]) }
                found.append(request)
            }
            offset += (length + 3) & ~3
        }
        return false
    }

    private static func send(_ type: UInt8, flags: UInt16, _ request: Request, _ socket: Int32) -> Bool {
        var message = bytes(UInt32(messageSize))
        message.append(contentsOf: [type, 0, UInt8(truncatingIfNeeded: flags), UInt8(truncatingIfNeeded: flags >> 8)])
        message.append(contentsOf: [UInt8](repeating: 0, count: 8))
        message.append(contentsOf: request)
        return message.withUnsafeBytes { linux_netlink_send(socket, $0.baseAddress, $0.count) } == messageSize
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func number(_ datagram: UnsafeBufferPointer<UInt8>, at offset: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in 0..<4 { value |= UInt32(datagram[offset + index]) << UInt32(8 * index) }
        return value
    }
}
