import Linux

/// Through which of a container's endpoints its ports are reached, for each family.
struct PublishingWays: Sendable, Hashable {
    /// An endpoint that ports lead to.
    struct Way: Sendable, Hashable {
        var address: IPAddress
        /// Whether ports answer at the container's own address, without translation.
        var isRouted: Bool
        /// Where ports are published that name no address of the host.
        var hostBinding: IPAddress?
    }

    var v4: Way?
    var v6: Way?
    /// Whether ports of a container without IPv6 can be reached by IPv6, from the host alone where its ports are limited.
    var relays: Relaying

    /// Where connections by IPv6 are passed on to a container without it.
    enum Relaying: Sendable, Hashable {
        case nowhere, onLoopback, everywhere
    }

    /// The ways of a container with these places: into bridge networks that are not internal, in the order in which they
    /// carry the default route.
    ///
    /// - Parameters:
    ///   - hostHasIPv6: whether the host has IPv6 at all.
    ///   - publishInterfaces: the interfaces through which ports are reached where a network does not say.
    init(_ places: [EndpointPlace], hostHasIPv6: Bool = true, publishInterfaces: [String]? = nil) {
        let open = ContainerLinks.gatewayOrder(places).filter { $0.network.driver == .bridge }
        let isLimited = (open.first?.network.settings.publishInterfaces ?? publishInterfaces) != nil
        relays = hostHasIPv6 ? isLimited ? .onLoopback : .everywhere : .nowhere
        v4 = open.first.map {
            Way(
                address: IPAddress($0.endpoint.address), isRouted: $0.network.settings.mode4 == .routed,
                hostBinding: $0.network.settings.hostBinding)
        }
        for place in open where v6 == nil {
            guard let address = place.endpoint.address6 else { continue }
            v6 = Way(address: address, isRouted: place.network.settings.mode6 == .routed)
        }
    }

    /// True if no port can be published.
    var isEmpty: Bool { v4 == nil && v6 == nil }

    /// The socket that a port needs because the firewall does not lead it to the container; nil if it does.
    func relay(for port: PublishedPort) -> PortRelay? {
        guard port.isIPv6, port.transport == .tcp, relays != .nowhere, var address = port.hostAddress else {
            return nil
        }
        if let v6 {
            // The kernel takes no answer to ::1 from a bridge.
            guard !v6.isRouted, address.isLoopback || address.isUnspecified else { return nil }
            return PortRelay(
                address: .loopbackV6, port: port.hostPort, target: v6.address, targetPort: port.containerPort)
        }
        guard let v4, !v4.isRouted else { return nil }
        if relays == .onLoopback {
            guard address.isLoopback || address.isUnspecified else { return nil }
            address = .loopbackV6
        }
        return PortRelay(address: address, port: port.hostPort, target: v4.address, targetPort: port.containerPort)
    }

    private func canRelay(_ port: PublishedPort) -> Bool {
        port.transport == .tcp && relays != .nowhere && v4?.isRouted == false
    }

    /// The ports that a request stands for; all get one number.
    func expanded(_ port: PublishedPort) -> [PublishedPort] {
        var first = port
        first.isForEveryFamily = false
        var found = [first]
        if port.isForEveryFamily, port.hostAddress == nil {
            if let binding = v4?.hostBinding {
                found[0] = PublishedPort(
                    hostAddress: binding, hostPort: port.hostPort, containerPort: port.containerPort,
                    transport: port.transport)
                found[0].lastHostPort = port.lastHostPort
            } else if v6 != nil || canRelay(port) {
                var second = first
                second.hostAddress = .anyV6
                found.append(second)
            }
        }
        return found.compactMap { port in
            guard let way = port.isIPv6 ? v6 : v4 else { return port.isIPv6 && canRelay(port) ? port : nil }
            guard way.isRouted else { return port }
            // Nobody else has this pair: it stands for "open", without a port of the host.
            var open = port
            open.hostAddress = way.address
            open.hostPort = port.containerPort
            open.lastHostPort = 0
            return open
        }
    }
}
