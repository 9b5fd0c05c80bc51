/// Links that are made on another link of the host: VLANs, macvlan and ipvlan; and links of no device at all.
extension RouteSocket {
    /// A link that shares the device of another.
    package struct ChildLink: Sendable, Hashable {
        package var name: String
        /// The index of the link it is made on.
        package var parent: Int32
        /// The namespace it is made in, by descriptor; nil is the socket's.
        package var namespace: Int32?
        package var address: MACAddress?
        package var mtu: UInt32?

        /// Describes a link.
        package init(
            name: String, parent: Int32, namespace: Int32? = nil, address: MACAddress? = nil, mtu: UInt32? = nil
        ) {
            self.name = name
            self.parent = parent
            self.namespace = namespace
            self.address = address
            self.mtu = mtu
        }
    }

    /// Makes a macvlan link.
    ///
    /// - Parameter mode: `MACVLAN_MODE_…` (linux/if_link.h): 1 private, 2 vepa, 4 bridge, 8 passthru.
    package func createMacvlan(_ link: ChildLink, mode: UInt32) throws(SystemError) {
        try create(link, kind: "macvlan") { $0.attribute(1, mode) }  // IFLA_MACVLAN_MODE
    }

    /// Makes an ipvlan link.
    ///
    /// - Parameters:
    ///   - mode: `IPVLAN_MODE_…`: 0 l2, 1 l3, 2 l3s.
    ///   - flags: `IPVLAN_F_…`: 0 bridge, 1 private, 2 vepa.
    package func createIPvlan(_ link: ChildLink, mode: UInt16, flags: UInt16) throws(SystemError) {
        try create(link, kind: "ipvlan") { data in
            data.attribute(1, mode)  // IFLA_IPVLAN_MODE
            data.attribute(2, flags)  // IFLA_IPVLAN_FLAGS
        }
    }

    /// Makes a link for the packets of one VLAN (IEEE 802.1Q).
    package func createVLAN(_ link: ChildLink, number: UInt16) throws(SystemError) {
        try create(link, kind: "vlan") { $0.attribute(1, number) }  // IFLA_VLAN_ID
    }

    /// Makes a link that swallows what it is given.
    package func createDummy(named name: String) throws(SystemError) {
        var message = NetlinkMessage(type: 16, flags: Request.create | Request.exclusive)  // RTM_NEWLINK
        message.linkHeader(index: 0)
        message.attribute(3, name)
        message.nested(18) { $0.attribute(1, "dummy") }
        try socket.request(message, "create dummy \(name)")
    }

    private func create(
        _ link: ChildLink, kind: String, _ data: (inout NetlinkMessage) -> Void
    ) throws(SystemError) {
        var message = NetlinkMessage(type: 16, flags: Request.create | Request.exclusive)  // RTM_NEWLINK
        message.linkHeader(index: 0)
        message.attribute(3, link.name)
        message.attribute(5, link.parent)  // IFLA_LINK
        if let namespace = link.namespace { message.attribute(28, namespace) }
        if let address = link.address { message.attribute(1, address.bytes) }
        if let mtu = link.mtu { message.attribute(4, mtu) }
        message.nested(18) { info in
            info.attribute(1, kind)
            info.nested(2, data)
        }
        try socket.request(message, "create \(kind) \(link.name)")
    }
}
