import Apply
import Engine
import ImageStore
import JSONText
import OCI
import Registry
import StackModel

/// The names in registries that an image of a stack is pushed to.
struct ImagePushes: Sendable {
    let engine: HostEngine
    let image: StoredImage
    let address: ResourceAddress

    /// Pushes the image to every name in `push`; what a registry has already is not sent again.
    func push(_ attributes: JSONObject, _ progress: ProgressSink) async throws {
        for text in attributes.list("push") ?? [] {
            let reference = try ImageReference(text).withDefaultTag
            progress(ProgressUpdate(address: address, message: "pushing \(reference.familiar)"))
            let isOwn = image.references.contains(reference)
            try await engine.images.tag(image.id, as: reference)
            do {
                _ = try await engine.pushImage(reference, access: .caller)
            } catch {
                if !isOwn { _ = try? await engine.images.untag(reference) }
                throw error
            }
            // The image is the stack's under its own name; the registry's is a copy.
            if !isOwn { _ = try await engine.images.untag(reference) }
        }
    }
}
