import Diagnostics
import Linux

/// The addresses of the host, on which ports can be published.
///
/// The translation asks whether a packet is for an address of the host: on another one a port would never answer, without
/// a word.
struct HostAddresses: Sendable {
    /// The address and the interface that has it.
    struct Entry: Sendable, Hashable {
        var address: IPAddress
        var interface: String
    }

    let entries: [Entry]

    /// Reads those of the calling thread's network namespace.
    static func read() throws(SystemError) -> HostAddresses {
        let socket = try RouteSocket()
        var names: [Int32: String] = [:]
        for link in try socket.links() { names[link.index] = link.name }
        return HostAddresses(
            entries: try socket.addresses().map { found in
                Entry(address: found.prefix.address, interface: names[found.index] ?? "unknown")
            })
    }

    /// Whether an address that the host has not may be used all the same, because it may come: ip-sysctl,
    /// `ip_nonlocal_bind`.
    static func mayBeMissing() -> Bool {
        (try? Files.readText("/proc/sys/net/ipv4/ip_nonlocal_bind"))?.hasPrefix("1") ?? false
    }

    /// Whether the calling thread's network namespace has IPv6.
    static func hasIPv6() -> Bool {
        (try? Files.readText("/proc/sys/net/ipv6/conf/lo/disable_ipv6"))?.hasPrefix("0") ?? false
    }

    /// What is wrong with the address a port is to be published on; nil when nothing is.
    func problem(of port: PublishedPort) -> Diagnostic? {
        guard let wanted = port.hostAddress, !wanted.isLoopback, !wanted.isUnspecified,
            !entries.contains(where: { $0.address == wanted })
        else { return nil }
        // A bridge of ours is an address too, but nobody means it.
        let shown = entries.filter {
            $0.address.isV4 == wanted.isV4 && !$0.interface.hasPrefix(InterfaceName.bridgePrefix)
        }
        .prefix(Self.shownAtMost).map { "\($0.address) (\($0.interface))" }
        return Diagnostic(
            code: "SC6032",
            summary: "port \(port.hostPort)/\(port.transport.rawValue) cannot be published on \(wanted): "
                + "the host has no such address",
            detail: shown.isEmpty ? "The host has none." : "It has \(shown.joined(separator: ", ")).",
            hint: "publish on one of these, or leave the address out to publish on all; "
                + "where it comes later, as with VRRP, set the sysctl net.ipv4.ip_nonlocal_bind=1")
    }

    private static let shownAtMost = 12
}
