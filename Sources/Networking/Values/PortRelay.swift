import Linux

/// A listening socket of the host whose connections are passed on to a container.
package struct PortRelay: Sendable, Hashable {
    /// Where it listens, an IPv6 address.
    package var address: IPAddress
    /// The host's port.
    package var port: UInt16
    /// The container's address.
    package var target: IPAddress
    /// The container's port.
    package var targetPort: UInt16
}
