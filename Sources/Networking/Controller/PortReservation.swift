import Diagnostics
import Linux
import StateStore

/// Finds out who has a port of the host, and writes down who gets it.
///
/// Blocking.
///
/// A port is not held by a socket: without a proxy process there is none. So a program that starts listening later does
/// get the port, but packets go to the container, since the translation comes before it. The database keeps containers
/// apart, the check against listening sockets keeps containers off programs that were there first.
struct PortReservation: Sendable {
    let database: StateDatabase
    let host: HostNamespace
    /// The interfaces through which ports are reached where a network does not say.
    var publishInterfaces: [String]?

    /// Commits the ports of a container, in place of those it had.
    ///
    /// - Parameter leaving: ports that another container has just let go of: its sockets for them may be there still.
    /// - Returns: the ports, with a host port wherever 0 asked for one.
    /// - Throws: the first conflict as a `Diagnostic`; nothing is changed then.
    func reserve(
        _ ports: [PublishedPort], for containerID: String, leaving: [PublishedPort] = []
    ) throws -> [PublishedPort] {
        if ports.isEmpty, try database.read({ try $0.publishedPorts(container: containerID).isEmpty }) { return [] }
        let listening = ports.isEmpty ? [] : try host.run { try ListeningPorts.read() }
        let addresses = try addresses(for: ports)
        let range = try portRange()
        let hostHasIPv6 = try host.run { HostAddresses.hasIPv6() }
        return try database.write { transaction in
            let ways = PublishingWays(
                try transaction.places(containerID: containerID), hostHasIPv6: hostHasIPv6,
                publishInterfaces: publishInterfaces)
            guard ports.isEmpty || !ways.isEmpty else {
                throw Diagnostic(
                    code: "SC6024", summary: "ports cannot be published for a container without a way out",
                    detail: "the container is in no network, or in internal networks only",
                    hint: "add a network that is not internal, or remove the ports")
            }
            // What it had already stays its own: an address that comes late after a reboot stops no container.
            let held = try transaction.publishedPorts(container: containerID).map { try PublishedPort($0) }
            let had = held.map(\.hostAddress)
            try transaction.deletePublishedPorts(container: containerID)
            let occupancy = Occupancy(
                others: try Self.others(transaction), listening: Self.foreign(listening, held + leaving),
                range: range)
            var chosen: [PublishedPort] = []
            for port in Set(ports).sorted(by: { $0.description < $1.description }) {
                let wanted = ways.expanded(port)
                if wanted.isEmpty { throw Self.unreachable(port) }
                let isOpen = wanted.allSatisfy { $0.hostAddress != nil && ways.has($0.hostAddress) }
                for one in wanted where !isOpen && !had.contains(one.hostAddress) {
                    if let problem = addresses?.problem(of: one) { throw problem }
                }
                for one in isOpen ? wanted : try occupancy.choose(wanted, besides: chosen)
                where !chosen.contains(one) {
                    try transaction.insert(one.row(containerID: containerID))
                    chosen.append(one)
                }
            }
            return chosen
        }
    }

    /// The conflicts that the ports of each container have now with other containers, other programs and each other;
    /// the host is looked at once.
    func conflicts(_ containers: [PortQuestion]) throws -> [[Diagnostic]] {
        let sockets = try host.run { try ListeningPorts.read() }
        let addresses = try addresses(for: containers.flatMap(\.ports))
        let all = try database.read { try Self.others($0) }
        let byPort = Dictionary(grouping: all, by: \.port.hostPort)
        let byContainer = Dictionary(grouping: all, by: \.containerID)
        return containers.map { asked in
            let own = asked.containerID.flatMap { byContainer[$0] } ?? []
            let listening = Self.foreign(sockets, own.map(\.port))
            var checked: [PublishedPort] = []
            return asked.ports.compactMap { port in
                if let problem = addresses?.problem(of: port) { return problem }
                guard port.hostPort != 0, port.lastHostPort == 0 else { return nil }
                defer { checked.append(port) }
                let others = (byPort[port.hostPort] ?? []).filter { $0.containerID != asked.containerID }
                return Occupancy.conflict(port, others, listening) ?? Occupancy.duplicate(port, checked)
            }
        }
    }

    /// The host's addresses, where a port names one and it must be there.
    private func addresses(for ports: [PublishedPort]) throws -> HostAddresses? {
        guard ports.contains(where: { $0.hostAddress != nil }) else { return nil }
        return try host.run { HostAddresses.mayBeMissing() ? nil : try HostAddresses.read() }
    }

    /// The sockets that are none of a container's own (`PortRelay`).
    private static func foreign(_ listening: [ListeningPort], _ held: [PublishedPort]) -> [ListeningPort] {
        let own = held.filter(\.isIPv6)
        return own.isEmpty ? listening : listening.filter { socket in !own.contains(where: socket.blocks) }
    }

    private static func unreachable(_ port: PublishedPort) -> Diagnostic {
        Diagnostic(
            code: "SC6038",
            summary: "port \(port.hostPort)/\(port.transport.rawValue) cannot be published on \(port.hostAddressText)",
            detail: "the container has no IPv6, and only TCP is passed on to IPv4",
            hint: "publish on an IPv4 address, or give the network IPv6")
    }

    private static func others(_ transaction: borrowing some Transaction & ~Copyable) throws -> [Holding] {
        var names: [String: String] = [:]
        return try transaction.publishedPorts().map { row in
            let name = names[row.container] ?? (try? transaction.container(id: row.container))?.name
            names[row.container] = name
            return Holding(
                port: try PublishedPort(row), containerID: row.container,
                containerName: name ?? String(row.container.prefix(12)))
        }
    }

    /// The kernel's range for ports that nobody asked for by number.
    private func portRange() throws -> ClosedRange<UInt16> {
        let text = try host.run { try Files.readText("/proc/sys/net/ipv4/ip_local_port_range") }
        let numbers = text.split(whereSeparator: { $0 == "\t" || $0 == " " || $0 == "\n" }).compactMap { UInt16($0) }
        guard numbers.count == 2, numbers[0] <= numbers[1] else { return 32_768...60_999 }
        return numbers[0]...numbers[1]
    }
}

/// A port that a container has.
private struct Holding: Sendable {
    var port: PublishedPort
    var containerID: String
    var containerName: String
}

/// Who has which ports at one moment.
private struct Occupancy: Sendable {
    var others: [Holding]
    var listening: [ListeningPort]
    /// Where ports come from that nobody asked for by number.
    var range: ClosedRange<UInt16>

    /// Gives ports that belong together one free number, where they leave it open.
    func choose(_ ports: [PublishedPort], besides chosen: [PublishedPort]) throws(Diagnostic) -> [PublishedPort] {
        guard let first = ports.first else { return [] }
        if first.hostPort == 0 {
            let start = UInt16.random(in: range)
            let order = Array(start...range.upperBound) + Array(range.lowerBound..<start)
            guard let number = firstFree(of: order, for: ports, besides: chosen) else {
                throw Diagnostic(
                    code: "SC6028", summary: "no free port of the host is left", detail: "tried \(range)")
            }
            return Self.numbered(ports, number)
        }
        if first.lastHostPort > first.hostPort {
            let order = Array(first.hostPort...first.lastHostPort)
            if let number = firstFree(of: order, for: ports, besides: chosen) { return Self.numbered(ports, number) }
        }
        let fixed = Self.numbered(ports, first.hostPort)
        for port in fixed {
            if let problem = Self.conflict(port, others, listening) ?? Self.duplicate(port, chosen) { throw problem }
        }
        return fixed
    }

    private func firstFree(
        of numbers: [UInt16], for ports: [PublishedPort], besides chosen: [PublishedPort]
    ) -> UInt16? {
        let taken = others.map(\.port) + chosen
        return numbers.first { number in
            Self.numbered(ports, number).allSatisfy { port in
                !taken.contains { $0.conflicts(with: port) } && !listening.contains { $0.blocks(port) }
            }
        }
    }

    private static func numbered(_ ports: [PublishedPort], _ number: UInt16) -> [PublishedPort] {
        ports.map { port in
            var port = port
            port.hostPort = number
            port.lastHostPort = 0
            return port
        }
    }

    static func conflict(
        _ port: PublishedPort, _ others: [Holding], _ listening: [ListeningPort]
    ) -> Diagnostic? {
        let name = "port \(port.hostPort)/\(port.transport.rawValue)"
        if let other = others.first(where: { $0.port.conflicts(with: port) }) {
            return Diagnostic(
                code: "SC6025", summary: "\(name) of the host is in use",
                detail: "container \(other.containerName) publishes \(other.port)",
                hint: "publish on another port or host address")
        }
        if let socket = listening.first(where: { $0.blocks(port) }) {
            let owner = ListeningPorts.owner(ofInode: socket.inode) ?? "a process of this host"
            let address = socket.address?.description ?? "every address"
            return Diagnostic(
                code: "SC6026", summary: "\(name) of the host is in use", detail: "\(owner) listens on \(address)",
                hint: "stop it, or publish on another port or host address")
        }
        return nil
    }

    static func duplicate(_ port: PublishedPort, _ earlier: [PublishedPort]) -> Diagnostic? {
        guard let other = earlier.first(where: { $0.conflicts(with: port) }) else { return nil }
        return Diagnostic(
            code: "SC6027", summary: "port \(port.hostPort)/\(port.transport.rawValue) of the host is published twice",
            detail: "\(other) and \(port)", hint: "publish one of them on another port")
    }
}

extension PublishingWays {
    /// True for the address of a routed endpoint, which stands for "open at the container's own address".
    fileprivate func has(_ address: IPAddress?) -> Bool {
        [v4, v6].contains { $0?.isRouted == true && $0?.address == address }
    }
}

extension ListeningPort {
    /// True if the socket answers where `published` would.
    func blocks(_ published: PublishedPort) -> Bool {
        port == published.hostPort && transport == published.transport && (published.isIPv6 ? isForV6 : isForV4)
            && (address == nil || published.isOnEveryAddress || address == published.hostAddress)
    }
}
