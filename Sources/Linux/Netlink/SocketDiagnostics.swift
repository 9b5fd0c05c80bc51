/// A socket that takes connections or datagrams from anybody.
package struct ListeningSocket: Sendable, Hashable {
    /// The local address, perhaps the unspecified one.
    package var address: IPAddress
    /// The local port.
    package var port: UInt16
    /// Whether an IPv6 socket leaves IPv4 to others.
    package var isV6Only: Bool
    /// The inode that `/proc/PID/fd` shows.
    package var inode: UInt32

    /// `struct inet_diag_msg`: family, state, timer, retransmissions (1 each), then the ports and addresses in network
    /// order, …, the inode in its last four bytes of 72; then attributes.
    init?(_ payload: ArraySlice<UInt8>) {
        guard let family = payload.first, let port = payload.integer(UInt16.self, at: 4),
            let inode = payload.integer(UInt32.self, at: 68)
        else { return nil }
        let bytes = payload.dropFirst(8).prefix(family == 2 ? 4 : 16)
        guard let address = IPAddress(bytes: Array(bytes)) else { return nil }
        self.address = address
        self.port = UInt16(bigEndian: port)
        self.inode = inode
        isV6Only = NetlinkAttributes(payload.dropFirst(72))[11]?.first == 1  // INET_DIAG_SKV6ONLY
    }
}

/// Asks the kernel for sockets by their state (sock_diag(7)).
///
/// Unlike `/proc/net/tcp`, which walks the table of all connections, this looks at listening sockets only.
package enum SocketDiagnostics {
    /// The listening TCP sockets of the calling thread's network namespace.
    package static func listeningTCP() throws(SystemError) -> [ListeningSocket] {
        try sockets(protocol: 6, states: 1 << 10)  // IPPROTO_TCP, TCP_LISTEN
    }

    /// The UDP sockets that are bound and not connected, of the calling thread's network namespace.
    package static func listeningUDP() throws(SystemError) -> [ListeningSocket] {
        try sockets(protocol: 17, states: 1 << 7)  // IPPROTO_UDP, TCP_CLOSE
    }

    /// Whether there is any TCP socket in the calling thread's network namespace, were it one that only waits for
    /// packets of an old connection (`TIME_WAIT`).
    package static func hasTCP() throws(SystemError) -> Bool {
        try !sockets(protocol: 6, states: 0xFFF).isEmpty
    }

    private static func sockets(protocol number: UInt8, states: UInt32) throws(SystemError) -> [ListeningSocket] {
        let socket = try NetlinkSocket(family: 4)  // NETLINK_SOCK_DIAG
        var found: [ListeningSocket] = []
        for family in [UInt8(2), 10] {
            var message = NetlinkMessage(type: 20, flags: Request.dump)  // SOCK_DIAG_BY_FAMILY
            // `struct inet_diag_req_v2`: family, protocol, extensions, pad (1 each), states (4), then a socket id (48).
            for byte in [family, number, 0, 0] { message.append(byte) }
            message.append(states)
            for _ in 0..<6 { message.append(UInt64(0)) }
            found += try socket.dump(message, "list sockets").filter { $0.type == 20 }
                .compactMap { ListeningSocket($0.payload) }
        }
        return found
    }
}
