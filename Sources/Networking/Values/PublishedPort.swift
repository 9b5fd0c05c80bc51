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
    /// The host's address that answers; nil is every address of the host.
    package var hostAddress: IPv4Address?
    /// The host's port; 0 asks for a free one.
    package var hostPort: UInt16
    /// The container's port.
    package var containerPort: UInt16
    /// The transport.
    package var transport: TransportProtocol

    /// Publishes `containerPort` on `hostPort`.
    ///
    /// The unspecified address counts as "every address".
    package init(
        hostAddress: IPv4Address? = nil, hostPort: UInt16, containerPort: UInt16, transport: TransportProtocol = .tcp
    ) {
        self.hostAddress = hostAddress.flatMap { $0.isUnspecified ? nil : $0 }
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.transport = transport
    }

    /// `127.0.0.1:8080->80/tcp`, as `docker ps` writes it.
    package var description: String {
        "\(hostAddress?.description ?? "0.0.0.0"):\(hostPort)->\(containerPort)/\(transport.rawValue)"
    }

    /// True if both cannot be answered at once: same port and transport, and an address in common.
    package func conflicts(with other: PublishedPort) -> Bool {
        hostPort == other.hostPort && transport == other.transport
            && (hostAddress == nil || other.hostAddress == nil || hostAddress == other.hostAddress)
    }
}
