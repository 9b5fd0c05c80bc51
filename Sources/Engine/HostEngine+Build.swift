import Builder
import JSONText
import Linux
import OCI

/// Builds, with what the rest of the engine hears of them.
extension HostEngine {
    /// Builds an image, and tells subscribers about its names.
    ///
    /// - Throws: `BuildFailure`.
    package func build(_ request: BuildRequest, events sink: @escaping BuildEventSink) async throws -> BuildResult {
        let result = try await builder.build(request, events: sink)
        guard let id = result.imageID else { return result }
        for reference in result.references {
            await publish(.image, "tag", actor: id.description, ["name": reference.familiar])
        }
        return result
    }

    /// Lets go what is kept for later builds.
    package func pruneBuilds(_ choice: CachePruning) async throws -> CachePruningReport {
        let report = try await builder.prune(choice)
        await publish(.builder, "prune", actor: "", ["reclaimed": "\(report.freedBytes)"])
        return report
    }

    /// Docker's `BuildCache` of `GET /system/df`.
    func buildCacheUsage() async throws -> [CacheRecord] { try await builder.usage() }
}

extension CacheRecord {
    /// Docker's `BuildCache` object.
    package var json: JSONObject {
        [
            "ID": .string(id), "Parents": .array([]), "Type": .string(kind.rawValue),
            "Description": .string(description), "InUse": .bool(isInUse), "Shared": .bool(isShared),
            "Size": .int(size), "CreatedAt": .string(created.rfc3339),
            "LastUsedAt": lastUsed.map { .string($0.rfc3339) } ?? .null, "UsageCount": .int(Int64(useCount)),
        ]
    }
}
