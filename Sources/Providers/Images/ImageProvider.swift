import Apply
import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import OCI
import StackModel
import StateStore

/// Images of a stack.
///
/// The object's id stands for one build; which image it gave is kept in `ImageObjects`.
struct ImageProvider: ResourceProvider {
    let engine: HostEngine

    var kind: ResourceKind { .image }

    private var objects: ImageObjects { ImageObjects(database: engine.database) }

    func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var normal = try ImageAttributes.normalize(attributes)
        if var origin = normal["from"]?.objectValue, ImageRecipe.isOne(origin) {
            let recipe = try ImageRecipe(origin, name: "image")
            let inputs = try recipe.inputs { name in imageID(name) }
            origin["inputs"] = .array(inputs.map { .string($0) })
            normal["from"] = .object(origin)
        }
        return normal
    }

    /// The id of an image of the store by its name, without reading more of it.
    private func imageID(_ name: String) -> String? {
        guard let reference = try? ImageReference(name).withDefaultTag else { return nil }
        return try? engine.database.read { tables in try tables.imageTag(reference: reference.description) }?.image
    }

    func words(path: String, from: JSONValue?, to: JSONValue?) -> String? {
        guard path == "from.inputs" || path.hasPrefix("from.bases.") || path.hasPrefix("from.contexts.") else {
            return nil
        }
        return ImageReasons.words(path: path, from: from, to: to)
    }

    func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass {
        // Without a lock the image stays as it was built, and so it does once its source is gone.
        if path == "from.debian.lock" || path == "from.state" || path == "from.inputs", to == nil { return .none }
        // What a build has brought is what it was built on.
        if path == "from.inputs", ImageReasons.areOnlyFound(from: from, to: to) { return .none }
        // Secrets are in no image; that the steps can use another one does not make them do so.
        if path.hasPrefix("from.secrets.") || path.hasPrefix("from.secretValues") { return .none }
        // How an image is built does not say what it is.
        if ImageBuildOptions.isOfTheBuild(path) { return .none }
        // Another name in a registry does not make another image.
        if path == "push" || path == "tags" { return .live }
        // Another mirror has the same packages.
        return path == "from.debian.mirror" ? .none : .recreate
    }

    func settled(_ attributes: JSONObject, outputs: JSONObject) -> JSONObject {
        if let bases = outputs["bases"]?.objectValue, var origin = attributes["from"]?.objectValue {
            var settled = attributes
            origin["inputs"] = ImageReasons.found(origin["inputs"], bases)
            settled["from"] = .object(origin)
            return settled
        }
        guard var origin = attributes["from"]?.objectValue, var debian = origin["debian"]?.objectValue,
            debian["lock"] != nil, let packages = outputs["packages"]
        else { return attributes }
        debian["lock"] = packages
        origin["debian"] = .object(debian)
        var settled = attributes
        settled["from"] = .object(origin)
        return settled
    }

    func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject {
        if let prior, change <= .restart { return prior.outputs }
        return ["reference": .string(address.name)]
    }

    func preflight(_ desired: [PlannedResource]) async -> [Diagnostic] {
        var found: [Diagnostic] = []
        for resource in desired where resource.action == .create || resource.action == .recreate {
            if (try? ImageReference(resource.address.name)) == nil {
                found.append(
                    Diagnostic(
                        code: "SC5120", summary: "\"\(resource.address.name)\" cannot be an image's name",
                        detail: "names are lower case letters and digits, with . _ - between them and / between parts"
                    ).about(resource))
            }
            let origin = resource.attributes["from"]
            let named = RecipeContext.read(origin?.objectValue ?? JSONObject()).values.compactMap(\.directory)
            let paths = [ImageAttributes.path(origin), origin?["context"]?.stringValue].compactMap { $0 } + named
            for path in paths where !Files.exists(path) {
                found.append(
                    Diagnostic(code: "SC5121", summary: "\(path), which the image is made from, does not exist")
                        .about(resource, path: "from"))
            }
            if let text = origin?["reference"]?.stringValue, ImageSupply.pinned(resource).isEmpty,
                (try? await engine.images.resolve(text)) == nil
            {
                found.append(
                    Diagnostic(
                        code: "SC5122", summary: "there is no image \(text) in the local store",
                        hint: "see what there is with: stackctl images"
                    ).about(resource, path: "from"))
            }
        }
        return found + (await ImageSupply(engine: engine).notes(for: desired))
    }

    func observe(stack: String, recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        var result: [ResourceAddress: ObservedObject] = [:]
        for object in recorded {
            guard let id = try await objects.image(of: object.objectID),
                let image = try await engine.images.resolve(id)
            else { continue }
            var attributes = object.attributes
            let packages = Self.packages(of: image)
            if !packages.isEmpty, var origin = attributes["from"]?.objectValue,
                var debian = origin["debian"]?.objectValue
            {
                debian["lock"] = .array(packages.map { .string($0) })
                origin["debian"] = .object(debian)
                attributes["from"] = .object(origin)
            }
            let named = try await engine.images.resolve(object.address.name)
            result[object.address] = ObservedObject(
                object.objectID, attributes: attributes, outputs: outputs(image, object.address),
                condition: named?.id == image.id
                    ? .ok : .damaged("the name \(object.address.name) is not this image's any more"))
        }
        return result
    }

    func identify(stack: String, address: ResourceAddress, attributes: JSONObject) async throws -> ObjectIdentity {
        ObjectIdentity(id: "build-\(try Random.hex(bytes: 8))")
    }

    func missing(for desired: [PlannedResource]) async throws -> [Fetch] {
        try await ImageSupply(engine: engine).missing(for: desired)
    }

    func create(
        stack: String, address: ResourceAddress, identity: ObjectIdentity, attributes: JSONObject,
        progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        if let id = try await objects.image(of: identity.id), let image = try await engine.images.resolve(id) {
            try await ImagePushes(engine: engine, image: image, address: address).push(attributes, progress)
            return outputs(image, address)
        }
        try await objects.begin(identity.id, before: try await engine.images.resolve(address.name)?.id.description)
        let image = try await ImageOrigin(engine: engine, address: address, attributes: attributes).image { update in
            progress(
                ProgressUpdate(
                    address: address, message: update.message, current: update.current.map { Int($0) },
                    total: update.total.map { Int($0) }))
        }
        try await objects.set(image.id.description, of: identity.id)
        try await tag(image, attributes.list("tags") ?? [])
        try await ImagePushes(engine: engine, image: image, address: address).push(attributes, progress)
        var outputs = outputs(image, address)
        var bases = JSONObject()
        for name in ImageReasons.missing(attributes["from"]?["inputs"]) {
            bases[name] = imageID(name).map { .string(Digest($0)?.shortHex ?? $0) }
        }
        if !bases.isEmpty { outputs["bases"] = .object(bases) }
        return outputs
    }

    func update(
        stack: String, address: ResourceAddress, objectID: String, from: JSONObject, to: JSONObject,
        changes: [AttributeChange], class: ChangeClass, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        let outputs = try await retag(address, objectID, to)
        if let id = try await objects.image(of: objectID) {
            try await untag(Set(from.list("tags") ?? []).subtracting(to.list("tags") ?? []), of: id)
        }
        let before = Set(from.list("push") ?? [])
        let new = (to.list("push") ?? []).filter { !before.contains($0) }
        if !new.isEmpty, let id = try await objects.image(of: objectID), let image = try await engine.images.resolve(id)
        {
            try await ImagePushes(engine: engine, image: image, address: address).push(
                ["push": .strings(new)], progress)
        }
        return outputs
    }

    func delete(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject, isReplaced: Bool,
        progress: @escaping ProgressSink
    ) async throws {
        if let id = try await objects.letGo(objectID) {
            // Another build may have come to the same image, and to its names with it.
            if try await !objects.isHeld(id) { try await untag(Set(attributes.list("tags") ?? []), of: id) }
            try await removeImage(id, address)
        } else if let before = try await objects.begun(objectID) {
            // Cut short after the image had got its name, before that was written down.
            let named = try await engine.images.resolve(address.name)?.id.description
            if let named, named != before { try await removeImage(named, address) }
        } else {
            return
        }
        try await objects.forget(objectID)
    }

    private func removeImage(_ id: String, _ address: ResourceAddress) async throws {
        // Another resource may have come to the same image.
        guard let image = try await engine.images.resolve(id), try await !objects.isHeld(id) else { return }
        let mine = try ImageReference(address.name).withDefaultTag
        // The name may be the new image's by now; an image that people gave other names is theirs.
        let hasName = image.references.contains(mine)
        guard hasName || image.references.isEmpty else { return }
        if image.references.count <= 1, !engine.imagesInUse.contains(image.id) {
            // The digests by which registries know it are no names that people gave.
            _ = try await engine.removeImage(id, force: true)
        } else if hasName {
            // A container made by hand keeps the layers; then only the name goes.
            _ = try await engine.images.untag(mine)
        }
    }

    func repair(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject,
        condition: ObjectCondition, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try await retag(address, objectID, attributes)
    }

    private func tag(_ image: StoredImage, _ names: [String]) async throws {
        for name in names { try await engine.images.tag(image.id, as: ImageReference(name).withDefaultTag) }
    }

    /// Takes names from the image of a build, as far as they are its.
    private func untag(_ names: Set<String>, of id: String) async throws {
        for name in names.sorted() {
            guard let named = try await engine.images.resolve(name), named.id.description == id else { continue }
            _ = try await engine.images.untag(try ImageReference(name).withDefaultTag)
        }
    }

    private func retag(
        _ address: ResourceAddress, _ objectID: String, _ attributes: JSONObject
    ) async throws -> JSONObject {
        guard let id = try await objects.image(of: objectID), let image = try await engine.images.resolve(id) else {
            throw EngineError.noImage(address.name)
        }
        try await engine.images.tag(image.id, as: ImageReference(address.name).withDefaultTag)
        try await tag(image, attributes.list("tags") ?? [])
        return outputs(image, address)
    }

    private func outputs(_ image: StoredImage, _ address: ResourceAddress) -> JSONObject {
        var outputs: JSONObject = ["id": .string(image.id.description), "reference": .string(address.name)]
        let packages = Self.packages(of: image)
        if !packages.isEmpty { outputs["packages"] = .array(packages.map { .string($0) }) }
        return outputs
    }

    /// The lock of a Debian image: every package with its version.
    private static func packages(of image: StoredImage) -> [String] {
        image.attributes["debian"]?.objectValue?.list("lock") ?? []
    }
}
