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

    /// The ways of a container with these places: into bridge networks that are not internal, in the order in which they
    /// carry the default route.
    init(_ places: [EndpointPlace]) {
        let open = ContainerLinks.gatewayOrder(places).filter { $0.network.driver == .bridge }
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
            } else if v6 != nil {
                var second = first
                second.hostAddress = .anyV6
                found.append(second)
            }
        }
        return found.compactMap { port in
            guard let way = port.isIPv6 ? v6 : v4 else { return nil }
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
