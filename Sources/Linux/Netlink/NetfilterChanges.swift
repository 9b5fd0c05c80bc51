import CLinux
import Glibc

/// Tells when somebody removes tables, chains, rules or sets of nftables in one network namespace.
package final class NetfilterChanges: Sendable {
    private let socket: AsyncSocket

    /// Listens in the calling thread's network namespace.
    package init() throws(SystemError) {
        let owner = try Sockets.make(AF_NETLINK, 3, protocol: 12)  // SOCK_RAW, NETLINK_NETFILTER
        let number = owner.raw
        var port: UInt32 = 0
        _ = try system("bind", "netlink") { linux_netlink_bind(number, &port) }
        // SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES.
        _ = try system("setsockopt", "NETLINK_ADD_MEMBERSHIP") { linux_setsockopt_int(number, 270, 1, 7) }
        socket = try AsyncSocket(owner)
    }

    /// Waits until something was removed, by whomever.
    package func removal() async throws {
        while true {
            let bytes: [UInt8]
            do {
                bytes = try await socket.read(upTo: 64 << 10)
            } catch let error as SystemError where error.errno == .ENOBUFS {
                // More has changed than the socket could hold.
                return
            }
            if NetlinkAnswer.parse(bytes).contains(where: { Self.removals.contains($0.type) }) { return }
        }
    }

    /// `NFNL_SUBSYS_NFTABLES` with `NFT_MSG_DELTABLE`, `DELCHAIN`, `DELRULE`, `DELSET` (linux/netfilter/nf_tables.h).
    private static let removals: Set<UInt16> = [0x0A02, 0x0A05, 0x0A08, 0x0A0B]

    /// Listens no more; `removal` throws from now on.
    package func close() { socket.close() }
}
