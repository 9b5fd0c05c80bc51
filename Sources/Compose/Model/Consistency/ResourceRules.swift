import Diagnostics

/// What networks, volumes, secrets and configs may say together.
struct ResourceRules {
    let findings: Findings

    /// Checks a merged model.
    func check(_ model: ComposeMap) {
        for section in ["networks", "volumes", "secrets", "configs"] {
            for entry in model[section]?.map?.entries ?? [] { checkExternal(entry, section) }
        }
        for entry in model["secrets"]?.map?.entries ?? [] {
            checkSource(entry, "secret", ["file", "environment"])
        }
        for entry in model["configs"]?.map?.entries ?? [] {
            checkSource(entry, "config", ["file", "environment", "content"])
        }
    }

    private func checkExternal(_ entry: ComposeMap.Entry, _ section: String) {
        guard entry.value["external"]?.bool == true, let members = entry.value.map else { return }
        for other in members.entries
        where other.key != "name" && other.key != "external" && !other.key.hasPrefix("x-") {
            findings.error(
                "SC2240", "`\(section).\(entry.key)` is external, so `\(other.key)` means nothing", at: other.location,
                detail: "What is external is made elsewhere; only its `name` is used.",
                hint: "take `\(other.key)` or `external` out")
        }
    }

    private func checkSource(_ entry: ComposeMap.Entry, _ kind: String, _ sources: [String]) {
        let members = entry.value.map ?? ComposeMap()
        let isGiven = sources.contains { members.entry($0) != nil }
        let names = sources.map { "`\($0)`" }.joined(separator: ", ")
        guard !isGiven, members["external"]?.bool != true, members["driver"] == nil else { return }
        findings.error(
            "SC2242", "the \(kind) `\(entry.key)` has no content", at: entry.location,
            hint: "give one of \(names), or `external: true`")
    }
}
