import Diagnostics

/// Writes out what a service means without saying it: its network, its Dockerfile, whom it waits for.
struct ServiceNormalization {
    /// Where variables without a value come from.
    let environment: [String: String]

    /// One service.
    func service(_ written: ComposeMap, at location: SourceLocation) -> ComposeMap {
        var service = written
        if service["provider"] == nil, service["network_mode"] == nil,
            service["networks"]?.map?.isEmpty ?? true
        {
            service["networks"] = ComposeNode(.map(Self.defaultNetwork(at: location)), at: location)
        }
        if service["pull_policy"]?.string == "if_not_present", let policy = service["pull_policy"] {
            service["pull_policy"] = policy.with(.string("missing"))
        }
        if let build = service["build"] { service["build"] = self.build(build) }
        if let variables = service["environment"] {
            service["environment"] = resolved(variables)
        }
        if let volumes = service["volumes"] { service["volumes"] = cleaned(volumes) }
        if let steps = service["pre_start"], let image = service["image"] {
            service["pre_start"] = each(steps) { step in
                var members = step.map ?? ComposeMap()
                members.fill("image", image.value, at: step.location)
                return step.with(.map(members))
            }
        }
        addImplicitDependencies(to: &service, at: location)
        return service
    }

    private static func defaultNetwork(at location: SourceLocation) -> ComposeMap {
        ComposeMap([
            ComposeMap.Entry(key: "default", value: ComposeNode(.null, at: location), location: location)
        ])
    }

    private func build(_ node: ComposeNode) -> ComposeNode {
        guard var members = node.map else { return node }
        if members["dockerfile_inline"] == nil {
            members.fill("dockerfile", .string("Dockerfile"), at: node.location)
        }
        if let arguments = members["args"] {
            members["args"] = arguments.map.map { map in
                arguments.with(
                    .map(map.mapValues { $0.value.isNull ? fromEnvironment($0) : $0.value }))
            }
        }
        return node.with(.map(members))
    }

    /// Variables without a value come from the environment; the others stay null, and remove what a file says.
    private func resolved(_ node: ComposeNode) -> ComposeNode {
        guard let map = node.map else { return node }
        return node.with(
            .map(map.mapValues { $0.value.isNull ? fromEnvironment($0) ?? $0.value : $0.value }))
    }

    private func fromEnvironment(_ entry: ComposeMap.Entry) -> ComposeNode? {
        environment[entry.key].map { .text($0, at: entry.location) }
    }

    private func cleaned(_ volumes: ComposeNode) -> ComposeNode {
        each(volumes) { volume in
            guard var members = volume.map, let target = members["target"], let path = target.string,
                path.hasPrefix("/")
            else { return volume }
            members["target"] = target.with(.string(AbsolutePath.normalized(path)))
            return volume.with(.map(members))
        }
    }

    private func each(_ node: ComposeNode, _ change: (ComposeNode) -> ComposeNode) -> ComposeNode {
        node.list.map { node.with(.list($0.map(change))) } ?? node
    }

    // MARK: Dependencies

    private func addImplicitDependencies(to service: inout ComposeMap, at location: SourceLocation) {
        var dependencies = service["depends_on"]?.map ?? ComposeMap()
        let before = dependencies.count
        for link in service["links"]?.list ?? [] {
            guard let name = link.string?.split(separator: ":").first else { continue }
            add(String(name), restarts: true, at: link.location, to: &dependencies)
        }
        for key in ["network_mode", "ipc", "pid", "uts", "cgroup"] {
            guard let mode = service[key], let text = mode.string, text.hasPrefix("service:") else { continue }
            add(String(text.dropFirst("service:".count)), restarts: true, at: mode.location, to: &dependencies)
        }
        for source in service["volumes_from"]?.list ?? [] {
            guard let text = source.string, !text.hasPrefix("container:"), let name = text.split(separator: ":").first
            else { continue }
            add(String(name), restarts: false, at: source.location, to: &dependencies)
        }
        guard dependencies.count > before else { return }
        service["depends_on"] = ComposeNode(.map(dependencies), at: service["depends_on"]?.location ?? location)
    }

    private func add(
        _ name: String, restarts: Bool, at location: SourceLocation, to dependencies: inout ComposeMap
    ) {
        guard dependencies.entry(name) == nil else { return }
        var dependency = ComposeMap()
        dependency["condition"] = .text("service_started", at: location)
        if restarts { dependency["restart"] = ComposeNode(.bool(true), at: location) }
        dependency["required"] = ComposeNode(.bool(true), at: location)
        dependencies[name] = ComposeNode(.map(dependency), at: location)
    }
}
