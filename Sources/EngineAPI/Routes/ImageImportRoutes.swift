import Engine
import HTTP
import ImageStore
import JSONText
import Linux
import OCI

/// Containers as archives, and images made of archives and containers: `GET /containers/{id}/export`,
/// `POST /images/create?fromSrc=`, `POST /commit`.
struct ImageImportRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/containers/{id}/export", export)
        router.on("POST", "/commit", commit)
    }

    private func commit(_ request: APIRequest) async throws {
        let config = try await request.json()
        guard let name = request.query("container") else {
            throw EngineError(.invalid, "no container is named: `container` is needed")
        }
        let container = try engine.containers.find(name)
        var wanted = ContainerCommit()
        wanted.reference = try ImageNaming.reference(request)
        wanted.comment = request.query("comment") ?? ""
        wanted.author = request.query("author") ?? ""
        wanted.pauses = request.query("pause") == nil || request.flag("pause")
        wanted.changes = request.http.target.all("changes")
        wanted.config = config == .null ? nil : config
        let image = try await engine.commit(container, wanted)
        try await request.respond(["Id": .string(image.id.description)], status: 201)
    }

    private func export(_ request: APIRequest) async throws {
        let container = try engine.containers.find(request.variable("id"))
        let root = try await engine.openRoot(of: container)
        try await request.respond(archive: { archive in
            try await engine.export(container, root: root, to: archive)
        })
    }

    /// Makes an image of the archive in the request's body.
    func importImage(_ request: APIRequest) async throws {
        do {
            let wanted = try Self.wanted(request)
            guard wanted.source == "-" else {
                throw EngineError(
                    .notImplemented,
                    "cannot import \(wanted.source): the daemon fetches nothing from addresses; fetch the archive yourself and import it: curl -fL \(wanted.source) | stackctl import -"
                )
            }
            let image = try await request.receive { archive in
                try await engine.importImage(from: archive, wanted)
            }
            try await request.respond(["status": .string(image.id.description)])
        } catch let error as EngineError {
            // Whoever sends hears the answer when all is sent.
            try await request.drain()
            throw error
        }
    }

    private static func wanted(_ request: APIRequest) throws(EngineError) -> ImageImport {
        var wanted = ImageImport()
        wanted.source = request.query("fromSrc") ?? "-"
        wanted.message = request.query("message") ?? ""
        wanted.changes = request.http.target.all("changes")
        wanted.reference = try ImageNaming.reference(request)
        if let text = request.query("platform") {
            guard let platform = Platform(text) ?? Platform("linux/\(text)") else {
                throw EngineError(.invalid, "\"\(text)\": unknown operating system or architecture: invalid argument")
            }
            wanted.platform = platform.normalized
        }
        return wanted
    }
}

/// The name a new image shall get, from `repo` and `tag`.
enum ImageNaming {
    static func reference(_ request: APIRequest) throws(EngineError) -> ImageReference? {
        guard let repository = request.query("repo") else { return nil }
        let text = request.query("tag").map { "\(repository):\($0)" } ?? repository
        let reference: ImageReference
        do {
            reference = try ImageReference(text)
        } catch {
            throw EngineError(.invalid, "invalid reference format: \(error)")
        }
        guard reference.digest == nil else { throw EngineError(.invalid, "cannot name an image by a digest: \(text)") }
        return reference.withDefaultTag
    }
}
