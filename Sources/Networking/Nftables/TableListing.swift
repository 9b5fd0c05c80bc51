/// What `nft list table` says, reduced to what tells whether the table is still ours: the elements of each set and the
/// number of rules in each chain.
///
/// Texts of rules are not compared; they differ between versions of nftables.
package struct TableListing: Sendable, Equatable {
    /// Elements by set or map, in nft's form.
    package private(set) var elements: [String: Set<String>] = [:]
    /// The number of rules by chain.
    package private(set) var ruleCounts: [String: Int] = [:]

    /// Reads a listing.
    ///
    /// What is not understood is passed over.
    package init(_ text: String) {
        var block: (kind: Substring, name: String)?
        var list: String?
        for line in text.split(separator: "\n") {
            let line = line.trimmed
            if var open = list {
                open += line
                list = open
            } else if let start = line.prefixed("elements = {") {
                list = String(start)
            } else if line == "}" {
                block = nil
            } else if line.hasSuffix("{") {
                let words = line.split(separator: " ")
                if words.count == 3, words[0] != "table" { block = (words[0], String(words[1])) }
                if let block, block.kind == "chain" { ruleCounts[block.name] = 0 }
            } else if let block, block.kind == "chain", !line.hasPrefix("type ") {
                ruleCounts[block.name, default: 0] += 1
            }
            if let complete = list, complete.hasSuffix("}"), let block {
                let items = complete.dropLast().split(separator: ",").map { String($0.trimmed) }
                elements[block.name] = Set(items.filter { !$0.isEmpty })
                list = nil
            }
        }
    }

    /// True if the rules and the elements of `network` are there.
    package func holds(_ network: NetworkSpecification) -> Bool {
        let expected = Ruleset(table: "", networks: [network], ports: []).elements
        return [0, 3, 4].contains { ruleCounts == Ruleset.ruleCounts(routerRules: $0) }
            && expected.allSatisfy { elements[$0.set, default: []].isSuperset(of: $0.elements) }
    }

    /// True if the port's element is there.
    package func holds(_ mapping: PortMapping) -> Bool {
        elements[mapping.map]?.contains(mapping.element) == true
    }

    /// True if the listing is of exactly this ruleset.
    package func matches(_ ruleset: Ruleset) -> Bool {
        ruleCounts == ruleset.ruleCounts
            && ruleset.elements.allSatisfy { elements[$0.set, default: []] == Set($0.elements) }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var rest = self.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }

    fileprivate func prefixed(_ prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }
}
