/// Who may ask for which names, and what the answers are.
///
/// A pure value: the name server's whole knowledge.
package struct NameTable: Sendable {
    /// An id of a container or network, as bytes.
    package typealias Identifier = [UInt8]

    private struct Asker: Sendable {
        var networks: [Identifier]
        var forwards: Bool
    }

    private struct Owner: Sendable {
        var container: Identifier
        var address: UInt32
        /// 16 bytes, or none.
        var address6: [UInt8]
        var names: [DNSName]
    }

    private struct Network: Sendable {
        var owners: [Owner] = []
        var addresses: [DNSName: [Address]] = [:]
    }

    /// What a name stands for.
    struct Address: Sendable, Equatable {
        var v4: UInt32
        var v6: [UInt8]
    }

    private var askers: [Identifier: Asker] = [:]
    private var networks: [Identifier: Network] = [:]
    /// Names that one container alone has for others.
    private var links: [Identifier: [DNSName: DNSName]] = [:]
    private var turn = 0

    /// What becomes of a question.
    package enum Verdict: Sendable {
        /// Send this.
        case reply([UInt8])
        /// Not a name of ours: ask the host's resolvers.
        case forward
    }

    /// An empty table.
    package init() {}

    /// Every container that may ask.
    package var containers: [Identifier] { askers.keys.map { $0 } }

    /// Lets a container ask for the names of these networks, and of the outside if `forwards`.
    package mutating func admit(_ container: Identifier, networks: [Identifier], forwards: Bool) {
        askers[container] = Asker(networks: networks, forwards: forwards)
    }

    /// Sets the names that a container alone has for others: first its own word, then a name of the network.
    package mutating func setLinks(_ pairs: [(DNSName, DNSName)], of container: Identifier) {
        var known: [DNSName: DNSName] = [:]
        for (alias, name) in pairs { known[alias] = name }
        links[container] = known.isEmpty ? nil : known
    }

    /// Sets the names of a container in a network.
    ///
    /// - Parameter address6: 16 bytes, or none.
    package mutating func setNames(
        _ names: [DNSName], of container: Identifier, in network: Identifier, address: UInt32, address6: [UInt8] = []
    ) {
        removeNames(of: container, in: network)
        networks[network, default: Network()].owners.append(
            Owner(container: container, address: address, address6: address6, names: names))
        index(network)
    }

    /// Forgets the names of a container in a network.
    package mutating func removeNames(of container: Identifier, in network: Identifier) {
        guard var entry = networks[network] else { return }
        entry.owners = entry.owners.filter { $0.container != container }
        networks[network] = entry.owners.isEmpty ? nil : entry
        index(network)
    }

    /// Forgets a container: it neither asks nor is found.
    package mutating func remove(_ container: Identifier) {
        askers[container] = nil
        links[container] = nil
        for network in networks.keys.map({ $0 }) { removeNames(of: container, in: network) }
    }

    /// Answers a question of `container`.
    ///
    /// - Parameter limit: bytes that the reply may have.
    package mutating func answer(_ query: borrowing DNSQuery, from container: Identifier, limit: Int) -> Verdict {
        guard let asker = askers[container] else { return .reply(DNSResponse.empty(.refused, to: query)) }
        if query.recordClass == 1 {
            if let addresses = addresses(of: links[container]?[query.name] ?? query.name, for: asker) {
                return .reply(reply(rotated(addresses), to: query, limit: limit))
            }
            if let address = query.name.reverseAddress, let name = name(for: asker, where: { $0.address == address }) {
                return .reply(pointer(name, to: query))
            }
            if let address = query.name.reverseAddress6,
                let name = name(for: asker, where: { $0.address6 == address })
            {
                return .reply(pointer(name, to: query))
            }
        }
        return asker.forwards ? .forward : .reply(DNSResponse.empty(.nameError, to: query))
    }

    private func reply(_ found: [Address], to query: borrowing DNSQuery, limit: Int) -> [UInt8] {
        if query.type == DNSRecordType.aaaa {
            var addresses: [[UInt8]] = []
            for address in found where !address.v6.isEmpty { addresses.append(address.v6) }
            return DNSResponse.addresses6(addresses, to: query, limit: limit)
        }
        var addresses: [UInt32] = []
        if query.type == DNSRecordType.a || query.type == DNSRecordType.any {
            for address in found { addresses.append(address.v4) }
        }
        return DNSResponse.addresses(addresses, to: query, limit: limit)
    }

    private func pointer(_ name: DNSName, to query: borrowing DNSQuery) -> [UInt8] {
        let wanted = query.type == DNSRecordType.ptr || query.type == DNSRecordType.any
        return wanted ? DNSResponse.pointer(name, to: query) : DNSResponse.empty(.noError, to: query)
    }

    private func addresses(of name: DNSName, for asker: Asker) -> [Address]? {
        var found: [Address] = []
        for network in asker.networks {
            if let addresses = networks[network]?.addresses[name] { found += addresses }
        }
        return found.isEmpty ? nil : found
    }

    private func name(for asker: Asker, where holds: (Owner) -> Bool) -> DNSName? {
        for network in asker.networks {
            guard let owners = networks[network]?.owners else { continue }
            for owner in owners where holds(owner) {
                if let name = owner.names.first { return name }
            }
        }
        return nil
    }

    /// The next asker is told another address first, which spreads load over replicas.
    private mutating func rotated(_ addresses: [Address]) -> [Address] {
        guard addresses.count > 1 else { return addresses }
        turn &+= 1
        let start = Int(UInt(bitPattern: turn) % UInt(addresses.count))
        var result: [Address] = []
        for index in 0..<addresses.count { result.append(addresses[(start + index) % addresses.count]) }
        return result
    }

    private mutating func index(_ network: Identifier) {
        guard var entry = networks[network] else { return }
        entry.addresses = [:]
        for owner in entry.owners {
            let address = Address(v4: owner.address, v6: owner.address6)
            for name in owner.names {
                // A container that has a name twice, as name and alias, still is one address.
                if entry.addresses[name]?.contains(address) == true { continue }
                entry.addresses[name, default: []].append(address)
            }
        }
        networks[network] = entry
    }
}
