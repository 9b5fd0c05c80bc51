import Linux

/// The links of one network namespace at one moment, with their addresses.
struct LinkTable: Sendable {
    private let links: [String: Link]
    private let addresses: [Int32: [IPAddress]]

    init(links: [Link], addresses: [LinkAddress]) {
        self.links = Dictionary(links.map { ($0.name, $0) }) { first, _ in first }
        self.addresses = Dictionary(grouping: addresses, by: \.index).mapValues { $0.map(\.prefix.address) }
    }

    /// Asks the kernel.
    ///
    /// Blocks.
    init(_ routes: RouteSocket) throws(SystemError) {
        self.init(links: try routes.links(), addresses: try routes.addresses())
    }

    func link(named name: String) -> Link? { links[name] }

    func addresses(of link: Link) -> [IPAddress] { addresses[link.index] ?? [] }
}
