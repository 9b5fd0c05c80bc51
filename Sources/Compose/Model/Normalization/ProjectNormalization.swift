import Diagnostics

/// Turns a merged model into a project: defaults, absolute paths, names, variables of files.
struct ProjectNormalization {
    let request: ComposeRequest
    let reader: ModelReader
    let scope: ModelScope

    init(_ request: ComposeRequest, reader: ModelReader, scope: ModelScope) {
        self.request = request
        self.reader = reader
        self.scope = scope
    }

    private var findings: Findings { reader.findings }

    /// Fills a project that has its name, environment and profiles.
    func fill(_ project: inout ComposeProject, with written: ComposeMap) throws(DiagnosticList) {
        var model = ServiceDefaults().project(written)
        if request.resolvesPaths { model = reader.resolution(from: scope.directory, in: scope).project(model) }
        ResourceRules(findings: findings).check(model)
        try findings.check()

        project.isInterpolated = request.interpolates
        project.isNormalized = request.normalizes
        project.networks = members(of: model, "networks")
        project.volumes = members(of: model, "volumes")
        project.secrets = members(of: model, "secrets")
        project.configs = members(of: model, "configs")
        project.models = members(of: model, "models")
        for entry in model.entries where entry.key.hasPrefix("x-") { project.extensions.set(entry) }
        for entry in members(of: model, "services").entries {
            try add(entry, to: &project)
        }
        if request.normalizes { name(&project) }
    }

    private func members(of model: ComposeMap, _ section: String) -> ComposeMap { model[section]?.map ?? ComposeMap() }

    private func add(_ entry: ComposeMap.Entry, to project: inout ComposeProject) throws(DiagnosticList) {
        var service = entry.value.map ?? ComposeMap()
        let isEnabled = project.hasActiveProfile(service)
        if request.normalizes {
            service = ServiceNormalization(environment: scope.environment).service(service, at: entry.location)
        }
        if request.interpolates {
            let files = ServiceFiles(reader: reader, scope: scope)
            let (filled, problems) = files.filled(service)
            service = filled
            if isEnabled {
                for problem in problems { findings.add(problem) }
            } else if !problems.isEmpty {
                project.deferredProblems[entry.key] = problems
            }
        }
        let value = ComposeNode(.map(service), at: entry.value.isNull ? entry.location : entry.value.location)
        let named = ComposeMap.Entry(key: entry.key, value: value, location: entry.location)
        if isEnabled { project.services.set(named) } else { project.disabledServices.set(named) }
    }

    // MARK: Names

    private func name(_ project: inout ComposeProject) {
        if let location = useOfDefaultNetwork(in: project), project.networks.entry("default") == nil {
            project.networks.set(
                ComposeMap.Entry(key: "default", value: ComposeNode(.null, at: location), location: location))
        }
        project.networks = named(project.networks, project.name)
        project.volumes = named(project.volumes, project.name)
        project.secrets = named(project.secrets, project.name)
        project.configs = named(project.configs, project.name)
    }

    private func useOfDefaultNetwork(in project: ComposeProject) -> SourceLocation? {
        for entry in project.services.entries + project.disabledServices.entries {
            if let use = entry.value["networks"]?.map?.entry("default") { return use.location }
        }
        return nil
    }

    private func named(_ resources: ComposeMap, _ project: String) -> ComposeMap {
        resources.mapValues { entry in
            var members = entry.value.map ?? ComposeMap()
            let isExternal = members["external"]?.bool == true
            members.fill("name", .string(isExternal ? entry.key : "\(project)_\(entry.key)"), at: entry.location)
            return ComposeNode(.map(members), at: entry.value.isNull ? entry.location : entry.value.location)
        }
    }
}

extension ComposeProject {
    /// Whether a service has no profile, or an active one.
    func hasActiveProfile(_ service: ComposeMap) -> Bool {
        let own = service["profiles"]?.list?.compactMap(\.string) ?? []
        return own.isEmpty || profiles.contains("*") || own.contains(where: profiles.contains)
    }
}
