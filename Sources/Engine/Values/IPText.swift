import Linux
import Networking

/// Addresses as clients write them.
enum IPText {
    /// An IPv4 or IPv6 address, with or without brackets.
    static func address(_ text: String) -> IPAddress? {
        text.hasPrefix("[") && text.hasSuffix("]")
            ? IPAddress(String(text.dropFirst().dropLast())) : IPAddress(text)
    }
}

extension PublishedPort {
    /// A binding of the API as the network layer wants it.
    package init(_ binding: PortBinding) throws(EngineError) {
        guard let transport = TransportProtocol(rawValue: binding.container.transport) else {
            throw EngineError(.invalid, "invalid protocol: \(binding.container.transport)")
        }
        var address: IPAddress?
        if !binding.hostAddress.isEmpty {
            guard let parsed = IPText.address(binding.hostAddress) else {
                throw EngineError(.invalid, "invalid host address: \(binding.hostAddress)")
            }
            address = parsed
        }
        self.init(
            hostAddress: address, hostPort: binding.hostPort, containerPort: binding.container.number,
            transport: transport)
        lastHostPort = binding.lastHostPort
        isForEveryFamily = binding.hostAddress.isEmpty
    }
}
