import Linux
import StateStore

/// The kernel's switch for forwarding, `net.ipv4.ip_forward`.
///
/// It is on while there are networks; what it was before is remembered, and comes back with the last network. Where it
/// was off, the firewall keeps the host from being a router for anything but container networks.
struct Forwarding: Sendable {
    let database: StateDatabase
    let host: HostNamespace

    private static let path = "/proc/sys/net/ipv4/ip_forward"
    private static let key = "networking.ip_forward.before"

    /// The switch as it was, and in which life of the kernel: after a reboot the administrator's settings count anew.
    private struct Record {
        var value: Substring
        var boot: Substring?

        init(_ text: String) {
            let words = text.split(separator: " ")
            value = words.first ?? ""
            boot = words.dropFirst().first
        }
    }

    /// Writes down what the switch is, before anything changes.
    func remember() throws {
        let boot = try Self.bootID()
        if let known = try record(), known.boot ?? boot[...] == boot { return }
        let current = try value()
        try database.write { try $0.setValue("\(current) \(boot)", forKey: Self.key) }
    }

    /// Switches it on.
    func enable() throws {
        try remember()
        if try value() != "1" { try set("1") }
    }

    /// Gives it the former value back, unless another data root still needs it.
    func restore(neighbours: Bool) throws {
        guard let before = try record() else { return }
        let boot = try Self.bootID()
        if before.value != "1", before.boot ?? boot[...] == boot, !neighbours { try set(String(before.value)) }
        try database.write { try $0.setValue(nil, forKey: Self.key) }
    }

    /// True if packets are forwarded.
    func isEnabled() throws -> Bool { try value() == "1" }

    /// True if it was off before this data root had a network.
    static func wasSwitchedOn(_ transaction: borrowing some Transaction & ~Copyable) throws -> Bool {
        guard let text = try transaction.value(forKey: key) else { return false }
        return Record(text).value != "1"
    }

    private func record() throws -> Record? {
        try database.read { try $0.value(forKey: Self.key) }.map { Record($0) }
    }

    private func value() throws -> String {
        try host.run { String(try Files.readText(Self.path).prefix { $0 != "\n" }) }
    }

    private func set(_ value: String) throws {
        try host.run { try Files.writeExisting(Self.path, value) }
    }

    private static func bootID() throws -> String {
        String(try Files.readText("/proc/sys/kernel/random/boot_id").prefix { $0 != "\n" })
    }
}
