import Builder
import Diagnostics
import Dockerfile
import ImageStore
import JSONText
import Linux
import OCI

extension HostEngine {
    /// The image of a reference, an id or the start of one.
    package func image(named text: String) async throws -> StoredImage {
        do {
            guard let image = try await images.resolve(text) else { throw EngineError.noImage(text) }
            return image
        } catch {
            throw EngineError.image(error)
        }
    }

    /// The image a container was made of.
    ///
    /// - Throws: where somebody has removed it from the store by hand.
    func image(of container: Container) async throws -> StoredImage {
        let facts = container.snapshot
        guard let image = try await images.resolve(facts.imageID) else {
            throw EngineError.noImage(facts.specification.image)
        }
        return image
    }

    /// Runs a body while the layers of a container's image are mounted; a merged view made of them keeps what it uses.
    func withLayers<Answer>(
        of container: Container, _ body: ([String]) async throws -> Answer
    ) async throws -> Answer {
        let image = try await image(of: container)
        let layers = try await layerMounts.hold(image)
        defer {
            layerMounts.release(image.id)
            sweepLayersLater()
        }
        return try await body(layers)
    }

    /// Ids of images containers were made from, or are being made from.
    package var imagesInUse: Set<Digest> {
        let images = containers.all.map(\.snapshot.imageID) + containers.damaged.map(\.imageID)
        let mounted = containers.all.flatMap { $0.specification.mounts.map(\.imageID) }
        return Set((images + mounted).compactMap { Digest($0) }).union(layerMounts.heldImages)
    }

    /// Gives an image another name.
    package func tag(_ text: String, as name: String) async throws {
        let image = try await image(named: text)
        let reference: ImageReference
        do {
            reference = try ImageReference(name).withDefaultTag
        } catch {
            throw EngineError(.invalid, "invalid reference format: \(name)")
        }
        try await images.tag(image.id, as: reference)
        await publish(.image, "tag", actor: image.id.description, ["name": reference.familiar])
    }

    /// Docker's list of images, newest first.
    package func imageList(_ filter: FilterSet) async throws -> [JSONObject] {
        var used: [String: Int64] = [:]
        for container in containers.all { used[container.snapshot.imageID, default: 0] += 1 }
        let (after, before) = try await bounds(filter)
        let patterns = try Self.patterns(filter)
        return try await images.list().compactMap { image -> StoredImage? in
            let created = Timestamp(rfc3339: image.created) ?? Timestamp(seconds: 0)
            guard
                filter.allows(labels: image.config.execution.labels),
                filter.allows("dangling", image.references.isEmpty),
                after.map({ created > $0 }) ?? true, before.map({ created < $0 }) ?? true
            else { return nil }
            guard let patterns else { return image }
            // Names that were not asked for are not shown either.
            var image = image
            image.references.removeAll { name in !patterns.contains { Self.matches(name, $0) } }
            image.repoDigests.removeAll { name in !patterns.contains { Self.matches(name, $0) } }
            return image.references.isEmpty && image.repoDigests.isEmpty ? nil : image
        }.sorted { $0.created > $1.created }.map { image in
            [
                "Containers": .int(used[image.id.description] ?? 0), "Created": .int(Self.seconds(image.created)),
                "Id": .string(image.id.description), "Labels": .object(.strings(image.config.execution.labels)),
                "ParentId": "", "RepoDigests": .strings(image.repoDigests.map(\.familiar)),
                "RepoTags": .strings(image.references.map(\.familiar)), "SharedSize": -1,
                "Size": .int(image.size),
            ]
        }
    }

    /// `since`, `before` and `until`: the times between which an image was made.
    private func bounds(_ filter: FilterSet) async throws -> (after: Timestamp?, before: Timestamp?) {
        var (after, before) = (Timestamp?.none, try filter.until())
        if let name = filter["since"].first { after = Timestamp(rfc3339: try await image(named: name).created) }
        if let name = filter["before"].first, let time = Timestamp(rfc3339: try await image(named: name).created) {
            before = before.map { min($0, time) } ?? time
        }
        return (after, before)
    }

    /// The patterns of the `reference` filter; nil where there is none.
    private static func patterns(_ filter: FilterSet) throws(EngineError) -> [GoPathPattern]? {
        guard !filter.lacks("reference") else { return nil }
        return try filter["reference"].map { text throws(EngineError) in
            guard let pattern = GoPathPattern(text, crossesDirectories: false) else {
                throw EngineError(.invalid, "invalid filter 'reference': syntax error in pattern \"\(text)\"")
            }
            return pattern
        }
    }

    private static func matches(_ reference: ImageReference, _ pattern: GoPathPattern) -> Bool {
        pattern.matches(reference.familiar) || pattern.matches(reference.familiarRepository)
    }

    private static func seconds(_ text: String) -> Int64 { Timestamp(rfc3339: text)?.seconds ?? 0 }

    /// Docker's `ImageInspect`.
    package func inspection(_ image: StoredImage) async throws -> JSONObject {
        let named = try await images.lastNamed(image.id)
        var object = JSONObject()
        object["Id"] = .string(image.id.description)
        object["RepoTags"] = .strings(image.references.map(\.familiar))
        object["RepoDigests"] = .strings(image.repoDigests.map(\.familiar))
        object["Parent"] = ""
        object["Comment"] = .string(image.config.history.last?.comment ?? "")
        object["Created"] = .string(image.created.isEmpty ? ContainerState.never : image.created)
        object["DockerVersion"] = ""
        object["Author"] = .string(image.config.author ?? "")
        object["Config"] = .object(Self.complete(image.config.execution))
        object["Architecture"] = .string(image.config.platform.architecture)
        if let variant = image.config.platform.variant { object["Variant"] = .string(variant) }
        object["Os"] = .string(image.config.platform.os)
        object["Size"] = .int(image.size)
        object["GraphDriver"] = ["Name": "overlay2", "Data": .null]
        object["RootFS"] = ["Type": "layers", "Layers": .strings(image.layers.map(\.description))]
        object["Metadata"] = [
            "LastTagTime": .string(
                named.map { Timestamp(nanosecondsSinceEpoch: $0).rfc3339 } ?? ContainerState.never)
        ]
        return object
    }

    /// Docker's clients expect these members even where they are empty.
    private static func complete(_ execution: ExecutionParameters) -> JSONObject {
        var object = execution.json
        for name in ["Cmd", "Entrypoint", "Env", "Labels", "Volumes", "OnBuild"] where object[name] == nil {
            object[name] = .null
        }
        for name in ["User", "WorkingDir"] where object[name] == nil { object[name] = "" }
        return object
    }

    /// Docker's `GET /system/df` in the form of versions before 1.52.
    package func diskUsage() async throws -> JSONObject {
        let usage = try await images.diskUsage()
        var imageObjects = try await imageList(FilterSet())
        for index in imageObjects.indices {
            let size = imageObjects[index]["Size"]?.intValue ?? 0
            let unique =
                imageObjects[index]["Id"]?.stringValue.flatMap { Digest($0) }
                .flatMap { usage.uniqueBytes[$0] } ?? size
            imageObjects[index]["SharedSize"] = .int(max(0, size - unique))
        }
        let volumeObjects = try await volumeUsage().map { JSONValue.object($0) }
        let containerObjects = try await list(all: true, size: true, filter: FilterSet())
        let cache = try await buildCacheUsage()
        return [
            "LayersSize": .int(usage.totalBytes), "Images": .array(imageObjects.map { .object($0) }),
            "Containers": .array(containerObjects.map { .object($0) }), "Volumes": .array(volumeObjects),
            "BuildCache": .array(cache.map { .object($0.json) }),
            "BuilderSize": .int(cache.reduce(0) { $0 + ($1.isShared ? 0 : $1.size) }),
        ]
    }
}
