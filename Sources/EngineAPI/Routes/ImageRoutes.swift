import Engine
import JSONText
import Linux

/// `/images/…`: looking at images, naming and removing them.
struct ImageRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/images/json") { request in
            let filter = try request.filters([
                "before", "dangling", "label", "label!", "reference", "since", "until",
            ])
            try await request.respond(try await engine.imageList(filter))
        }
        router.on("GET", "/images/{name…}/json") { request in
            try await request.respond(
                .object(engine.inspection(try await engine.image(named: request.variable("name")))))
        }
        router.on("GET", "/images/{name…}/history") { request in
            try await request.respond(try await engine.history(ofImage: request.variable("name")))
        }
        router.on("POST", "/images/{name…}/tag") { request in
            guard let repository = request.query("repo") else {
                throw EngineError(.invalid, "invalid reference format: repository name is needed")
            }
            let name = request.query("tag").map { "\(repository):\($0)" } ?? repository
            try await engine.tag(request.variable("name"), as: name)
            try await request.respond(status: 201)
        }
        router.on("DELETE", "/images/{name…}") { request in
            try await request.respond(
                try await engine.removeImage(request.variable("name"), force: request.flag("force")))
        }
    }
}
