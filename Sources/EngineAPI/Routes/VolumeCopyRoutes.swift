import Engine
import HTTP
import JSONText
import Linux
import OCI
import Registry

/// What Docker has no verbs for: `/volumes/{name}/…` to rename, clone, keep and bring back volumes.
///
/// `pause=1` freezes the containers that have the volume mounted meanwhile.
struct VolumeCopyRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("POST", "/volumes/{name}/rename") { request in
            try await engine.renameVolume(request.variable("name"), to: try Self.needed(request, "name"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/volumes/{name}/clone", clone)
        router.on("GET", "/volumes/{name}/snapshots") { request in
            try await request.respond(try await engine.snapshots(of: request.variable("name")).map(\.json))
        }
        router.on("POST", "/volumes/{name}/snapshots", snapshot)
        router.on("DELETE", "/volumes/{name}/snapshots/{snapshot}") { request in
            try await engine.removeSnapshot(request.variable("snapshot"), of: request.variable("name"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/volumes/{name}/snapshots/{snapshot}/restore", restoreSnapshot)
        router.on("GET", "/volumes/{name}/archive", archive)
        router.on("PUT", "/volumes/{name}/archive", restoreArchive)
        router.on("POST", "/volumes/{name}/push", push)
        router.on("POST", "/volumes/{name}/pull", pull)
    }

    private static func needed(_ request: APIRequest, _ parameter: String) throws(EngineError) -> String {
        guard let text = request.query(parameter) else { throw EngineError(.invalid, "`\(parameter)` is needed") }
        return text
    }

    // MARK: On this host

    private func clone(_ request: APIRequest) async throws {
        let name = request.variable("name")
        let new = try Self.needed(request, "name")
        let freezes = request.flag("pause")
        try await ProgressStream.serve(request) { say in
            let total = try await total(name)
            let clone = try await engine.cloneVolume(name, to: new, freezes: freezes) { done in
                say(Self.copying(name, done, total))
            }
            say(Self.copied(name))
            say(["aux": .object(engine.inspection(clone))])
        }
    }

    private func snapshot(_ request: APIRequest) async throws {
        let name = request.variable("name")
        let (asked, freezes) = (request.query("name"), request.flag("pause"))
        try await ProgressStream.serve(request) { say in
            let total = try await total(name)
            let snapshot = try await engine.snapshotVolume(name, as: asked, freezes: freezes) { done in
                say(Self.copying(name, done, total))
            }
            say(Self.copied(name))
            say(["aux": .object(snapshot.json)])
        }
    }

    private func restoreSnapshot(_ request: APIRequest) async throws {
        let (name, text, freezes) = (request.variable("name"), request.variable("snapshot"), request.flag("pause"))
        try await ProgressStream.serve(request) { say in
            let snapshot = try await engine.snapshot(text, of: name)
            try await engine.restoreSnapshot(text, of: name, freezes: freezes) { done in
                say(Self.copying(name, done, snapshot.size))
            }
            say(Self.copied(name))
        }
    }

    /// Bytes of a volume's files; 0 where they are not counted.
    private func total(_ name: String) async throws -> Int64 {
        guard try await engine.volumes.find(name) != nil else { throw EngineError.noVolume(name) }
        return (try? await engine.volumes.usage(name)) ?? 0
    }

    private static func copying(_ name: String, _ done: Int64, _ total: Int64) -> JSONObject {
        [
            "status": "Copying", "id": .string(name),
            "progressDetail": ["current": .int(done), "total": .int(max(total, done))],
        ]
    }

    private static func copied(_ name: String) -> JSONObject {
        ["status": "Copied", "id": .string(name), "progressDetail": [:]]
    }

    // MARK: Archives

    private func archive(_ request: APIRequest) async throws {
        let name = request.variable("name")
        guard try await engine.volumes.find(name) != nil else { throw EngineError.noVolume(name) }
        let text = request.query("compression") ?? "none"
        guard let compression = ArchiveCompression(rawValue: text) else {
            throw EngineError(.invalid, "invalid compression \"\(text)\": none, gzip or zstd is expected")
        }
        let freezes = request.flag("pause")
        try await request.respond(archive: { archive in
            try await engine.backUpVolume(name, to: archive, compression: compression, freezes: freezes)
        })
    }

    private func restoreArchive(_ request: APIRequest) async throws {
        let (name, freezes) = (request.variable("name"), request.flag("pause"))
        do {
            try await request.receive { archive in
                try await engine.restoreVolume(name, from: archive, freezes: freezes)
            }
        } catch let error as EngineError {
            // Whoever sends hears the answer when all is sent.
            try await request.drain()
            throw error
        }
        try await request.respond(status: 204)
    }

    // MARK: Registries

    private static func access(_ request: APIRequest) -> RegistryAccess {
        RegistryAccess(
            registryAuth: request.http.headers["X-Registry-Auth"],
            registryConfig: request.http.headers["X-Registry-Config"])
    }

    private static func reference(_ request: APIRequest) throws(EngineError) -> ImageReference {
        do {
            return try ImageReference(try needed(request, "reference")).withDefaultTag
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.invalid, "invalid reference format: \(error)")
        }
    }

    private func push(_ request: APIRequest) async throws {
        let name = request.variable("name")
        let (reference, access, freezes) = (try Self.reference(request), Self.access(request), request.flag("pause"))
        try await ProgressStream.serve(request) { say in
            let pushed = try await engine.backUpVolume(name, to: reference, freezes: freezes, access: access) {
                update in
                for line in TransferLines.lines(update, repository: reference.repository) { say(line) }
            }
            say(["status": .string("\(reference.familiar): digest: \(pushed.digest) size: \(pushed.size)")])
            say(["aux": ["Digest": .string(pushed.digest.description), "Size": .int(pushed.size)]])
        }
    }

    private func pull(_ request: APIRequest) async throws {
        let name = request.variable("name")
        let (reference, access, freezes) = (try Self.reference(request), Self.access(request), request.flag("pause"))
        try await ProgressStream.serve(request) { say in
            try await engine.restoreVolume(name, from: reference, freezes: freezes, access: access) { update in
                for line in TransferLines.lines(update) { say(line) }
            }
            say(["status": .string("Volume \(name) has the files of \(reference.familiar)")])
        }
    }
}
