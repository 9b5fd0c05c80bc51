import Apply
import Diagnostics
import Engine
import ImageStore
import OCI
import Registry
import StackModel
import Synchronization

/// Images that a plan names by digest and the local store does not have: they are pulled before anything is changed.
struct ImageSupply: Sendable {
    let engine: HostEngine

    /// The pulls that resources need, each image once.
    func missing(for resources: [PlannedResource]) async throws -> [Fetch] {
        var seen: Set<ImageReference> = []
        var fetches: [Fetch] = []
        for resource in resources {
            for reference in Self.pinned(resource) where seen.insert(reference).inserted {
                guard try await engine.images.resolve(reference.description) == nil else { continue }
                let (engine, address) = (engine, resource.address)
                fetches.append(
                    Fetch(address: address) { progress in
                        let meter = PullMeter(reference, address: address, progress)
                        _ = try await engine.pullImage(reference, access: .caller) { meter.take($0) }
                    })
            }
        }
        return fetches
    }

    /// What a plan tells of images that will be pulled.
    func notes(for resources: [PlannedResource]) async -> [Diagnostic] {
        var notes: [Diagnostic] = []
        var seen: Set<ImageReference> = []
        for resource in resources where resource.action == .create || resource.action == .recreate {
            for reference in Self.pinned(resource) where seen.insert(reference).inserted {
                guard (try? await engine.images.resolve(reference.description)) == nil else { continue }
                notes.append(
                    Diagnostic(
                        severity: .note, code: "SC5137",
                        summary: "\(reference.familiar) is not here: it is pulled before anything is changed"
                    ).about(resource, path: "image"))
            }
        }
        return notes
    }

    /// The images a resource names by digest, which registries have.
    static func pinned(_ resource: PlannedResource) -> [ImageReference] {
        ImageUse.names(resource.address.kind, resource.attributes).compactMap { text in
            guard !text.hasPrefix("sha256:"), let reference = try? ImageReference(text), reference.digest != nil else {
                return nil
            }
            return reference
        }
    }
}

/// Adds up how far the layers of a pull are.
private final class PullMeter: Sendable {
    private let message: String
    private let address: ResourceAddress
    private let sink: ProgressSink
    private let layers = Mutex<[Digest: (current: Int64, total: Int64)]>([:])

    init(_ reference: ImageReference, address: ResourceAddress, _ sink: @escaping ProgressSink) {
        message = "pulling \(reference.familiarRepository)\(reference.tag.map { ":" + $0 } ?? "")"
        self.address = address
        self.sink = sink
        sink(ProgressUpdate(address: address, message: message))
    }

    func take(_ progress: PullProgress) {
        guard case .layer(let layer) = progress else { return }
        let (current, total) = layers.withLock { layers in
            layers[layer.digest] = (layer.phase == .receiving ? layer.current : layer.total, layer.total)
            return layers.values.reduce((0, 0)) { ($0.0 + $1.current, $0.1 + $1.total) }
        }
        sink(
            ProgressUpdate(
                address: address, message: message, current: Int(clamping: current), total: Int(clamping: total)))
    }
}
