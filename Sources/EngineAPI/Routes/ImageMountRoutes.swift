import Engine
import JSONText
import Linux
import OCI

/// What Docker's API has not: looking into images and comparing them.
///
/// `/images/mounts`, `/images/mount`, `/images/unmount`, `/images/difference`.
struct ImageMountRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/images/mounts") { request in
            try await request.respond(try await engine.imageMounts().map(Self.json))
        }
        router.on("POST", "/images/mount") { request in
            let mount = try await engine.mountImage(try Self.needed("image", request), at: request.query("path"))
            try await request.respond(.object(Self.json(mount)))
        }
        router.on("POST", "/images/unmount") { request in
            let name = request.flag("all") ? nil : try Self.needed("image", request)
            let gone = try await engine.unmountImages(name, force: request.flag("force"))
            try await request.respond(gone.map(Self.json))
        }
        router.on("GET", "/images/difference") { request in
            let difference = try await engine.difference(
                from: try Self.needed("from", request), to: try Self.needed("to", request),
                comparingTimes: request.flag("times"))
            try await request.respond(.object(difference.json))
        }
    }

    private static func json(_ mount: ImageMount) -> JSONObject {
        ["Id": .string(mount.image.description), "Path": .string(mount.path)]
    }

    private static func needed(_ name: String, _ request: APIRequest) throws(EngineError) -> String {
        guard let value = request.query(name) else { throw EngineError(.invalid, "`\(name)` is needed") }
        return value
    }
}
