import Diagnostics

/// Whether the services of a project fit each other and what the project declares.
struct ProjectConsistency {
    let project: ComposeProject
    let findings: Findings

    init(_ project: ComposeProject, findings: Findings) {
        self.project = project
        self.findings = findings
    }

    /// Checks services that are active.
    func check(_ names: [String]) {
        for name in names {
            guard let entry = project.services.entry(name), let service = entry.value.map else { continue }
            ServiceRules(name: name, service: service, location: entry.location, findings: findings).check()
            checkReferences(name, service)
            checkDependencies(name, service)
            checkContexts(name, service)
        }
        checkCircles()
        checkPorts()
        checkContainerNames()
    }

    // MARK: References

    private func checkReferences(_ name: String, _ service: ComposeMap) {
        for entry in service["networks"]?.map?.entries ?? [] {
            require(entry.key, in: project.networks, "network", at: entry.location, of: name)
        }
        for volume in service["volumes"]?.list ?? [] where volume["type"]?.string == "volume" {
            guard let source = volume["source"], let key = source.string, !key.isEmpty else { continue }
            require(key, in: project.volumes, "volume", at: source.location, of: name)
        }
        for (attribute, declared) in [("secret", project.secrets), ("config", project.configs)] {
            for grant in service[attribute + "s"]?.list ?? [] {
                guard let source = grant["source"], let key = source.string else { continue }
                require(key, in: declared, attribute, at: source.location, of: name)
            }
        }
        for grant in service["build"]?["secrets"]?.list ?? [] {
            guard let source = grant["source"], let key = source.string else { continue }
            require(key, in: project.secrets, "secret", at: source.location, of: name)
        }
        for entry in service["models"]?.map?.entries ?? [] {
            require(entry.key, in: project.models, "model", at: entry.location, of: name)
        }
    }

    private func require(
        _ key: String, in declared: ComposeMap, _ kind: String, at location: SourceLocation, of service: String
    ) {
        guard declared.entry(key) == nil, project.isNormalized || key != "default" else { return }
        let similar = nearest(key, among: declared.keys).map { "did you mean `\($0)`?" }
        let detail = "A \(kind) that a service uses has to stand under `\(kind)s:` of the file, too."
        findings.error(
            "SC2243", "the service `\(service)` uses the \(kind) `\(key)`, which is not declared", at: location,
            detail: similar == nil ? detail : nil, hint: similar ?? "add `\(kind)s: {\(key): …}`")
    }

    private func checkDependencies(_ name: String, _ service: ComposeMap) {
        for entry in service["depends_on"]?.map?.entries ?? [] {
            guard project.services.entry(entry.key) == nil else { continue }
            if entry.value["required"]?.bool == false {
                let reason = project.disabledServices.entry(entry.key) == nil ? "is not there" : "is not active"
                findings.warning(
                    "SC2246", "`\(name)` does without `\(entry.key)`, which \(reason)", at: entry.location)
                continue
            }
            if let disabled = project.disabledServices.entry(entry.key) {
                let profiles = (disabled.value["profiles"]?.list ?? []).compactMap(\.string)
                findings.error(
                    "SC2244", "`\(name)` depends on `\(entry.key)`, whose profile is not active", at: entry.location,
                    detail: "A dependency does not activate a profile.",
                    hint: profiles.first.map {
                        "add --profile \($0), give `\(name)` that profile, too, or write `required: false`"
                    })
            } else {
                let names = project.services.keys + project.disabledServices.keys
                findings.error(
                    "SC2245", "`\(name)` depends on `\(entry.key)`, and there is no such service", at: entry.location,
                    hint: nearest(entry.key, among: names.filter { $0 != name }).map { "did you mean `\($0)`?" })
            }
        }
    }

    private func checkContexts(_ name: String, _ service: ComposeMap) {
        for entry in service["build"]?["additional_contexts"]?.map?.entries ?? [] {
            guard let text = entry.value.string, text.hasPrefix("service:") else { continue }
            let target = String(text.dropFirst("service:".count))
            let other = project.services.entry(target)?.value ?? project.disabledServices.entry(target)?.value
            guard let other else {
                findings.error(
                    "SC2247", "the build of `\(name)` uses the service `\(target)`, which is not there",
                    at: entry.location,
                    hint: nearest(target, among: project.services.keys).map { "did you mean `\($0)`?" }
                )
                continue
            }
            if other["build"] == nil {
                findings.error(
                    "SC2264", "the build of `\(name)` uses the service `\(target)`, which is not built",
                    at: entry.location, hint: "write docker-image://IMAGE to use an image")
            }
        }
    }

    // MARK: Between services

    private func checkCircles() {
        guard let circle = ServiceOrder(project).circle else { return }
        let names = (circle + circle.prefix(1)).map { "`\($0)`" }.joined(separator: " → ")
        let places = zip(circle, circle.dropFirst() + circle.prefix(1)).compactMap { from, to in
            project.services[from]?["depends_on"]?.map?.entry(to).map { (from, to, $0.location) }
        }
        findings.error(
            "SC2248", "services depend on each other in a circle: \(names)", at: places.first?.2,
            hint: "take one dependency out",
            notes: places.dropFirst().map { "`\($0.0)` depends on `\($0.1)` at \($0.2)" })
    }

    private func checkPorts() {
        var taken: [String: [(address: String, service: String, location: SourceLocation)]] = [:]
        for entry in project.services.entries where Self.publishes(entry.value) {
            for port in entry.value["ports"]?.list ?? [] {
                guard let published = port["published"]?.text, let number = UInt16(published), number > 0 else {
                    continue
                }
                let address = port["host_ip"]?.string ?? ""
                let key = "\(number)/\(port["protocol"]?.string ?? "tcp")"
                if let other = taken[key]?.first(where: { Self.overlap($0.address, address) }) {
                    let place = address.isEmpty ? key : "\(address):\(key)"
                    let both =
                        other.service == entry.key ? "`\(entry.key)` twice" : "`\(other.service)` and `\(entry.key)`"
                    findings.error(
                        "SC2249", "the host's port \(place) is published by \(both)", at: port.location,
                        hint: "choose another host port for one of them",
                        notes: ["the other one is at \(other.location)"])
                } else {
                    taken[key, default: []].append((address, entry.key, port.location))
                }
            }
        }
    }

    /// Whether a service has a container with ports of its own: not without replicas, nor in the network of another.
    private static func publishes(_ service: ComposeNode) -> Bool {
        let replicas = service["deploy"]?["replicas"]?.int ?? service["scale"]?.int ?? 1
        let mode = service["network_mode"]?.string ?? ""
        let isShared = mode == "host" || mode == "none" || mode.hasPrefix("service:") || mode.hasPrefix("container:")
        return replicas > 0 && !isShared
    }

    /// Whether two addresses of the host are, or one holds, the other.
    private static func overlap(_ left: String, _ right: String) -> Bool {
        if left == right || left.isEmpty || right.isEmpty { return true }
        guard left.contains(":") == right.contains(":") else { return false }
        let anyAddress: Set = ["0.0.0.0", "::"]
        return anyAddress.contains(left) || anyAddress.contains(right)
    }

    private func checkContainerNames() {
        var owners: [String: ComposeMap.Entry] = [:]
        for entry in project.services.entries {
            guard let name = entry.value["container_name"], let text = name.string else { continue }
            if let other = owners[text] {
                findings.error(
                    "SC2250", "the container name `\(text)` is that of `\(other.key)` and of `\(entry.key)`",
                    at: name.location, hint: "give each its own name",
                    notes: ["the other one is at \(other.value["container_name"]?.location.description ?? "")"])
            }
            owners[text] = entry
        }
    }
}
