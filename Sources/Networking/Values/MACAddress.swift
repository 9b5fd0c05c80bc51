import Linux

extension MACAddress {
    /// The Ethernet address that an endpoint with this IPv4 address has: the same every time, so that neighbours' ARP
    /// caches stay right when a container is made again with its address.
    package init(derivedFrom address: IPv4Address) {
        self = .derived(from: IPAddress(address))
    }
}
