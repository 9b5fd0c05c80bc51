import Linux
import StateStore

/// The kernel's switches for forwarding, `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding`.
///
/// Each is on while there are networks of its family; what it was before is remembered, and comes back with the last one.
/// Where it was off, the firewall keeps the host from being a router for anything but container networks.
struct Forwarding: Sendable {
    let database: StateDatabase
    let host: HostNamespace

    /// One of the two.
    enum Family: String, Sendable, CaseIterable {
        case v4, v6

        fileprivate var path: String {
            self == .v4 ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding"
        }

        fileprivate var key: String { "networking.\(self == .v4 ? "ip_forward" : "ip6_forward").before" }
    }

    /// The switch as it was, and in which life of the kernel: after a reboot the administrator's settings count anew.
    private struct Record {
        var value: Substring
        var boot: Substring?
        /// Interfaces that were told to heed router advertisements all the same.
        var advertised: [String]

        init(_ text: String) {
            let words = text.split(separator: " ")
            value = words.first ?? ""
            boot = words.dropFirst().first
            advertised = words.dropFirst(2).map(String.init)
        }
    }

    /// Writes down what the switches are, before anything changes.
    func remember() throws {
        for family in try needed() { try remember(family) }
    }

    /// Switches them on.
    func enable() throws {
        for family in try needed() {
            try remember(family)
            if try value(family) == "1" { continue }
            if family == .v6 { try heedAdvertisements() }
            try set(family, "1")
        }
    }

    /// Gives those that no network needs any more the former value back, unless another data root still needs it.
    ///
    /// - Parameter isLast: whether no network is left.
    func restoreUnneeded(isLast: Bool, neighbours: () throws -> Bool) throws {
        let needed = isLast ? [] : try needed()
        for family in Family.allCases where !needed.contains(family) {
            guard let before = try record(family) else { continue }
            let boot = try Self.bootID()
            if before.value != "1", before.boot ?? boot[...] == boot, try !neighbours() {
                try set(family, String(before.value))
                for name in before.advertised { try acceptAdvertisements(name, from: "2", to: "1") }
            }
            try database.write { try $0.setValue(nil, forKey: family.key) }
        }
    }

    /// True if packets are forwarded.
    func isEnabled() throws -> Bool { try needed().allSatisfy { try value($0) == "1" } }

    /// True if it was off before this data root had a network.
    static func wasSwitchedOn(
        _ transaction: borrowing some Transaction & ~Copyable, _ family: Family = .v4
    ) throws -> Bool {
        guard let text = try transaction.value(forKey: family.key) else { return false }
        return Record(text).value != "1"
    }

    private func needed() throws -> [Family] {
        let hasIPv6 = try database.read { transaction in
            try transaction.networkSpecifications().contains { $0.ipv6 != nil && $0.driver == .bridge }
        }
        return hasIPv6 ? [.v4, .v6] : [.v4]
    }

    private func remember(_ family: Family) throws {
        let boot = try Self.bootID()
        if let known = try record(family), known.boot ?? boot[...] == boot { return }
        let current = try value(family)
        let advertised = family == .v6 && current != "1" ? try heedingInterfaces() : []
        let text = ([current, boot] + advertised).joined(separator: " ")
        try database.write { try $0.setValue(text, forKey: family.key) }
    }

    private func record(_ family: Family) throws -> Record? {
        try database.read { try $0.value(forKey: family.key) }.map { Record($0) }
    }

    private func value(_ family: Family) throws -> String {
        try host.run { String(try Files.readText(family.path).prefix { $0 != "\n" }) }
    }

    private func set(_ family: Family, _ value: String) throws {
        try host.run { try Files.writeExisting(family.path, value) }
    }

    // MARK: - Router advertisements

    /// A router takes no advice of other routers unless it is told to: a host that got its own way out by an
    /// advertisement would lose it (ip-sysctl, `accept_ra`).
    private func heedAdvertisements() throws {
        for name in try record(.v6)?.advertised ?? [] { try acceptAdvertisements(name, from: "1", to: "2") }
    }

    private func heedingInterfaces() throws -> [String] {
        try host.run {
            try Files.list("/proc/sys/net/ipv6/conf").map(\.name).filter { name in
                guard !["all", "default", "lo"].contains(name) else { return false }
                return (try? Files.readText("/proc/sys/net/ipv6/conf/\(name)/accept_ra"))?.hasPrefix("1") ?? false
            }
        }
    }

    private func acceptAdvertisements(_ name: String, from: String, to value: String) throws {
        let path = "/proc/sys/net/ipv6/conf/\(name)/accept_ra"
        try host.run {
            guard let text = try? Files.readText(path), text.hasPrefix(from) else { return }
            try Files.writeExisting(path, value)
        }
    }

    private static func bootID() throws -> String {
        String(try Files.readText("/proc/sys/kernel/random/boot_id").prefix { $0 != "\n" })
    }
}
