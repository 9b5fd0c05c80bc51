import Engine
import HTTP
import JSONText
import Linux
import Registry

/// Files in containers: `/containers/{id}/archive` and `/containers/{id}/changes`.
struct ContainerFileRoutes: Sendable {
    let engine: HostEngine
    private static let statusField = "X-Docker-Container-Path-Stat"

    func add(to router: inout Router) {
        router.on("GET", "/containers/{id}/archive", read)
        router.on("PUT", "/containers/{id}/archive", unpack)
        // Not Docker's: an image need not have a program that removes files.
        router.on("DELETE", "/containers/{id}/archive") { request in
            let (container, name, path) = try named(request)
            try await engine.removeFiles(container, name: name, path: path)
            try await request.respond(status: 204)
        }
        router.on("GET", "/containers/{id}/changes") { request in
            let changes = try await engine.changes(of: try engine.containers.find(request.variable("id")))
            // Docker's list of nothing is null.
            let list: JSONValue = changes.isEmpty ? .null : .array(changes.map { .object($0.json) })
            try await request.respond(list)
        }
    }

    private func named(_ request: APIRequest) throws(EngineError) -> (container: Container, name: String, path: String)
    {
        let name = request.variable("id")
        guard let path = request.query("path") else {
            throw EngineError(.invalid, "bad parameter: 'path' cannot be empty")
        }
        guard !path.utf8.contains(0) else { throw EngineError(.invalid, "bad parameter: 'path' contains a NUL byte") }
        return (try engine.containers.find(name), name, path)
    }

    private static func fields(_ status: PathStatus) -> HTTPHeaders {
        ["Content-Type": "application/x-tar", statusField: Base64.encode(status.json.serializedBytes(.compact))]
    }

    private func read(_ request: APIRequest) async throws {
        let (container, name, path) = try named(request)
        guard request.http.method != "HEAD" else {
            let status = try await engine.pathStatus(container, name: name, path: path)
            return try await request.responder.respond(200, headers: Self.fields(status))
        }
        try await engine.readArchive(container, name: name, path: path) { status, archive in
            try await request.respond(archive: archive, headers: Self.fields(status))
        }
    }

    private func unpack(_ request: APIRequest) async throws {
        do {
            let (container, name, path) = try named(request)
            var choices = UnpackChoices()
            choices.keepsKinds = request.flag("noOverwriteDirNonDir")
            choices.takesContainerUser = request.flag("copyUIDGID")
            let chosen = choices
            try await request.receive { archive in
                try await engine.unpackArchive(archive, into: container, name: name, path: path, chosen)
            }
        } catch let error as EngineError {
            // Whoever sends hears the answer when all is sent.
            try await request.drain()
            throw error
        }
        try await request.respond(status: 200)
    }
}
