import Diagnostics
import Linux
import StateStore
import Synchronization

/// Keeps the table of a data root as the database says.
///
/// Blocking.
///
/// Every change is one transaction. "Read the database, then tell the kernel" happens under one lock, so that a table that
/// is made anew never forgets what another thread has just added.
final class Firewall: Sendable {
    /// The table's name in family `inet`.
    let table: String
    private let database: StateDatabase
    private let host: HostNamespace
    /// The interfaces through which published ports are reached, where a network does not say.
    private let publishInterfaces: [String]?
    private let session = Mutex<NftablesSession?>(nil)

    init(table: String, database: StateDatabase, host: HostNamespace, publishInterfaces: [String]? = nil) {
        self.table = table
        self.database = database
        self.host = host
        self.publishInterfaces = publishInterfaces
    }

    /// `stackctl_` and eight digits that tell this data root from others of the host (FNV-1a of its path).
    static func tableName(root: String) -> String {
        var hash: UInt32 = 0x811C_9DC5
        for byte in root.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        let digits = String(hash, radix: 16)
        return "stackctl_" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Makes the table what the database says, whatever is there.
    ///
    /// The table goes when no network is left.
    ///
    /// - Parameter leaving: a network that is about to be deleted, and so counts as gone.
    func replace(without leaving: String? = nil) throws {
        try locked(doing: "install the rules of the container networks") { session in
            try self.replace(session, without: leaving)
        }
    }

    /// Adds the ports of a container that starts.
    func add(_ mappings: [PortMapping]) throws {
        guard !mappings.isEmpty else { return }
        try locked(doing: "publish \(mappings.map(\.port.description).joined(separator: ", "))") { session in
            let ruleset = Ruleset(table: self.table, networks: [], ports: [])
            do {
                try session.run(ruleset.adding(mappings))
            } catch is NftablesError {
                // The table was flushed, or an element of an earlier life is in the way: the database has the new ports.
                try self.replace(session, without: nil)
            }
        }
        forgetDatagrams(to: mappings)
    }

    /// Removes the ports of a container that has ended; the database no longer has them.
    func remove(_ mappings: [PortMapping]) throws {
        guard !mappings.isEmpty else { return }
        try locked(doing: "close \(mappings.map(\.port.description).joined(separator: ", "))") { session in
            let ruleset = Ruleset(table: self.table, networks: [], ports: [])
            do {
                try session.run(ruleset.removing(mappings))
            } catch is NftablesError {
                try self.replace(session, without: nil)
            }
        }
        forgetDatagrams(to: mappings)
    }

    /// Removes ports and adds others, in one transaction.
    func exchange(_ old: [PortMapping], for new: [PortMapping]) throws {
        guard !old.isEmpty else { return try add(new) }
        try locked(doing: "hand over \(new.map(\.port.description).joined(separator: ", "))") { session in
            let ruleset = Ruleset(table: self.table, networks: [], ports: [])
            do {
                try session.run(ruleset.removing(old) + ruleset.adding(new))
            } catch is NftablesError {
                try self.replace(session, without: nil)
            }
        }
        forgetDatagrams(to: old + new)
    }

    /// What the table holds; nil if it is gone.
    func listing() throws -> TableListing? {
        try locked(doing: "list the rules of the container networks") { session in
            try session.listing(table: self.table)
        }
    }

    /// Makes the table anew if it is not what the database says, and tells whether that was so.
    func heal() throws -> Bool {
        let mended = try locked(doing: "repair the rules of the container networks") { session -> Ruleset? in
            let ruleset = try self.wanted()
            let listing = try session.listing(table: self.table)
            if ruleset.networks.isEmpty ? listing == nil : listing?.matches(ruleset) == true { return nil }
            try session.run(ruleset.networks.isEmpty ? ruleset.deletion : ruleset.replacement)
            return ruleset
        }
        if let mended { forgetDatagrams(to: mended.ports) }
        return mended != nil
    }

    /// Ends what the kernel takes for a connection to these UDP ports.
    ///
    /// It keeps the translation it began with as long as datagrams come, to a container that has gone, or to the host
    /// where the port was not published yet. Without ctnetlink in the kernel it ends by itself after a time of silence.
    private func forgetDatagrams(to mappings: [PortMapping]) {
        let ports = mappings.map(\.port).filter { $0.transport == .udp && !$0.isIPv6 }
        guard !ports.isEmpty else { return }
        try? host.run {
            let own = Set(try RouteSocket().addresses().compactMap(\.prefix.address.v4Value))
            try ConnectionTracking.forgetDatagrams { datagrams in
                let address = IPv4Address(rawValue: datagrams.destination)
                guard own.contains(datagrams.destination) || address.isLoopback else { return false }
                return ports.contains {
                    $0.hostPort == datagrams.destinationPort && ($0.hostAddress?.v4 ?? address) == address
                }
            }
        }
    }

    /// True if another data root on this host has a table.
    func hasNeighbours() throws -> Bool {
        try locked(doing: "list tables") { session in
            try session.tables().contains { $0.hasPrefix("stackctl_") && $0 != self.table }
        }
    }

    /// Chains of others that drop what is forwarded and know nothing of our bridges.
    ///
    /// One look at the declarations of all chains; the rules only of a table that has such a chain.
    func foreignDrops() throws -> [ForeignFirewall.Chain] {
        try locked(doing: "list chains") { session in
            try ForeignFirewall.dropping(try session.run("list chains"), besides: self.table).filter { chain in
                !ForeignFirewall.mentionsBridges(try session.run("list table \(chain.family) \(chain.table)"))
            }
        }
    }

    private func replace(_ session: NftablesSession, without leaving: String?) throws {
        var ruleset = try wanted()
        ruleset.networks.removeAll { $0.id == leaving }
        try session.run(ruleset.networks.isEmpty ? ruleset.deletion : ruleset.replacement)
    }

    /// What the database says.
    private func wanted() throws -> Ruleset {
        try database.read { try $0.ruleset(table: table, publishInterfaces: publishInterfaces) }
    }

    private func locked<Value>(doing what: String, _ body: (NftablesSession) throws -> Value) throws -> Value {
        try session.withLock { session in
            let open = try session ?? host.run { try NftablesSession() }
            session = open
            do {
                return try body(open)
            } catch let error as NftablesError {
                throw error.diagnostic(doing: what)
            }
        }
    }
}
