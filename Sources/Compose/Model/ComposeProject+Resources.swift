extension ComposeProject {
    /// A part of the top level that services refer to.
    enum Section: String, CaseIterable, Sendable {
        case networks, volumes, secrets, configs, models

        /// Where it is kept.
        var path: WritableKeyPath<ComposeProject, ComposeMap> {
            switch self {
            case .networks: \.networks
            case .volumes: \.volumes
            case .secrets: \.secrets
            case .configs: \.configs
            case .models: \.models
            }
        }
    }

    /// Drops what no active service uses, as Docker does; what was dropped before and is used now comes back.
    mutating func dropUnused(unless keepsAll: Bool) {
        keepsUnusedResources = keepsAll
        guard !keepsAll else { return }
        restoreUnused()
        for section in Section.allCases {
            let used = used(section)
            var kept = ComposeMap()
            var dropped = ComposeMap()
            for entry in self[keyPath: section.path].entries {
                if used.contains(entry.key) { kept.set(entry) } else { dropped.set(entry) }
            }
            self[keyPath: section.path] = kept
            unused[section] = dropped.isEmpty ? nil : dropped
        }
    }

    /// Brings everything back that is declared.
    mutating func restoreUnused() {
        for (section, dropped) in unused {
            for entry in dropped.entries { self[keyPath: section.path].set(entry) }
        }
        unused = [:]
    }

    /// The keys of a section that active services use.
    private func used(_ section: Section) -> Set<String> {
        var keys: Set<String> = []
        for entry in services.entries {
            let service = entry.value
            switch section {
            case .networks, .models: keys.formUnion(service[section.rawValue]?.map?.keys ?? [])
            case .volumes:
                for volume in service["volumes"]?.list ?? [] where volume["type"]?.string == "volume" {
                    if let source = volume["source"]?.string { keys.insert(source) }
                }
            case .secrets, .configs:
                let built = section == .secrets ? service["build"]?["secrets"]?.list ?? [] : []
                for grant in (service[section.rawValue]?.list ?? []) + built {
                    if let source = grant["source"]?.string { keys.insert(source) }
                }
            }
        }
        return keys
    }
}
