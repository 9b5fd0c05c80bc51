/// Datagrams that the kernel follows as one connection (conntrack).
package struct TrackedDatagrams: Sendable, Hashable {
    /// Where the first one went, before any translation; host byte order.
    package var destination: UInt32
    /// The port it went to.
    package var destinationPort: UInt16
    /// The attribute that names the connection to the kernel.
    let tuple: [UInt8]

    /// `struct nfgenmsg`, then attributes (linux/netfilter/nfnetlink_conntrack.h); nil for what is not UDP over IPv4.
    init?(_ payload: ArraySlice<UInt8>) {
        guard let tuple = NetlinkAttributes(payload.dropFirst(4))[1] else { return nil }  // CTA_TUPLE_ORIG
        let parts = NetlinkAttributes(tuple)
        guard let transport = parts.nested(2), transport[1]?.first == 17,  // CTA_TUPLE_PROTO, CTA_PROTO_NUM
            let port = transport[3]?.integer(UInt16.self, at: 0),  // CTA_PROTO_DST_PORT
            let address = parts.nested(1)?[2]?.integer(UInt32.self, at: 0)  // CTA_TUPLE_IP, CTA_IP_V4_DST
        else { return nil }
        destination = UInt32(bigEndian: address)
        destinationPort = UInt16(bigEndian: port)
        self.tuple = Array(tuple)
    }
}

/// The kernel's table of connections.
package enum ConnectionTracking {
    /// Forgets the UDP connections that `isStale` names, in the calling thread's network namespace.
    ///
    /// The next datagram of each is translated anew.
    ///
    /// - Throws: `EOPNOTSUPP` or `EINVAL` on a kernel without CONFIG_NF_CT_NETLINK.
    package static func forgetDatagrams(_ isStale: (TrackedDatagrams) -> Bool) throws(SystemError) {
        let socket = try NetlinkSocket(family: 12)  // NETLINK_NETFILTER
        var question = NetlinkMessage(type: 0x101, flags: Request.dump)  // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
        question.append(UInt32(2).littleEndian)  // AF_INET in the first byte of `struct nfgenmsg`
        let answers = try socket.dump(question, "list connections")
        for datagrams in answers.lazy.compactMap({ TrackedDatagrams($0.payload) }) where isStale(datagrams) {
            var message = NetlinkMessage(type: 0x102, flags: Request.acknowledge)  // IPCTNL_MSG_CT_DELETE
            message.append(UInt32(2).littleEndian)
            message.attribute(1 | 0x8000, datagrams.tuple)
            do throws(SystemError) {
                try socket.request(message, "forget a connection")
            } catch let error where error.errno == .ENOENT {
                // It has ended by itself.
            }
        }
    }
}
