import Diagnostics
import Linux
import StateStore

extension NetworkController {
    /// The ports of a running container.
    package func publishedPorts(containerID: String) async throws -> [PublishedPort] {
        let database = database
        return try await BlockingExecutor.shared.run {
            try database.read { transaction in
                try transaction.publishedPorts(container: containerID).map { row throws(Diagnostic) in
                    try PublishedPort(row)
                }
            }
        }
    }

    /// Changes the ports of a running container while it runs.
    ///
    /// Ports that stay are not interrupted.
    ///
    /// - Returns: the ports with host ports chosen.
    package func setPorts(containerID: String, ports: [PublishedPort]) async throws -> [PublishedPort] {
        let (database, firewall, limit) = (database, firewall, publishInterfaces)
        return try await blocking { links in
            let before = Set(try database.read { try $0.portMappings(containerID: containerID) })
            let chosen = try PortReservation(database: database, host: links.host, publishInterfaces: limit)
                .reserve(ports, for: containerID)
            let after = Set(try database.read { try $0.portMappings(containerID: containerID) })
            try firewall.remove(Array(before.subtracting(after)))
            try firewall.add(Array(after.subtracting(before)))
            return chosen
        }
    }

    /// Lets one running container's ports lead to another one: at no moment they lead nowhere.
    ///
    /// - Parameters:
    ///   - remaining: the ports that the first one keeps.
    ///   - ports: those that the second one has from now on.
    /// - Throws: the first conflict as a `Diagnostic`; nothing is changed then.
    package func movePorts(
        from old: String, keeping remaining: [PublishedPort], to new: String, ports: [PublishedPort]
    ) async throws {
        let (database, firewall, limit) = (database, firewall, publishInterfaces)
        try await blocking { links in
            func mappings() throws -> Set<PortMapping> {
                try database.read { transaction in
                    Set(try transaction.portMappings(containerID: old) + transaction.portMappings(containerID: new))
                }
            }
            let reservation = PortReservation(database: database, host: links.host, publishInterfaces: limit)
            let before = try mappings()
            let had = try database.read { try $0.publishedPorts(container: old).map { try PublishedPort($0) } }
            _ = try reservation.reserve(remaining, for: old)
            do {
                _ = try reservation.reserve(ports, for: new, leaving: had)
            } catch {
                _ = try reservation.reserve(had, for: old, leaving: had)
                throw error
            }
            let after = try mappings()
            try firewall.exchange(Array(before.subtracting(after)), for: Array(after.subtracting(before)))
        }
    }

    /// The sockets that a running container's ports need because the firewall does not lead them to it.
    package func relays(containerID: String) async throws -> [PortRelay] {
        let (database, host, limit) = (database, host, publishInterfaces)
        return try await BlockingExecutor.shared.run {
            let (places, ports) = try database.read { transaction in
                let rows = try transaction.publishedPorts(container: containerID)
                return (try transaction.places(containerID: containerID), try rows.map { try PublishedPort($0) })
            }
            guard ports.contains(where: \.isIPv6) else { return [] }
            let ways = PublishingWays(
                places, hostHasIPv6: try host.run { HostAddresses.hasIPv6() }, publishInterfaces: limit)
            return Array(Set(ports.compactMap(ways.relay)))
        }
    }

    /// Who has these ports already: another container, a program of the host, or one of themselves.
    ///
    /// Nothing is reserved.
    ///
    /// - Parameter containerID: a container whose own ports do not count.
    package func diagnosePorts(_ ports: [PublishedPort], containerID: String?) async -> [Diagnostic] {
        await diagnosePorts([PortQuestion(ports: ports, containerID: containerID)]).first ?? []
    }

    /// The same for many containers, in their order: the host is looked at once.
    package func diagnosePorts(_ containers: [PortQuestion]) async -> [[Diagnostic]] {
        guard !containers.isEmpty else { return [] }
        let reservation = PortReservation(database: database, host: host)
        do {
            return try await BlockingExecutor.shared.run { try reservation.conflicts(containers) }
        } catch {
            let problem = Diagnostic(
                code: "SC6029", summary: "the ports of this host cannot be read", detail: "\(error)")
            return [[problem]] + containers.dropFirst().map { _ in [] }
        }
    }

    /// Warnings about firewalls of others that keep containers from the outside, and the outside from their ports.
    package func diagnoseForwarding() async -> [Diagnostic] {
        let firewall = firewall
        // What cannot be read cannot be warned of; an apply that needs the firewall says why it fails.
        let found = await BlockingExecutor.shared.run { try? firewall.foreignDrops() }
        return (found ?? []).map(ForeignFirewall.warning)
    }
}

/// The ports that a container is to have, for those who ask whether it can.
package struct PortQuestion: Sendable {
    package var ports: [PublishedPort]
    /// Whose own ports do not count; nil where there is no such container yet.
    package var containerID: String?

    package init(ports: [PublishedPort], containerID: String?) {
        self.ports = ports
        self.containerID = containerID
    }
}
