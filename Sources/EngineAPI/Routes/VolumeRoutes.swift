import Engine
import JSONText
import Linux

/// `/volumes/…`.
struct VolumeRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/volumes") { request in
            let filter = try request.filters(["dangling", "driver", "label", "label!", "name"])
            let volumes = try await engine.volumeList(filter)
            try await request.respond(["Volumes": .array(volumes.map { .object($0) }), "Warnings": .null])
        }
        router.on("POST", "/volumes/create") { request in
            let volume = try Self.volume(try await request.json(), inventedName: try Random.hexID())
            try await request.respond(.object(engine.inspection(try await engine.createVolume(volume))), status: 201)
        }
        router.on("GET", "/volumes/{name}") { request in
            let name = request.variable("name")
            guard let volume = try await engine.volumes.find(name) else { throw EngineError.noVolume(name) }
            try await request.respond(.object(engine.inspection(volume)))
        }
        router.on("PUT", "/volumes/{name}") { _ in
            throw EngineError(
                .unavailable, "volume update only valid for cluster volumes, but swarm is unavailable")
        }
        router.on("DELETE", "/volumes/{name}") { request in
            try await engine.removeVolume(request.variable("name"), force: request.flag("force"))
            try await request.respond(status: 204)
        }
    }

    /// The body of `POST /volumes/create`.
    private static func volume(_ json: JSONValue, inventedName: String) throws(EngineError) -> Volume {
        let body = try FieldReader(json)
        let name = try body.text("Name")
        let driver = try body.text("Driver")
        try MountSpecification.check(driver: driver)
        guard body.value("ClusterVolumeSpec") == nil else {
            throw EngineError(.unavailable, "cluster volumes need a swarm manager, and this node is none")
        }
        return Volume(
            name: name.isEmpty ? inventedName : name, labels: try body.dictionary("Labels"),
            options: body.value("DriverOpts") == nil ? nil : try body.dictionary("DriverOpts"),
            isAnonymous: name.isEmpty)
    }
}
