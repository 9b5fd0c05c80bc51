import Linux

/// The contents of the files that a container's libc reads names from.
///
/// Pure.
package enum ContainerFiles {
    /// `/etc/resolv.conf`: the container's own resolver, which knows the names of its networks.
    ///
    /// With `ndots:0` a name without a dot is asked for as it is, before any search domain.
    ///
    /// - Parameter servers: resolvers in place of it, for containers that it does not serve.
    package static func resolvConf(
        servers: [String] = ["\(IPv4Address.resolver)"], search: [String] = [], options: [String] = ["ndots:0"]
    ) -> String {
        var lines = servers.map { "nameserver \($0)" }
        if !search.isEmpty { lines.append("search " + search.joined(separator: " ")) }
        if !options.isEmpty { lines.append("options " + options.joined(separator: " ")) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `/etc/hosts`: the loopback names, the container's own name at each of its addresses, and `extra` lines.
    package static func hosts(
        hostname: String, addresses: [IPAddress], extra: [(address: String, name: String)] = []
    ) -> String {
        var lines = [
            "127.0.0.1\tlocalhost",
            "::1\tlocalhost ip6-localhost ip6-loopback",
            "fe00::\tip6-localnet",
            "ff00::\tip6-mcastprefix",
            "ff02::1\tip6-allnodes",
            "ff02::2\tip6-allrouters",
        ]
        lines += extra.map { "\($0.address)\t\($0.name)" }
        lines += addresses.map { hostLine($0, hostname: hostname) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `/etc/hostname`.
    package static func hostname(_ name: String) -> String { name + "\n" }

    /// The search domains of a `resolv.conf`: those of its last `search` or `domain` line, as resolv.conf(5) has it.
    ///
    /// At most 32, and none but what can be a name; `.` alone means none.
    package static func searchDomains(inResolvConf text: String) -> [String] {
        var found: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
            guard let keyword = words.first, keyword == "search" || keyword == "domain" else { continue }
            found = words.dropFirst().map(String.init).filter { DNSName(text: Array($0.utf8)) != nil }
        }
        return Array(found.prefix(32))
    }

    /// The options of a `resolv.conf`.
    package static func options(inResolvConf text: String) -> [String] {
        var found: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
            if words.first == "options" { found += words.dropFirst().map(String.init) }
        }
        return found
    }

    /// The resolvers of a `resolv.conf` that others than the host itself can ask: none on its loopback.
    package static func sharedResolvers(inResolvConf text: String) -> [String] {
        resolvers(inResolvConf: text).filter { server in
            let address = server.split(separator: "%").first.flatMap { IPAddress(String($0)) }
            return address.map { !$0.isLoopback } ?? false
        }
    }

    /// `/etc/hosts` without the lines that give an address one of these names.
    ///
    /// What else somebody wrote stays.
    package static func hosts(_ text: String, without addresses: [IPAddress], named names: [String]) -> String {
        let gone = Set(addresses.map(\.description))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let address = words.first, gone.contains(address) else { return true }
            return !words.dropFirst().contains(where: names.contains)
        }
        return lines.joined(separator: "\n")
    }

    /// The line of `/etc/hosts` for a container's own name: the short name as well, as hostname(1) -f expects it.
    package static func hostLine(_ address: IPAddress, hostname: String) -> String {
        let names = hostname.split(separator: ".").first.map { $0 == hostname ? hostname : "\(hostname) \($0)" }
        return "\(address)\t\(names ?? hostname)"
    }

    /// The addresses of the resolvers in a `resolv.conf`, at most three as in glibc (MAXNS).
    package static func resolvers(inResolvConf text: String) -> [String] {
        var found: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver", found.count < 3 else { continue }
            found.append(String(words[1]))
        }
        return found
    }
}
