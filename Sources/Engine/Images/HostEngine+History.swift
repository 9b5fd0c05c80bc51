import ImageStore
import JSONText
import Linux
import OCI

extension HostEngine {
    /// Docker's `GET /images/{name}/history`: how the image came to be, the last step first.
    package func history(ofImage text: String) async throws -> [JSONObject] {
        let image = try await image(named: text)
        let sizes = try await images.layerSizes(of: image)
        let steps = Self.steps(of: image.config)
        return steps.enumerated().reversed().map { index, step in
            let isTop = index == steps.count - 1
            let names = image.references.map(\.familiar)
            let created = step.history.created.flatMap { Timestamp(rfc3339: $0) }
            return [
                "Id": .string(isTop ? image.id.description : "<missing>"), "Created": .int(created?.seconds ?? 0),
                "CreatedBy": .string(step.history.createdBy ?? ""),
                "Tags": isTop && !names.isEmpty ? .strings(names) : .null,
                "Size": .int(step.layer.flatMap { sizes[$0] } ?? 0), "Comment": .string(step.history.comment ?? ""),
            ]
        }
    }

    /// The steps of a history with the layers they made.
    ///
    /// The two come from outside and need not agree: a layer the history does not tell of is a step without a word.
    private static func steps(of config: ImageConfig) -> [(history: ImageConfig.History, layer: Digest?)] {
        var layers = config.diffIDs[...]
        var steps: [(ImageConfig.History, Digest?)] = []
        for entry in config.history { steps.append((entry, entry.emptyLayer ? nil : layers.popFirst())) }
        for layer in layers { steps.append((ImageConfig.History(created: config.created), layer)) }
        return steps
    }
}
