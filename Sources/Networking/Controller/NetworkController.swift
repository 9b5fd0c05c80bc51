import Diagnostics
import Linux
import StateStore

/// The networks of a data root, the containers in them, and the ports that lead to them.
///
/// What shall be is in the database, committed before the kernel is asked; what is there is asked from the kernel, never
/// remembered. So every operation can be repeated, and a new daemon finds everything as the last one left it.
package actor NetworkController {
    let database: StateDatabase
    let host: HostNamespace
    let firewall: Firewall
    let forwarding: Forwarding
    let turn = NetworkTurn()
    let publishInterfaces: [String]?
    let addressPools: [AddressPool.Range]
    private var openRoutes: RouteSocket?
    var removals = LinkRemovals()

    /// Networks of the data root at `root`.
    ///
    /// - Parameters:
    ///   - root: the data root, absolute.
    ///   - database: its database.
    ///   - hostNamespace: a network namespace to use as the host; nil is the daemon's own.
    ///   - publishInterfaces: the interfaces through which published ports are reached, where a network does not say; nil
    ///     is every one.
    ///   - addressPools: where automatic subnets come from.
    package init(
        root: String, database: StateDatabase, hostNamespace: SharedDescriptor? = nil,
        publishInterfaces: [String]? = nil, addressPools: [AddressPool.Range]? = nil
    ) {
        self.database = database
        host = HostNamespace(descriptor: hostNamespace)
        self.publishInterfaces = publishInterfaces
        self.addressPools = addressPools ?? AddressPool.usual
        firewall = Firewall(
            table: Firewall.tableName(root: root), database: database, host: host,
            publishInterfaces: publishInterfaces)
        forwarding = Forwarding(database: database, host: host)
    }

    /// The bridge's name for a network: `sc-` and eight digits of its id.
    package static func bridgeName(for networkID: String) -> String { InterfaceName.bridge(networkID: networkID) }

    /// The firewall table's name, in family `inet`.
    package nonisolated var tableName: String { firewall.table }

    /// Runs blocking work off the cooperative pool, with the host's netlink socket.
    func blocking<Value: Sendable>(_ body: @escaping @Sendable (HostLinks) throws -> Value) async throws -> Value {
        let links = HostLinks(routes: try routes(), host: host)
        do {
            return try await BlockingExecutor.shared.run { try body(links) }
        } catch let error as SystemError {
            throw Diagnostic.networkFailure(error)
        }
    }

    private func routes() throws -> RouteSocket {
        if let openRoutes { return openRoutes }
        let socket = try host.run { try RouteSocket() }
        openRoutes = socket
        return socket
    }
}

/// What blocking work is done with.
struct HostLinks: Sendable {
    let routes: RouteSocket
    let host: HostNamespace

    var bridges: BridgeOperations { BridgeOperations(routes: routes, host: host) }
    var endpoints: EndpointOperations { EndpointOperations(routes: routes, host: host) }

    /// True if a network's bridge or parent interface is not there.
    func isMissingBase(of network: NetworkSpecification) throws -> Bool {
        try routes.link(named: network.driver == .bridge ? network.bridgeName : network.parentName) == nil
    }
}

extension Diagnostic {
    /// A system call on a link, address or route failed.
    static func networkFailure(_ error: SystemError) -> Diagnostic {
        let hint = error.errno == .EPERM || error.errno == .EACCES ? "container networks need root" : nil
        return Diagnostic(
            code: "SC6011", summary: "the kernel refused a change of the network", detail: "\(error)", hint: hint)
    }
}
