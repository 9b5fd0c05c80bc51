/// A network interface.
package struct Link: Sendable, Hashable {
    package var index: Int32
    package var name: String
    /// `bridge`, `veth`, …; nil for hardware and loopback.
    package var kind: String?
    /// The index of the bridge it is a port of.
    package var master: Int32?
    /// `IFF_UP`, `IFF_RUNNING`, … (netdevice(7)).
    package var flags: UInt32
    package var mtu: UInt32
    package var address: MACAddress?
    /// The index of its other end (veth), in that end's namespace.
    package var peerIndex: Int32?
    /// The namespace of the other end, as this namespace numbers it; nil when it is the same one.
    package var peerNamespaceID: Int32?

    /// Whether it is switched on.
    package var isUp: Bool { flags & 1 != 0 }
    /// Whether it has a carrier.
    package var isRunning: Bool { flags & 0x40 != 0 }
    /// Whether it is loopback.
    package var isLoopback: Bool { flags & 8 != 0 }

    /// `struct ifinfomsg`: family (1), pad (1), type (2), index (4), flags (4), change (4); then attributes.
    init?(_ payload: ArraySlice<UInt8>) {
        guard let index = payload.integer(Int32.self, at: 4), let flags = payload.integer(UInt32.self, at: 8) else {
            return nil
        }
        let attributes = NetlinkAttributes(payload.dropFirst(16))
        guard let name = attributes.text(3) else { return nil }  // IFLA_IFNAME
        self.index = index
        self.flags = flags
        self.name = name
        kind = attributes.nested(18)?.text(1)  // IFLA_LINKINFO, IFLA_INFO_KIND
        master = attributes.signed(10)  // IFLA_MASTER
        mtu = attributes.number(4) ?? 0  // IFLA_MTU
        address = attributes[1].flatMap { MACAddress(bytes: Array($0)) }  // IFLA_ADDRESS
        peerIndex = attributes.signed(5)  // IFLA_LINK
        peerNamespaceID = attributes.signed(37)  // IFLA_LINK_NETNSID
    }
}

/// An address of an interface.
package struct LinkAddress: Sendable, Hashable {
    /// The interface's index.
    package var index: Int32
    /// The address with the length of its network.
    package var prefix: IPPrefix

    /// `struct ifaddrmsg`: family (1), length (1), flags (1), scope (1), index (4); then attributes.
    init?(_ payload: ArraySlice<UInt8>) {
        guard let length = payload.dropFirst(1).first, let index = payload.integer(Int32.self, at: 4) else {
            return nil
        }
        let attributes = NetlinkAttributes(payload.dropFirst(8))
        // IFA_LOCAL is the interface's own; IFA_ADDRESS the peer's on a point-to-point link.
        guard let bytes = attributes[2] ?? attributes[1], let address = IPAddress(bytes: Array(bytes)),
            let prefix = IPPrefix(address: address, length: Int(length))
        else { return nil }
        self.index = index
        self.prefix = prefix
    }
}

/// An entry of a routing table.
package struct Route: Sendable, Hashable {
    /// Where it leads; nil is everywhere (the default route).
    package var destination: IPPrefix?
    package var gateway: IPAddress?
    /// The interface's index.
    package var index: Int32?
    /// The table: 254 is the main one, 255 the local one.
    package var table: UInt32
    /// 1 is unicast; 2 local, 3 broadcast, 6 blackhole, 7 unreachable.
    package var type: UInt8

    /// `struct rtmsg`: family, dst_len, src_len, tos, table, protocol, scope, type (1 each), flags (4); attributes.
    init?(_ payload: ArraySlice<UInt8>) {
        let header = Array(payload.prefix(12))
        guard header.count == 12 else { return nil }
        let attributes = NetlinkAttributes(payload.dropFirst(12))
        if let bytes = attributes[1], let address = IPAddress(bytes: Array(bytes)) {  // RTA_DST
            destination = IPPrefix(address: address, length: Int(header[1]))
        }
        gateway = attributes[5].flatMap { IPAddress(bytes: Array($0)) }  // RTA_GATEWAY
        index = attributes.signed(4)  // RTA_OIF
        table = attributes.number(15) ?? UInt32(header[4])  // RTA_TABLE
        type = header[7]
    }
}
