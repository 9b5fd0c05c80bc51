import Engine
import JSONText

/// Tidying up: `POST /containers/prune`, `/networks/prune`, `/volumes/prune`, `/images/prune`.
struct PruneRoutes: Sendable {
    let engine: HostEngine

    /// Before this version of the API volumes with a name went too.
    private static let firstVersionOfAnonymousOnly = 42

    func add(to router: inout Router) {
        router.on("POST", "/containers/prune") { request in
            let report = try await engine.pruneContainers(try request.filters(["label", "label!", "until"]))
            try await respond(request, "ContainersDeleted", report)
        }
        router.on("POST", "/networks/prune") { request in
            let report = try await engine.pruneNetworks(try request.filters(["label", "label!", "until"]))
            try await request.respond(["NetworksDeleted": .array(report.removed)])
        }
        router.on("POST", "/volumes/prune") { request in
            let filter = try request.filters(["all", "label", "label!"])
            let all =
                request.version < Self.firstVersionOfAnonymousOnly || !filter.lacks("all") && filter.allows("all", true)
            try await respond(request, "VolumesDeleted", try await engine.pruneVolumes(filter, all: all))
        }
        router.on("POST", "/images/prune") { request in
            let report = try await engine.pruneImages(try request.filters(["dangling", "label", "label!", "until"]))
            try await respond(request, "ImagesDeleted", report)
        }
    }

    private func respond(_ request: APIRequest, _ name: String, _ report: PruneReport) async throws {
        var body = JSONObject()
        body[name] = .array(report.removed)
        body["SpaceReclaimed"] = .int(report.reclaimed)
        try await request.respond(.object(body))
    }
}
