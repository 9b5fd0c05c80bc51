/// Settings of a link as the port of a bridge.
extension RouteSocket {
    /// Chooses whether a port may send a frame back to where it came from (`IFLA_BRPORT_MODE`).
    ///
    /// Where br_netfilter is on, a packet that is translated to its own sender is bridged, not routed, and lost without it.
    ///
    /// - Parameter isolated: whether it exchanges frames with the bridge itself only, not with other isolated ports
    ///   (`IFLA_BRPORT_ISOLATED`, Linux 4.18).
    package func setHairpin(_ index: Int32, _ enabled: Bool, isolated: Bool = false) throws(SystemError) {
        var message = NetlinkMessage(type: 19, flags: Request.acknowledge)  // RTM_SETLINK
        message.append(UInt32(7))  // AF_BRIDGE, in the first byte of `struct ifinfomsg`
        message.append(index)
        message.append(UInt64(0))
        message.nested(12) { port in  // IFLA_PROTINFO
            port.attribute(4, UInt8(enabled ? 1 : 0))  // IFLA_BRPORT_MODE
            if isolated { port.attribute(33, UInt8(1)) }  // IFLA_BRPORT_ISOLATED
        }
        try socket.request(message, "set hairpin mode of link \(index)")
    }
}
