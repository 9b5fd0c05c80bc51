import Builder
import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import OCI
import Registry
import StackModel

/// What an image of a stack is made from.
struct ImageOrigin: Sendable {
    let engine: HostEngine
    let address: ResourceAddress
    let attributes: JSONObject

    /// Makes the image and gives it its name.
    func image(_ progress: @escaping ImageProgress) async throws -> StoredImage {
        let reference = try ImageReference(address.name).withDefaultTag
        let changes = try ConfigurationChanges(attributes: attributes)
        let origin = attributes["from"]?.objectValue ?? JSONObject()
        let images = engine.images
        if let debian = origin["debian"]?.objectValue {
            return try await self.debian(debian, reference, changes, progress)
        }
        if let path = origin["rootfs"]?.stringValue {
            return try await images.importDirectory(
                path: path, reference: reference, changes: changes, progress: progress)
        }
        if let path = origin["tar"]?.stringValue {
            return try await images.importTar(path: path, reference: reference, changes: changes, progress: progress)
        }
        if let path = origin["archive"]?.stringValue {
            let base = try await archived(path, origin["image"]?.stringValue, progress)
            return try await images.derive(from: base, reference: reference, changes: changes)
        }
        if ImageRecipe.isOne(origin) { return try await built(origin, reference, changes, progress) }
        if origin["program"] != nil {
            guard let program = OwnProgram.program else {
                throw EngineError(.failed, "the kernel does not tell which program this is (/proc/self/exe)")
            }
            return try await images.importProgram(program, reference: reference, changes: changes, progress: progress)
        }
        let base = try await engine.image(named: origin["reference"]?.stringValue ?? "")
        return try await images.derive(from: base, reference: reference, changes: changes)
    }

    /// Builds the image of a Dockerfile or of steps.
    private func built(
        _ origin: JSONObject, _ reference: ImageReference, _ changes: ConfigurationChanges,
        _ progress: @escaping ImageProgress
    ) async throws -> StoredImage {
        let name = address.description
        let sealed = engine.sealedTexts
        let request = try await BlockingExecutor.shared.run { () throws in
            let recipe = try ImageRecipe(origin, name: name)
            var request = try recipe.request(named: reference)
            for (id, text) in recipe.options.sealedSecrets { request.secrets[id] = try sealed.open(text) }
            return request
        }
        var wanted = request
        wanted.access = .caller
        for (name, context) in wanted.namedContexts {
            // Images of the stack are known by their ids, and found by their names.
            guard case .image(let id) = context, id.hasPrefix("sha256:") else { continue }
            guard let known = try await engine.images.resolve(id)?.references.first else {
                throw EngineError.noImage(id)
            }
            wanted.namedContexts[name] = .image(known.familiar)
        }
        // What is changed afterwards is another image, which gets the name.
        if !changes.isEmpty { wanted.tags = [] }
        let result: BuildResult
        do {
            result = try await engine.builder.build(wanted) { event in
                switch event {
                case .step(let step):
                    if case .started = step.phase { progress(ImageProgressUpdate(message: step.name)) }
                case .progress(let part) where part.total > 0:
                    progress(ImageProgressUpdate(message: part.name, current: part.current, total: part.total))
                case .progress, .log, .warning: break
                }
            }
        } catch let failure as BuildFailure {
            if failure.kind == .cancelled { throw CancellationError() }
            guard var diagnostic = failure.diagnostics.first else {
                throw EngineError(.failed, "the build of \(name) failed")
            }
            diagnostic.notes += failure.diagnostics.dropFirst().map(\.summary)
            // Steps have no file of their own: the notes show which one it was.
            if origin["stages"] != nil { diagnostic.location = nil }
            throw diagnostic
        }
        guard let id = result.imageID, let image = try await engine.images.resolve(id.description) else {
            throw EngineError(.failed, "the build of \(name) gave no image")
        }
        let derived = try await engine.images.derive(from: image, reference: reference, changes: changes)
        if derived.id != image.id, image.references.isEmpty, image.repoDigests.isEmpty {
            // The layers stay: the derived image has them.
            _ = try? await engine.removeImage(image.id.description)
        }
        return derived
    }

    private func debian(
        _ debian: JSONObject, _ reference: ImageReference, _ changes: ConfigurationChanges,
        _ progress: @escaping ImageProgress
    ) async throws -> StoredImage {
        let description = DebianImage(
            suite: debian["suite"]?.stringValue ?? "", packages: debian.list("packages") ?? [],
            mirror: debian["mirror"]?.stringValue, variant: debian["variant"]?.stringValue,
            lock: debian.list("lock").flatMap { $0.isEmpty ? nil : $0 })
        // An empty lock asks for what the mirror has today.
        if debian.list("lock")?.isEmpty == true { try await engine.images.forgetDebianLock(description) }
        return try await engine.images.buildDebian(
            description, reference: reference, changes: changes, progress: progress
        ).image
    }

    /// The image of an archive, without the names the archive gives it.
    private func archived(
        _ path: String, _ wanted: String?, _ progress: @escaping ImageProgress
    ) async throws -> StoredImage {
        let archive: SharedDescriptor
        do {
            archive = try Files.open(path).shared()
        } catch {
            throw EngineError(.invalid, "the archive \(path) cannot be read: \(error)")
        }
        let found = try await engine.images.load(from: archive, takingNames: false, progress: progress)
        let names = found.flatMap(\.references).map(\.familiar).sorted()
        let listed = names.isEmpty ? "none with a name" : names.joined(separator: ", ")
        guard let wanted else {
            guard let image = found.first?.image, found.allSatisfy({ $0.image.id == image.id }) else {
                throw EngineError(
                    .invalid, "the archive \(path) has \(found.count) images: say which one with image: (\(listed))")
            }
            return image
        }
        let reference = try ImageReference(wanted).withDefaultTag
        guard let image = found.first(where: { $0.references.contains(reference) })?.image else {
            throw EngineError(.notFound, "the archive \(path) has no image \(wanted): it has \(listed)")
        }
        return image
    }
}
