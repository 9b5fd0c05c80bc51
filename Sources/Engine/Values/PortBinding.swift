/// A port published on the host.
package struct PortBinding: Sendable, Hashable {
    /// The container's port and protocol, such as `80/tcp`.
    package var container: ContainerPort
    /// An address of the host; empty for all.
    package var hostAddress: String
    /// The host's port; 0 lets the engine choose.
    package var hostPort: UInt16
    /// The last of the host's ports of which any will do; 0 where `hostPort` alone does.
    package var lastHostPort: UInt16 = 0

    /// The host's port or ports as Docker writes them; empty for any.
    var hostPortText: String {
        if hostPort == 0 { return "" }
        return lastHostPort > hostPort ? "\(hostPort)-\(lastHostPort)" : String(hostPort)
    }

    /// A binding.
    package init(container: ContainerPort, hostAddress: String = "", hostPort: UInt16) {
        self.container = container
        self.hostAddress = hostAddress
        self.hostPort = hostPort
    }
}

/// A port and its protocol.
package struct ContainerPort: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number.
    package var number: UInt16
    /// `tcp`, `udp` or `sctp`.
    package var transport: String

    /// A port.
    package init(_ number: UInt16, transport: String = "tcp") {
        self.number = number
        self.transport = transport
    }

    /// Reads `80/tcp` or `80`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let number = UInt16(first), number > 0 else { return nil }
        let transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
        guard ["tcp", "udp", "sctp"].contains(transport) else { return nil }
        self.init(number, transport: transport)
    }

    /// `80/tcp`.
    package var description: String { "\(number)/\(transport)" }

    package static func < (left: ContainerPort, right: ContainerPort) -> Bool {
        (left.number, left.transport) < (right.number, right.transport)
    }
}
