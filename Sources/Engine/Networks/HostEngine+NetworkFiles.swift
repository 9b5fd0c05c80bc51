import Linux
import Networking

extension HostEngine {
    /// Writes the files bound over `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf`.
    func writeFiles(_ container: Container, _ facts: Container.Facts) async throws {
        let specification = facts.specification
        if specification.networkOwner != nil { return }
        let directory = configuration.containerDirectory(container.id)
        let endpoints = try await networks.endpoints(containerID: container.id)
        let hostname = Self.fullHostname(specification, id: container.id)
        var gateway: IPv4Address?
        if let first = endpoints.first { gateway = try await networks.network(id: first.networkID)?.gateway }
        let extra =
            specification.extraHosts.compactMap { Self.extraHost($0, gateway: gateway) }
            + (try await linkLines(container))
        let isServed = try await usesNameServer(container, endpoints)
        let isHost = specification.networkMode == "host"
        try await BlockingExecutor.shared.run {
            try Files.makeDirectories(directory, mode: 0o700)
            let resolv =
                isHost || !endpoints.isEmpty
                ? Self.resolvConf(
                    specification, host: isHost ? Self.hostFile() : HostResolvers.text(), isServed: isServed)
                : ""
            let hosts = ContainerFiles.hosts(
                hostname: hostname, addresses: endpoints.flatMap(\.addresses), extra: extra)
            try Files.write("\(directory)/hosts", Array(hosts.utf8), mode: 0o644)
            try Files.write("\(directory)/hostname", Array(ContainerFiles.hostname(hostname).utf8), mode: 0o644)
            try Files.write("\(directory)/resolv.conf", Array(resolv.utf8), mode: 0o644)
        }
    }

    /// A running container's hosts and resolv.conf files after it has joined networks or left them.
    ///
    /// What the container's own programs wrote into the hosts file stays.
    func rewriteFiles(_ container: Container, left: [IPAddress]) async throws {
        let specification = container.specification
        let directory = configuration.containerDirectory(container.id)
        let endpoints = try await networks.endpoints(containerID: container.id)
        let hostname = Self.fullHostname(specification, id: container.id)
        let isServed = try await usesNameServer(container, endpoints)
        try await BlockingExecutor.shared.run {
            let path = "\(directory)/hosts"
            let addresses = endpoints.flatMap(\.addresses)
            let before = try Files.readText(path, limit: 1 << 20)
            var hosts = ContainerFiles.hosts(before, without: left + addresses, named: [hostname])
            if !hosts.isEmpty, !hosts.hasSuffix("\n") { hosts += "\n" }
            for address in addresses { hosts += ContainerFiles.hostLine(address, hostname: hostname) + "\n" }
            // In place: the container has this very file mounted.
            try Files.write(path, Array(hosts.utf8), mode: 0o644)
            let resolv =
                endpoints.isEmpty
                ? "" : Self.resolvConf(specification, host: HostResolvers.text(), isServed: isServed)
            try Files.write("\(directory)/resolv.conf", Array(resolv.utf8), mode: 0o644)
        }
    }

    /// The host name with the domain.
    static func fullHostname(_ specification: ContainerSpecification, id: String) -> String {
        let name = specification.hostname.isEmpty ? String(id.prefix(12)) : specification.hostname
        return specification.domainname.isEmpty ? name : "\(name).\(specification.domainname)"
    }

    private static func hostFile() -> String { (try? Files.readText("/etc/resolv.conf", limit: 65_536)) ?? "" }

    /// `resolv.conf`: the name server where it serves the container, else the resolvers asked for or the host's.
    private static func resolvConf(
        _ specification: ContainerSpecification, host: String, isServed: Bool
    ) -> String {
        let isHost = specification.networkMode == "host"
        if isHost, specification.dns.isEmpty, specification.dnsSearch.isEmpty, specification.dnsOptions.isEmpty {
            return host
        }
        var search =
            specification.dnsSearch.isEmpty
            ? ContainerFiles.searchDomains(inResolvConf: host) : specification.dnsSearch
        if search == ["."] { search = [] }
        var options =
            specification.dnsOptions.isEmpty ? ContainerFiles.options(inResolvConf: host) : specification.dnsOptions
        if isServed {
            if !options.contains(where: { $0.hasPrefix("ndots:") }) { options.append("ndots:0") }
            return ContainerFiles.resolvConf(search: search, options: options)
        }
        let found =
            isHost ? ContainerFiles.resolvers(inResolvConf: host) : ContainerFiles.sharedResolvers(inResolvConf: host)
        return ContainerFiles.resolvConf(
            servers: specification.dns.isEmpty ? found : specification.dns, search: search, options: options)
    }

    /// `name:address`; the address may be `host-gateway`.
    private static func extraHost(_ text: String, gateway: IPv4Address?) -> (address: String, name: String)? {
        let sides = text.split(separator: text.contains("=") ? "=" : ":", maxSplits: 1)
        guard sides.count == 2 else { return nil }
        if sides[1] == "host-gateway" { return gateway.map { ($0.description, String(sides[0])) } }
        let safe = sides.allSatisfy { side in side.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F } }
        let address = IPText.address(String(sides[1]))?.description ?? String(sides[1])
        return safe ? (address, String(sides[0])) : nil
    }
}
