import Diagnostics

extension ComposeProject {
    /// The project with only these services active, and what they depend on where `withDependencies`.
    ///
    /// A service that is named activates its profiles. Empty is all active services.
    ///
    /// - Throws: an unknown service with the nearest name; a dependency whose profile is not active.
    package func selecting(
        _ services: [String], withDependencies: Bool = true
    ) throws(DiagnosticList) -> ComposeProject {
        guard !services.isEmpty else { return self }
        try checkNames(services)
        var project = activating(services)
        let findings = Findings()
        var wanted = Set(services)
        var queue = services
        while withDependencies, let name = queue.popLast() {
            for dependency in project.dependencies(of: name)
            where project.services.entry(dependency) != nil && wanted.insert(dependency).inserted {
                queue.append(dependency)
            }
        }
        project.keep(wanted)
        project.restoreUnused()
        let added = project.services.keys.filter { self.services.entry($0) == nil }
        for name in added { deferredProblems[name]?.forEach(findings.add) }
        if checksConsistency, !added.isEmpty {
            ProjectConsistency(project, findings: findings).check(project.services.keys)
        }
        try findings.check()
        project.diagnostics = diagnostics + findings.diagnostics.filter { !diagnostics.contains($0) }
        project.dropUnused(unless: keepsUnusedResources)
        return project
    }

    /// What a service must be started after: `depends_on`, `links`, `volumes_from` and shared namespaces, each once.
    package func dependencies(of service: String) -> [String] {
        (services.entry(service) ?? disabledServices.entry(service))?.value["depends_on"]?.map?.keys.sorted() ?? []
    }

    /// The services, each after what it depends on.
    package var startOrder: [String] { ServiceOrder(self).order }

    private func checkNames(_ names: [String]) throws(DiagnosticList) {
        let known = services.keys + disabledServices.keys
        let problems = names.filter { services.entry($0) == nil && disabledServices.entry($0) == nil }.map { name in
            Diagnostic(
                code: "SC2270", summary: "there is no service `\(name)`",
                hint: nearest(name, among: known).map { "did you mean `\($0)`?" }
                    ?? "the services are \(known.sorted().joined(separator: ", "))")
        }
        guard problems.isEmpty else { throw DiagnosticList(problems) }
    }

    /// The project with the profiles of these services active, too.
    private func activating(_ names: [String]) -> ComposeProject {
        let added = names.flatMap { disabledServices[$0]?["profiles"]?.list?.compactMap(\.string) ?? [] }
        let named = Set(names)
        guard names.contains(where: { disabledServices.entry($0) != nil }) else { return self }
        var project = self
        project.profiles += added.filter { !profiles.contains($0) }
        project.services = ComposeMap()
        project.disabledServices = ComposeMap()
        for entry in services.entries + disabledServices.entries {
            if named.contains(entry.key) || project.hasActiveProfile(entry.value.map ?? ComposeMap()) {
                project.services.set(entry)
            } else {
                project.disabledServices.set(entry)
            }
        }
        return project
    }

    /// Makes all but some services inactive, and forgets what the rest waited for of them.
    private mutating func keep(_ names: Set<String>) {
        var kept = ComposeMap()
        for var entry in services.entries {
            guard names.contains(entry.key) else {
                disabledServices.set(entry)
                continue
            }
            if var service = entry.value.map, let waits = service["depends_on"], let map = waits.map {
                let rest = map.mapValues { dependency in
                    services.entry(dependency.key) == nil || names.contains(dependency.key) ? dependency.value : nil
                }
                service["depends_on"] = rest.isEmpty ? nil : waits.with(.map(rest))
                entry.value = entry.value.with(.map(service))
            }
            kept.set(entry)
        }
        services = kept
    }
}
