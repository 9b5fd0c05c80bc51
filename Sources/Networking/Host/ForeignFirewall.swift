import Diagnostics

/// What others have in nftables that drops the packets of containers.
///
/// Every chain at the forward hook has its say, and one that drops is enough: no rule of ours can let a packet through
/// that a chain of Docker's or ufw's drops by its policy.
enum ForeignFirewall {
    /// A chain at the forward hook whose policy is to drop.
    struct Chain: Sendable, Hashable {
        var family: String
        var table: String
        var name: String
        /// The other chains of its table, by which its owner is known.
        var neighbours: Set<String>

        /// How nft names it.
        var text: String { "\(family) \(table) \(name)" }
    }

    /// The dropping chains that see IPv4, from what `nft list chains` prints.
    static func dropping(_ listing: String, besides own: String) -> [Chain] {
        var table: (family: String, name: String)?
        var chain: String?
        var neighbours: [String: Set<String>] = [:]
        var found: [Chain] = []
        for line in listing.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            if words.first == "table", words.count >= 3 {
                table = (String(words[1]), String(words[2]))
            } else if words.first == "chain", words.count >= 2, let table {
                chain = String(words[1])
                neighbours[table.family + " " + table.name, default: []].insert(String(words[1]))
            } else if let table, let name = chain, ["ip", "inet"].contains(table.family), table.name != own,
                line.contains("hook forward"), line.contains("policy drop")
            {
                found.append(Chain(family: table.family, table: table.name, name: name, neighbours: []))
            }
        }
        return found.map { chain in
            var chain = chain
            chain.neighbours = neighbours[chain.family + " " + chain.table] ?? []
            return chain
        }
    }

    /// Whether a listing of the chain's table speaks of our bridges: somebody has let them through.
    static func mentionsBridges(_ listing: String) -> Bool { listing.contains("\"\(InterfaceName.bridgePrefix)") }

    /// What to tell and what to do.
    static func warning(_ chain: Chain) -> Diagnostic {
        let bridges = InterfaceName.bridgePrefix + "+"
        let (owner, hint): (String, String)
        if chain.neighbours.contains("DOCKER-USER") {
            owner = "set by Docker"
            hint =
                "iptables -I DOCKER-USER -i \(bridges) -j ACCEPT && iptables -I DOCKER-USER -o \(bridges) -j ACCEPT"
        } else if chain.neighbours.contains("ufw-before-forward") {
            owner = "set by ufw"
            hint =
                "add `-A ufw-before-forward -i \(bridges) -j ACCEPT` and `-A ufw-before-forward -o \(bridges) -j ACCEPT` "
                + "to /etc/ufw/before.rules before its COMMIT, then: ufw reload"
        } else {
            owner = "not set by stackctl"
            let rule = { (key: String) in
                "nft insert rule \(chain.text) \(key) '\"\(InterfaceName.bridgePrefix)*\"' accept"
            }
            hint = rule("iifname") + " && " + rule("oifname")
        }
        return Diagnostic(
            severity: .warning, code: "SC6033",
            summary:
                "the host's firewall drops what it forwards, so containers may not reach the outside nor be reached",
            detail:
                "The chain \(chain.name) of table \(chain.family) \(chain.table) has policy drop (\(owner)), and no "
                + "rule of it lets the bridges of stackctl through. What may enter them is decided by stackctl's own rules.",
            hint: hint)
    }
}
