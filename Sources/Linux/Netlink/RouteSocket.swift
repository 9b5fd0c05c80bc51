import CLinux

/// Links, addresses and routes of one network namespace (rtnetlink(7)).
///
/// Errors are `SystemError`s of the call `netlink`, whose subject says what was asked and, in parentheses, the kernel's
/// own words. Calls block briefly.
package final class RouteSocket: Sendable {
    let socket: NetlinkSocket
    /// In `IFLA_EXT_MASK` (29): `RTEXT_FILTER_SKIP_STATS`; counters are most of an answer's bytes.
    private static let withoutStatistics: UInt32 = 8

    /// Opens a socket in the calling thread's namespace.
    package init() throws(SystemError) {
        socket = try NetlinkSocket(family: 0)  // NETLINK_ROUTE
    }

    /// Opens a socket in another network namespace.
    package static func open(in namespace: Int32) throws(SystemError) -> RouteSocket {
        try Namespaces.withNetworkNamespace(namespace) { () throws(SystemError) in try RouteSocket() }
    }

    /// The links.
    ///
    /// Sorted by index.
    package func links() throws(SystemError) -> [Link] {
        var message = NetlinkMessage(type: 18, flags: Request.dump)  // RTM_GETLINK
        message.linkHeader(index: 0)
        message.attribute(29, Self.withoutStatistics)
        return try socket.dump(message, "list links").filter { $0.type == 16 }
            .compactMap { Link($0.payload) }.sorted { $0.index < $1.index }
    }

    /// The link of a name; nil when there is none.
    package func link(named name: String) throws(SystemError) -> Link? {
        var message = NetlinkMessage(type: 18, flags: Request.acknowledge)
        message.linkHeader(index: 0)
        message.attribute(3, name)
        message.attribute(29, Self.withoutStatistics)
        do throws(SystemError) {
            return try socket.request(message, "link \(name)").lazy.compactMap { Link($0.payload) }.first
        } catch let error where error.errno == .ENODEV || error.errno == .ENOENT {
            return nil
        }
    }

    /// The addresses of every link.
    package func addresses() throws(SystemError) -> [LinkAddress] {
        var message = NetlinkMessage(type: 22, flags: Request.dump)  // RTM_GETADDR
        message.append(UInt64(0))
        return try socket.dump(message, "list addresses").filter { $0.type == 20 }
            .compactMap { LinkAddress($0.payload) }
    }

    /// The routes of every table.
    ///
    /// - Parameter family: `AF_INET` (2) or `AF_INET6` (10); 0 is both.
    package func routes(family: UInt8 = 0) throws(SystemError) -> [Route] {
        var message = NetlinkMessage(type: 26, flags: Request.dump)  // RTM_GETROUTE
        message.append(UInt64(family))
        message.append(UInt32(0))
        return try socket.dump(message, "list routes").filter { $0.type == 24 }.compactMap { Route($0.payload) }
    }

    /// Gives a link an address.
    ///
    /// One it has already is fine. An IPv6 address can be used at once: whoever gives it knows that nobody else has it,
    /// so no duplicate is looked for (RFC 4862, section 5.4).
    package func addAddress(_ prefix: IPPrefix, to index: Int32) throws(SystemError) {
        var message = NetlinkMessage(type: 20, flags: Request.create | Request.replace)  // RTM_NEWADDR
        message.addressHeader(prefix, index: index)
        message.attribute(2, prefix.address.bytes)  // IFA_LOCAL
        message.attribute(1, prefix.address.bytes)  // IFA_ADDRESS
        if let broadcast = prefix.broadcast { message.attribute(4, broadcast.bytes) }
        try socket.request(message, "add address \(prefix)")
    }

    /// Takes an address off a link.
    ///
    /// One it has not is fine.
    package func removeAddress(_ prefix: IPPrefix, from index: Int32) throws(SystemError) {
        var message = NetlinkMessage(type: 21, flags: Request.acknowledge)  // RTM_DELADDR
        message.addressHeader(prefix, index: index)
        message.attribute(2, prefix.address.bytes)  // IFA_LOCAL
        do throws(SystemError) {
            try socket.request(message, "remove address \(prefix)")
        } catch let error where error.errno == .EADDRNOTAVAIL {
            // It is gone already.
        }
    }

    /// Adds a route, or replaces the one with this destination.
    ///
    /// `destination` nil is the default route.
    package func addRoute(
        to destination: IPPrefix? = nil, via gateway: IPAddress? = nil, on index: Int32? = nil
    ) throws(SystemError) {
        let address = destination?.address ?? gateway
        let family: UInt8 = address?.isV4 == false ? 10 : 2
        var message = NetlinkMessage(type: 24, flags: Request.create | Request.replace)  // RTM_NEWROUTE
        // Main table, RTPROT_BOOT, scope universe with a gateway and link without, RTN_UNICAST.
        let scope: UInt8 = gateway == nil ? 253 : 0
        for byte in [family, UInt8(destination?.length ?? 0), 0, 0, 254, 3, scope, 1] { message.append(byte) }
        message.append(UInt32(0))
        if let destination, destination.length > 0 { message.attribute(1, destination.network.address.bytes) }
        if let gateway { message.attribute(5, gateway.bytes) }
        if let index { message.attribute(4, index) }
        let target = destination.map(\.description) ?? "default"
        try socket.request(message, "add route \(target)" + (gateway.map { " via \($0)" } ?? ""))
    }
}

/// Flags of a request.
enum Request {
    static let acknowledge: UInt16 = 0x1 | 0x4
    static let dump: UInt16 = 0x1 | 0x300
    static let create: UInt16 = 0x1 | 0x4 | 0x400
    static let exclusive: UInt16 = 0x200
    static let replace: UInt16 = 0x100
}

extension NetlinkMessage {
    /// `struct ifinfomsg`.
    mutating func linkHeader(index: Int32, flags: UInt32 = 0, change: UInt32 = 0) {
        append(UInt32(0))
        append(index)
        append(flags)
        append(change)
    }

    /// `struct ifaddrmsg`.
    mutating func addressHeader(_ prefix: IPPrefix, index: Int32) {
        let flags: UInt8 = prefix.address.isV4 ? 0 : 2  // IFA_F_NODAD
        for byte in [prefix.address.isV4 ? 2 : 10, UInt8(prefix.length), flags, 0] as [UInt8] { append(byte) }
        append(index)
    }
}

extension IPPrefix {
    /// The last address of an IPv4 network that has one.
    var broadcast: IPAddress? {
        guard let value = address.v4Value, length < 31 else { return nil }
        return .v4(value | UInt32.max >> UInt32(length))
    }
}
