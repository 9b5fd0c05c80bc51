/// How the containers of a network are joined.
package enum NetworkDriver: String, Sendable, Hashable, CaseIterable {
    /// A bridge of the host, behind its firewall.
    case bridge
    /// Interfaces with Ethernet addresses of their own on an interface of the host.
    case macvlan
    /// Interfaces that share the Ethernet address of an interface of the host.
    case ipvlan
}

/// How packets get into a bridge network (`com.docker.network.bridge.gateway_mode_ipv4`).
package enum GatewayMode: String, Sendable, Hashable {
    /// Published ports are translated, nothing else gets in; what leaves has the host's address.
    case nat
    /// The same, but every port answers at the containers' own addresses.
    case natUnprotected = "nat-unprotected"
    /// No translation; published ports answer at the containers' own addresses.
    case routed
    /// An internal network of which the host has no address.
    case isolated
}
