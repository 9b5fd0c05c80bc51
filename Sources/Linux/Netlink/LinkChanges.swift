/// One end of a veth pair.
package struct VethEnd: Sendable, Hashable {
    package var name: String
    /// The namespace it is made in, by descriptor; nil is the socket's.
    package var namespace: Int32?
    package var address: MACAddress?
    /// The index of the bridge it becomes a port of.
    package var master: Int32?
    package var mtu: UInt32?
    package var up: Bool

    /// Describes an end.
    package init(
        name: String, namespace: Int32? = nil, address: MACAddress? = nil, master: Int32? = nil, mtu: UInt32? = nil,
        up: Bool = false
    ) {
        self.name = name
        self.namespace = namespace
        self.address = address
        self.master = master
        self.mtu = mtu
        self.up = up
    }
}

extension RouteSocket {
    /// Makes a bridge.
    ///
    /// With an address of its own it keeps that, whichever ports come and go. Throws `EEXIST` when the name is taken.
    package func createBridge(
        named name: String, address: MACAddress? = nil, mtu: UInt32? = nil, up: Bool = true
    ) throws(SystemError) {
        var message = NetlinkMessage(type: 16, flags: Request.create | Request.exclusive)  // RTM_NEWLINK
        message.linkHeader(index: 0, flags: up ? 1 : 0, change: up ? 1 : 0)
        message.attribute(3, name)
        if let address { message.attribute(1, address.bytes) }
        if let mtu { message.attribute(4, mtu) }
        message.nested(18) { $0.attribute(1, "bridge") }  // IFLA_LINKINFO, IFLA_INFO_KIND
        try socket.request(message, "create bridge \(name)")
    }

    /// Makes both ends of a veth pair in one request, each in its namespace with its name and address at once.
    ///
    /// Throws `EEXIST` when a name is taken.
    package func createVeth(_ end: VethEnd, peer: VethEnd) throws(SystemError) {
        var message = NetlinkMessage(type: 16, flags: Request.create | Request.exclusive)
        message.veth(end)
        message.nested(18) { info in
            info.attribute(1, "veth")
            info.nested(2) { data in  // IFLA_INFO_DATA
                data.nested(1) { $0.veth(peer) }  // VETH_INFO_PEER
            }
        }
        try socket.request(message, "create veth \(end.name) with peer \(peer.name)")
    }

    /// Switches a link on or off.
    package func setUp(_ index: Int32, _ up: Bool = true) throws(SystemError) {
        try change(index, up ? "switch on" : "switch off", flags: up ? 1 : 0, mask: 1) { _ in }
    }

    /// Switches on the namespace's loopback.
    package func setLoopbackUp() throws(SystemError) {
        try setUp(1)
    }

    /// Makes a link a port of a bridge; nil releases it.
    package func setMaster(_ index: Int32, _ master: Int32?) throws(SystemError) {
        try change(index, "set master of") { $0.attribute(10, master ?? 0) }
    }

    /// Sets the largest packet, in bytes.
    package func setMTU(_ index: Int32, _ mtu: UInt32) throws(SystemError) {
        try change(index, "set mtu of") { $0.attribute(4, mtu) }
    }

    /// Sets the Ethernet address.
    package func setAddress(_ index: Int32, _ address: MACAddress) throws(SystemError) {
        try change(index, "set address of") { $0.attribute(1, address.bytes) }
    }

    /// Renames a link, which must be switched off on older kernels.
    package func rename(_ index: Int32, to name: String) throws(SystemError) {
        try change(index, "rename to \(name)") { $0.attribute(3, name) }
    }

    /// Moves a link into another network namespace, under a new name if one is given.
    package func move(_ index: Int32, to namespace: Int32, as name: String? = nil) throws(SystemError) {
        try change(index, "move") { message in
            message.attribute(28, namespace)  // IFLA_NET_NS_FD
            if let name { message.attribute(3, name) }
        }
    }

    /// Deletes a link by index; returns false when there was none.
    ///
    /// A veth's other end goes too.
    @discardableResult
    package func delete(_ index: Int32) throws(SystemError) -> Bool {
        var message = NetlinkMessage(type: 17, flags: Request.acknowledge)  // RTM_DELLINK
        message.linkHeader(index: index)
        return try deleting(message, "delete link \(index)")
    }

    /// Deletes a link by name; returns false when there was none.
    @discardableResult
    package func delete(named name: String) throws(SystemError) -> Bool {
        var message = NetlinkMessage(type: 17, flags: Request.acknowledge)
        message.linkHeader(index: 0)
        message.attribute(3, name)
        return try deleting(message, "delete link \(name)")
    }

    /// Deletes links by name, all at once: the kernel waits once then.
    ///
    /// Those that are not there are passed over. Links in a group of their own can be deleted together, so they are put
    /// into one first (`ip link set group`).
    package func delete(named names: [String]) throws(SystemError) {
        var indices: [Int32] = []
        for name in names {
            if let link = try link(named: name) { indices.append(link.index) }
        }
        guard indices.count > 1 else {
            for index in indices { try delete(index) }
            return
        }
        let group = try Self.freeGroup()
        for index in indices {
            do throws(SystemError) {
                try change(index, "set group of") { $0.attribute(27, group) }  // IFLA_GROUP
            } catch let error where error.errno == .ENODEV {
                continue
            }
        }
        var message = NetlinkMessage(type: 17, flags: Request.acknowledge)
        message.linkHeader(index: 0)
        message.attribute(27, group)
        _ = try deleting(message, "delete \(indices.count) links")
    }

    /// The number of a group that nobody uses: 0 is that of all links which are in no other.
    private static func freeGroup() throws(SystemError) -> UInt32 {
        let random = try Random.bytes(4).reduce(0) { $0 << 8 | UInt32($1) }
        return random & 0x3FFF_FFFF | 0x4000_0000
    }

    private func deleting(_ message: NetlinkMessage, _ subject: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try socket.request(message, subject)
            return true
        } catch let error where error.errno == .ENODEV {
            return false
        }
    }

    private func change(
        _ index: Int32, _ what: String, flags: UInt32 = 0, mask: UInt32 = 0, _ body: (inout NetlinkMessage) -> Void
    ) throws(SystemError) {
        var message = NetlinkMessage(type: 16, flags: Request.acknowledge)
        message.linkHeader(index: index, flags: flags, change: mask)
        body(&message)
        try socket.request(message, "\(what) link \(index)")
    }
}

extension NetlinkMessage {
    /// An end of a veth pair: `struct ifinfomsg` and attributes.
    fileprivate mutating func veth(_ end: VethEnd) {
        linkHeader(index: 0, flags: end.up ? 1 : 0, change: end.up ? 1 : 0)
        attribute(3, end.name)
        if let namespace = end.namespace { attribute(28, namespace) }
        if let address = end.address { attribute(1, address.bytes) }
        if let master = end.master { attribute(10, master) }
        if let mtu = end.mtu { attribute(4, mtu) }
    }
}
