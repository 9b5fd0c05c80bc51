import Engine
import HTTP
import JSONText
import Linux

/// `/containers/…` except for streams.
struct ContainerRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/containers/json", list)
        router.on("POST", "/containers/create", create)
        router.on("GET", "/containers/{id}/json") { request in
            let container = try find(request)
            try await request.respond(
                .object(try await engine.inspection(container, size: request.flag("size"))))
        }
        router.on("GET", "/containers/{id}/top") { request in
            try await request.respond(
                .object(
                    try await engine.processes(try find(request), arguments: request.query("ps_args") ?? "-ef")))
        }
        // Not Docker's: what `stackctl runtime explain` shows.
        router.on("GET", "/containers/{id}/launch") { request in
            let steps = try await engine.launchSteps(try find(request))
            try await request.respond(["Steps": .array(steps.map { .string($0) })])
        }
        router.on("POST", "/containers/{id}/start", start)
        router.on("POST", "/containers/{id}/stop") { request in
            try await engine.stop(
                try find(request), signal: request.query("signal"), timeout: try request.integer("t"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/containers/{id}/restart") { request in
            try await engine.restart(
                try find(request), signal: request.query("signal"), timeout: try request.integer("t"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/containers/{id}/kill") { request in
            try await engine.kill(
                try find(request), signal: request.query("signal"), asked: request.variable("id"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/containers/{id}/pause") { request in
            try await engine.pause(try find(request))
            try await request.respond(status: 204)
        }
        router.on("POST", "/containers/{id}/unpause") { request in
            try await engine.unpause(try find(request))
            try await request.respond(status: 204)
        }
        router.on("POST", "/containers/{id}/rename") { request in
            guard let name = request.query("name") else {
                throw EngineError(.invalid, "Neither old nor new names may be empty")
            }
            try await engine.rename(try find(request), to: name)
            try await request.respond(status: 204)
        }
        router.on("POST", "/containers/{id}/update", update)
        router.on("DELETE", "/containers/{id}") { request in
            if request.flag("link") {
                _ = try find(request)
                throw EngineError(.conflict, "conflict, cannot remove the default link name of the container")
            }
            try await engine.remove(try find(request), force: request.flag("force"), volumes: request.flag("v"))
            try await request.respond(status: 204)
        }
    }

    private func find(_ request: APIRequest) throws(EngineError) -> Container {
        try engine.containers.find(request.variable("id"))
    }

    private func list(_ request: APIRequest) async throws {
        let filter = try request.filters(FilterSet.forContainers)
        let limit = try request.integer("limit") ?? 0
        try await request.respond(
            try await engine.list(
                all: request.flag("all"), limit: max(0, limit), size: request.flag("size"), filter: filter))
    }

    private func create(_ request: APIRequest) async throws {
        let json = try await request.json()
        guard json != .null else {
            throw EngineError(.invalid, "config cannot be empty in order to create a container")
        }
        var specification = try ContainerSpecification(json: engine.containerDefaults.filled(json))
        let warnings = Self.kernelMemoryWarning(json["HostConfig"]) + (try engine.prepare(&specification))
        let container = try await engine.createContainer(
            ContainerRequest(name: request.query("name"), specification: specification))
        try await request.respond(["Id": .string(container.id), "Warnings": .strings(warnings)], status: 201)
    }

    /// Kernels before 5.4 had a limit of their own memory for a group; no later one has.
    private static func kernelMemoryWarning(_ host: JSONValue?) -> [String] {
        guard let value = host?["KernelMemory"]?.intValue, value > 0 else { return [] }
        return [
            "Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded."
        ]
    }

    private func start(_ request: APIRequest) async throws {
        let body = try await request.http.body.collect(limit: 1 << 16)
        // A length that is not known counts as a body, as with Docker.
        guard body.count <= 7, request.http.headers["Transfer-Encoding"] == nil else {
            throw EngineError(
                .invalid,
                "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24")
        }
        try await engine.start(try find(request))
        try await request.respond(status: 204)
    }

    private func update(_ request: APIRequest) async throws {
        let container = try find(request)
        let body = try await request.json()
        let warnings = Self.kernelMemoryWarning(body)
        do {
            try await engine.update(container, try Self.update(body, of: container.specification, engine.cgroupSupport))
        } catch let error as EngineError where error.kind != .invalid {
            throw EngineError(
                error.kind, "Cannot update container \(container.id): \(error.message)", diagnostics: error.diagnostics)
        }
        try await request.respond(["Warnings": .strings(warnings)])
    }

    /// What a body changes of a specification.
    private static func update(
        _ json: JSONValue, of specification: ContainerSpecification, _ support: CgroupSupport
    ) throws(EngineError) -> ContainerUpdate {
        let body = try FieldReader(json)
        var update = ContainerUpdate()
        var changed = specification
        changed.limits = try CgroupLimits(body, over: specification.limits)
        _ = changed.discardUnsupported(support)
        try changed.checkHost(support)
        try CgroupLimits.checkUpdate(body, of: specification.limits)
        let limits = changed.limits
        if limits != specification.limits { update.limits = limits }
        if let policy = try body.reader("RestartPolicy"), try !policy.text("Name").isEmpty {
            update.restart = try RestartSettings(policy)
        }
        return update
    }
}
