import Diagnostics

/// Merging of values in long notation.
///
/// What a tag asks of merging stays in the result: a service that extends another may have to replace what an earlier
/// file says, too. `settled` ends that.
struct ComposeMerge {
    let findings: Findings

    /// What two values of one attribute are together.
    func merged(_ base: ComposeNode, _ over: ComposeNode, by rule: MergeRule, name: String) -> ComposeNode {
        if over.instruction != nil { return over }
        if case .replace = rule { return over }
        if over.isNull { return base }
        switch (base.value, over.value) {
        case (.null, _): return uniqued(over, by: rule)
        case (.map(let earlier), .map(let later)):
            if case .logging = rule, changesDriver(earlier, later) { return over }
            return ComposeNode(
                .map(merged(earlier, later, by: rule)), at: base.location, instruction: base.instruction)
        case (.list(let earlier), .list(let later)):
            return uniqued(base.with(.list(earlier + later)), by: rule)
        case (.map, _), (.list, _), (_, .map), (_, .list):
            if !name.hasPrefix("x-") { reportKinds(base, over, name: name) }
            return over
        default: return over
        }
    }

    /// What two maps are together.
    func merged(_ base: ComposeMap, _ over: ComposeMap, by rule: MergeRule) -> ComposeMap {
        var result = base
        for entry in over.entries {
            guard let earlier = base.entry(entry.key) else {
                result.set(entry)
                continue
            }
            result.set(
                ComposeMap.Entry(
                    key: entry.key, value: merged(earlier.value, entry.value, by: rule[entry.key], name: entry.key),
                    location: earlier.location))
        }
        return result
    }

    /// A value that nothing is merged into any more: without what was reset, every list unique.
    func settled(_ node: ComposeNode, by rule: MergeRule) -> ComposeNode {
        switch node.value {
        case .map(let members):
            let settledMembers = members.mapValues { entry in
                entry.value.instruction == .reset ? nil : settled(entry.value, by: rule[entry.key])
            }
            return ComposeNode(.map(settledMembers), at: node.location)
        case .list(let elements):
            let kept = elements.filter { $0.instruction != .reset }.map { settled($0, by: .general) }
            return uniqued(ComposeNode(.list(kept), at: node.location), by: rule)
        case .null, .bool, .int, .double, .string: return ComposeNode(node.value, at: node.location)
        }
    }

    private func uniqued(_ node: ComposeNode, by rule: MergeRule) -> ComposeNode {
        guard case .unique(let key) = rule, let elements = node.list else { return node }
        var positions: [String: Int] = [:]
        var kept: [ComposeNode] = []
        for element in elements {
            let name = key(element)
            if let position = positions[name] {
                kept[position] = element
            } else {
                positions[name] = kept.count
                kept.append(element)
            }
        }
        return kept.count == elements.count ? node : node.with(.list(kept))
    }

    private func changesDriver(_ base: ComposeMap, _ over: ComposeMap) -> Bool {
        guard let earlier = base["driver"]?.string, let later = over["driver"]?.string else { return false }
        return earlier != later
    }

    private func reportKinds(_ base: ComposeNode, _ over: ComposeNode, name: String) {
        findings.error(
            "SC2200", "`\(name)` cannot be merged: it is \(over.kind) here and \(base.kind) before",
            at: over.location, hint: "write both the same way, or mark this one `!override`",
            notes: ["the earlier one is at \(base.location)"])
    }
}
