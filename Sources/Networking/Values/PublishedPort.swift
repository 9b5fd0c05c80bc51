import Linux

/// A transport whose ports can be published.
package enum TransportProtocol: String, Sendable, Hashable, CaseIterable {
    case tcp, udp, sctp

    /// The number that IP carries (IANA, "Protocol Numbers").
    var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
}

/// A port of the host that leads to a port of a container.
package struct PublishedPort: Sendable, Hashable, CustomStringConvertible {
    /// The host's address that answers; nil is every IPv4 address of the host, `::` every IPv6 one.
    package var hostAddress: IPAddress?
    /// The host's port; 0 asks for a free one.
    package var hostPort: UInt16
    /// Asks for a free port from `hostPort` up to this one; 0 asks for `hostPort` alone.
    package var lastHostPort: UInt16 = 0
    /// The container's port.
    package var containerPort: UInt16
    /// The transport.
    package var transport: TransportProtocol
    /// Asks for every IPv6 address as well where the container has IPv6, or for the network's usual host address.
    package var isForEveryFamily = false

    /// Publishes `containerPort` on `hostPort`.
    ///
    /// The unspecified IPv4 address counts as "every address".
    package init(
        hostAddress: IPAddress? = nil, hostPort: UInt16, containerPort: UInt16, transport: TransportProtocol = .tcp
    ) {
        self.hostAddress = hostAddress.flatMap { $0.isV4 && $0.isUnspecified ? nil : $0 }
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.transport = transport
    }

    /// True if it answers IPv6.
    package var isIPv6: Bool { hostAddress?.isV4 == false }

    /// True if every address of its family answers.
    package var isOnEveryAddress: Bool { hostAddress?.isUnspecified ?? true }

    /// The host's address as text, `0.0.0.0` for every one.
    package var hostAddressText: String { hostAddress?.description ?? "0.0.0.0" }

    /// `127.0.0.1:8080->80/tcp`, as `docker ps` writes it.
    package var description: String {
        let address = isIPv6 ? "[\(hostAddressText)]" : hostAddressText
        return "\(address):\(hostPort)->\(containerPort)/\(transport.rawValue)"
    }

    /// True if both cannot be answered at once: same port and transport, and an address in common.
    package func conflicts(with other: PublishedPort) -> Bool {
        hostPort == other.hostPort && transport == other.transport && isIPv6 == other.isIPv6
            && (isOnEveryAddress || other.isOnEveryAddress || hostAddress == other.hostAddress)
    }
}
