import Linux
import StateStore

/// The kernel's switch for forwarding, `net.ipv4.ip_forward`.
///
/// It is on while there are networks; what it was before is remembered, and comes back with the last network.
struct Forwarding: Sendable {
    let database: StateDatabase
    let host: HostNamespace

    private static let path = "/proc/sys/net/ipv4/ip_forward"
    private static let key = "networking.ip_forward.before"

    /// Switches it on.
    ///
    /// The former value is in the database before anything changes.
    func enable() throws {
        let current = try value()
        if try database.read({ try $0.value(forKey: Self.key) }) == nil {
            try database.write { try $0.setValue(current, forKey: Self.key) }
        }
        if current != "1" { try set("1") }
    }

    /// Gives it the former value back, unless another data root still needs it.
    func restore(neighbours: Bool) throws {
        guard let before = try database.read({ try $0.value(forKey: Self.key) }) else { return }
        if before != "1", !neighbours { try set(before) }
        try database.write { try $0.setValue(nil, forKey: Self.key) }
    }

    /// True if packets are forwarded.
    func isEnabled() throws -> Bool { try value() == "1" }

    private func value() throws -> String {
        try host.run { String(try Files.readText(Self.path).prefix { $0 != "\n" }) }
    }

    private func set(_ value: String) throws {
        try host.run { try Files.writeExisting(Self.path, value) }
    }
}
