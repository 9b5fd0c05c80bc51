import CLinux

/// The connections of a container whose processes have ended.
///
/// The kernel has closed them, but the other side knows only once it has taken what was sent before: until then the end waits
/// in the container's network namespace. Its links are taken away as soon as the end is reported, and nothing would get
/// through any more: a peer without a time-out would wait for ever.
extension Supervisor {
    /// How long peers may take what was sent before their connections are reset, in nanoseconds.
    private static let patienceWithPeers: Int64 = 500_000_000
    /// The longest time between two looks at the connections, in nanoseconds.
    private static let longestPause: Int64 = 20_000_000
    /// A peer that has just answered the kernel's own questions leaves the next one unanswered for half a second
    /// (tcp(7), net.ipv4.tcp_invalid_ratelimit); in nanoseconds.
    private static let silenceOfPeers: Int64 = 520_000_000
    /// How long the answer to a knock may be under way, in nanoseconds.
    private static let answerTime: Int64 = 250_000_000

    /// The wait for the peers of an ended container.
    struct Closing {
        /// When those that do not listen are reset, on the monotonic clock.
        var deadline: Int64
        /// When to look next.
        var next: Int64
        /// Between this look and the next one, in nanoseconds.
        var pause: Int64 = 1_000_000
        /// Connections that are no more, of which the peers have not been told.
        fileprivate var untold: [UnfinishedConnection] = []
        /// All is done but for answers that are under way.
        var isOver = false
    }

    var isClosing: Bool {
        if case .closing = phase { return true }
        return false
    }

    /// Ends the container for good: which is recorded at once, and told when every peer knows that its connection has ended.
    ///
    /// Connections of others in a namespace that it shares are none of a container's that joined it: those go on.
    func endForGood() {
        guard hasNetwork, plan.ownsNetwork else { return finish() }
        let now = init_monotonic_clock()
        endConnections(Closing(deadline: now + Self.patienceWithPeers, next: now), now)
    }

    /// Looks whether every peer knows; resets the connections of those that do not listen.
    func endConnections(_ closing: Closing, _ now: Int64) {
        var closing = closing
        if closing.isOver { return finish() }
        if !closing.untold.isEmpty {
            for connection in closing.untold { connection.knock() }
            closing.isOver = true
            return wait(closing, now + Self.answerTime)
        }
        let diagnostics = socket(AF_NETLINK, 3 | O_CLOEXEC, 4)  // SOCK_RAW, NETLINK_SOCK_DIAG
        defer { closeDescriptor(diagnostics) }
        let unfinished = diagnostics < 0 ? [] : UnfinishedConnection.list(diagnostics)
        if unfinished.isEmpty { return finish() }
        guard now >= closing.deadline else {
            let next = now + closing.pause
            closing.pause = min(closing.pause * 2, Self.longestPause)
            return wait(closing, next)
        }
        for connection in unfinished { connection.reset(diagnostics) }
        closing.untold = unfinished.filter { $0.endsInSilence }
        if closing.untold.isEmpty { finish() } else { wait(closing, now + Self.silenceOfPeers) }
    }

    private func wait(_ closing: Closing, _ next: Int64) {
        let isFirst = !isClosing
        var closing = closing
        closing.next = next
        phase = .closing(closing)
        guard isFirst else { return }
        status.state = .exited
        recordStatus()
    }
}

/// A TCP connection that no process has, and whose end the other side has not acknowledged (sock_diag(7)).
private struct UnfinishedConnection {
    /// The kernel's `struct inet_diag_req_v2`, by which it finds the socket again.
    let request: [UInt8]
    let state: UInt8

    /// `struct nlmsghdr` and the request.
    private static let messageSize = 16 + 56
    private static let bufferSize = 64 << 10
    private static let lastAck: UInt8 = 9
    private static let closing: UInt8 = 11
    /// TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING as bits.
    private static let states: UInt32 = 1 << 4 | 1 << 9 | 1 << 11

    static func list(_ socket: Int32) -> [UnfinishedConnection] {
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: bufferSize)
        defer { buffer.deallocate() }
        var found: [UnfinishedConnection] = []
        for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
            var request: [UInt8] = [family, 6, 0, 0]  // IPPROTO_TCP
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

    /// Ends the connection, and tells the other side unless that has closed its own half.
    func reset(_ socket: Int32) {
        _ = Self.send(21, flags: 0x1, request, socket)  // SOCK_DESTROY, NLM_F_REQUEST: only an error is answered
    }

    /// Whether the kernel forgets the connection without a word: the other side has closed its own half.
    var endsInSilence: Bool { state == Self.lastAck || state == Self.closing }

    /// Makes the other side ask for the connection, which has been reset: then it learns that it is no more.
    ///
    /// Connection tracking takes that for invalid, so that it does not reach peers behind address translation.
    func knock() {
        guard request.count == Self.messageSize - 16 else { return }
        request.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { init_knock(Int32(bytes[0]), start + 8) }
        }
    }

    /// Takes the sockets of one datagram; true after the last one.
    private static func collect(_ datagram: UnsafeBufferPointer<UInt8>, into found: inout [UnfinishedConnection])
        -> Bool
    {
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
                var request: [UInt8] = [datagram[start], 6, 0, 0]
                request.append(contentsOf: bytes(UInt32.max))
                for index in 0..<48 { request.append(datagram[start + 4 + index]) }
                found.append(UnfinishedConnection(request: request, state: datagram[start + 1]))
            }
            offset += (length + 3) & ~3
        }
        return false
    }

    private static func send(_ type: UInt8, flags: UInt16, _ request: [UInt8], _ socket: Int32) -> Bool {
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
