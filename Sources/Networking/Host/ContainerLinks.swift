import Linux

/// The interfaces inside one container's network namespace.
///
/// Blocking.
struct ContainerLinks {
    private let routes: RouteSocket
    private let netns: SharedDescriptor

    /// Opens a netlink socket in the namespace.
    ///
    /// Interfaces that are made after this have no IPv6.
    init(_ netns: SharedDescriptor) throws {
        self.netns = netns
        routes = try HostNamespace.run(in: netns) {
            // IPv4 only on every interface to come: a link-local address would be a way to neighbours past the address
            // they have. `lo` keeps ::1.
            try InterfaceSettings.disableIPv6("default")
            return try RouteSocket()
        }
    }

    /// `lo` up; 127.0.0.1 comes by itself.
    func bringUpLoopback() throws {
        guard let loopback = try routes.link(named: "lo"), !loopback.isUp else { return }
        try routes.setUp(loopback.index)
    }

    /// Address and state of one interface.
    func configure(_ place: EndpointPlace) throws {
        let link = try require(place.endpoint)
        if !(try addresses(of: link).contains(IPAddress(place.endpoint.address))) {
            try routes.addAddress(place.network.prefix(of: place.endpoint.address), to: link.index)
        }
        if !link.isUp { try routes.setUp(link.index) }
    }

    /// The default route, through the first network that leads out.
    func setDefaultRoute(_ places: [EndpointPlace]) throws {
        guard let place = Self.gatewayPlace(places) else { return }
        if try hasDefaultRoute(via: place.network.gateway) { return }
        let link = try require(place.endpoint)
        try routes.addRoute(via: IPAddress(place.network.gateway), on: link.index)
    }

    /// The place that carries the default route.
    static func gatewayPlace(_ places: [EndpointPlace]) -> EndpointPlace? {
        places.filter { !$0.network.isInternal }.min { $0.endpoint.index < $1.endpoint.index }
    }

    func hasDefaultRoute(via gateway: IPv4Address) throws -> Bool {
        try defaultRoutes().contains { $0.gateway == IPAddress(gateway) }
    }

    func hasLink(_ endpoint: EndpointSpecification) throws -> Bool {
        try routes.link(named: endpoint.interfaceName) != nil
    }

    private func require(_ endpoint: EndpointSpecification) throws -> Link {
        try routes.existingLink(named: endpoint.interfaceName)
    }

    private func addresses(of link: Link) throws -> [IPAddress] {
        try routes.addresses().filter { $0.index == link.index }.map(\.prefix.address)
    }

    private func defaultRoutes() throws -> [Route] {
        try routes.routes().filter { $0.destination == nil && $0.gateway?.isV4 == true }
    }
}
