import Diagnostics
import Linux
import StateStore

extension NetworkController {
    /// Brings everything to what the database says, when a daemon starts.
    ///
    /// - Parameter running: the containers that run; links and ports of all others are taken away.
    package func recover(running: Set<String>) async throws {
        let (database, firewall, forwarding, turn) = (database, firewall, forwarding, turn)
        try await blocking { links in
            let stopped = try database.read { transaction in
                Set(try transaction.endpoints().map(\.container) + transaction.publishedPorts().map(\.container))
            }.subtracting(running)
            for containerID in stopped where try Self.hasRemains(containerID, database, links) {
                try Self.detach(containerID, database, links, firewall)
            }
            guard try database.read({ try !$0.networks().isEmpty }) else { return }
            try turn.run {
                let networks = try database.read { try $0.networkSpecifications() }
                try forwarding.remember()
                for network in networks { try Self.ensure(network, database, links) }
                try firewall.replace()
                try forwarding.enable()
            }
        }
    }

    /// Looks whether somebody flushed the firewall, removed a bridge or switched forwarding off, and puts it right.
    ///
    /// - Returns: what was wrong; empty when all was well. Containers' own links are `observe(containers:)`'s matter.
    package func heal() async throws -> [NetworkProblem] {
        let (database, firewall, forwarding, turn) = (database, firewall, forwarding, turn)
        return try await blocking { links in
            guard try database.read({ try !$0.networks().isEmpty }) else { return [] }
            return try turn.run {
                let networks = try database.read { try $0.networkSpecifications() }
                guard !networks.isEmpty else { return [] }
                var found: [NetworkProblem] = []
                let host = try LinkTable(links.routes)
                for network in networks {
                    let problems = BridgeOperations.problems(of: network, in: host)
                    guard !problems.isEmpty else { continue }
                    found += problems
                    try Self.ensure(network, database, links)
                }
                if try firewall.heal() { found.append(.rulesMissing(table: firewall.table)) }
                if !(try forwarding.isEnabled()) {
                    found.append(.forwardingDisabled)
                    try forwarding.enable()
                }
                return found
            }
        }
    }

    /// Tells when somebody removes rules of the host's firewall, ours among them.
    package nonisolated func firewallRemovals() async throws -> NetfilterChanges {
        let host = host
        return try await BlockingExecutor.shared.run { try host.run { try NetfilterChanges() } }
    }

    static func ensure(_ network: NetworkSpecification, _ database: StateDatabase, _ links: HostLinks) throws {
        try links.bridges.ensure(network)
        let endpoints = try database.read { try $0.endpointSpecifications(networkID: network.id) }
        try links.endpoints.reattach(endpoints, to: network)
    }

    private static func hasRemains(_ containerID: String, _ database: StateDatabase, _ links: HostLinks) throws -> Bool
    {
        if try database.read({ !(try $0.publishedPorts(container: containerID).isEmpty) }) { return true }
        let endpoints = try database.read { try $0.endpoints(container: containerID) }
        return try endpoints.contains { try links.routes.link(named: $0.interface) != nil }
    }
}
