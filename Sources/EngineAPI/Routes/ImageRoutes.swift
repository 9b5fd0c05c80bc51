import Engine
import HTTP
import JSONText
import Linux

/// `/images/…`: looking at images, naming and removing them.
struct ImageRoutes: Sendable {
    let engine: HostEngine

    /// Before this version of the API an image told of the container it was committed from.
    private static let firstVersionWithoutContainer = 45

    /// docker-compose 1 speaks the newest version there is, and reads what only the older ones have.
    private static func readsContainer(_ request: APIRequest) -> Bool {
        request.version < firstVersionWithoutContainer
            || request.http.headers["User-Agent"]?.hasPrefix("docker-compose/1.") == true
    }

    func add(to router: inout Router) {
        router.on("GET", "/images/json") { request in
            let filter = try request.filters([
                "before", "dangling", "label", "label!", "reference", "since", "until",
            ])
            try await request.respond(try await engine.imageList(filter))
        }
        router.on("GET", "/images/{name…}/json") { request in
            var object = try await engine.inspection(try await engine.image(named: request.variable("name")))
            if Self.readsContainer(request) {
                object["Container"] = ""
                object["ContainerConfig"] = object["Config"]
            }
            try await request.respond(.object(object))
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
