import Engine
import HTTP
import JSONText

/// What Docker serves and this engine does not have, with the answers that its clients understand: Swarm, plugins,
/// checkpoints, BuildKit's transports.
struct AbsentRoutes: Sendable {
    func add(to router: inout Router) {
        addSwarm(to: &router)
        addPlugins(to: &router)
        for (method, path) in [("GET", ""), ("POST", ""), ("DELETE", "/{checkpoint}")] {
            router.on(method, "/containers/{id}/checkpoints\(path)") { _ in
                throw EngineError(.notImplemented, "checkpoints are not supported by this engine")
            }
        }
        for path in ["/session", "/grpc"] {
            router.on("POST", path) { _ in
                throw EngineError(
                    .notImplemented,
                    "BuildKit is not served by this engine: build with DOCKER_BUILDKIT=0 or with stackctl build")
            }
        }
        router.on("PUT", "/volumes/{name}") { _ in throw Self.noManager }
        router.on("GET", "/images/{name…}/attestations") { _ in
            throw EngineError(.notImplemented, "attestations are not supported by this engine")
        }
    }

    private static let noManager = EngineError(
        .unavailable,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."
    )

    private func addSwarm(to router: inout Router) {
        let routes = [
            ("GET", "/swarm"), ("POST", "/swarm/update"), ("GET", "/swarm/unlockkey"), ("POST", "/swarm/unlock"),
            ("GET", "/nodes"), ("GET", "/nodes/{id}"), ("DELETE", "/nodes/{id}"), ("POST", "/nodes/{id}/update"),
            ("GET", "/tasks"), ("GET", "/tasks/{id}"), ("GET", "/tasks/{id}/logs"), ("GET", "/services/{id}/logs"),
        ]
        for (method, path) in routes { router.on(method, path) { _ in throw Self.noManager } }
        for kind in ["services", "secrets", "configs"] {
            router.on("GET", "/\(kind)") { _ in throw Self.noManager }
            router.on("POST", "/\(kind)/create") { _ in throw Self.noManager }
            router.on("GET", "/\(kind)/{id}") { _ in throw Self.noManager }
            router.on("DELETE", "/\(kind)/{id}") { _ in throw Self.noManager }
            router.on("POST", "/\(kind)/{id}/update") { _ in throw Self.noManager }
        }
        router.on("POST", "/swarm/leave") { _ in
            throw EngineError(.unavailable, "This node is not part of a swarm")
        }
        for path in ["init", "join"] {
            router.on("POST", "/swarm/\(path)") { _ in
                throw EngineError(
                    .notImplemented, "this engine has no Swarm: a stack is declared with stackctl, for one host")
            }
        }
    }

    private func addPlugins(to router: inout Router) {
        router.on("GET", "/plugins") { request in try await request.respond(.array([])) }
        router.on("GET", "/plugins/{name…}/json") { request in
            throw EngineError(.notFound, "plugin \"\(request.variable("name"))\" not found")
        }
        router.on("DELETE", "/plugins/{name…}") { request in
            throw EngineError(.notFound, "plugin \"\(request.variable("name"))\" not found")
        }
        for verb in ["enable", "disable", "upgrade", "push", "set"] {
            router.on("POST", "/plugins/{name…}/\(verb)") { request in
                throw EngineError(.notFound, "plugin \"\(request.variable("name"))\" not found")
            }
        }
        for (method, path) in [("GET", "privileges"), ("POST", "pull"), ("POST", "create")] {
            router.on(method, "/plugins/\(path)") { _ in
                throw EngineError(.notImplemented, "plugins are not supported by this engine")
            }
        }
    }
}
