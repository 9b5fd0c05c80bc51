import Apply
import Diagnostics
import Engine
import ImageStore
import JSONText
import OCI
import Registry
import StackModel
import Synchronization

/// Images that a plan needs and the local store does not have: they are pulled before anything is changed.
struct ImageSupply: Sendable {
    let engine: HostEngine

    /// An image that registries are asked for.
    struct Wanted: Hashable {
        var reference: ImageReference
        /// Nil for this host's.
        var platform: Platform?
    }

    /// The pulls that resources need, each image once.
    func missing(for resources: [PlannedResource]) async throws -> [Fetch] {
        var seen: Set<Wanted> = []
        var fetches: [Fetch] = []
        for resource in resources {
            for wanted in Self.wanted(resource) where seen.insert(wanted).inserted {
                guard try await !has(wanted) else { continue }
                let (engine, address) = (engine, resource.address)
                fetches.append(
                    Fetch(address: address) { progress in
                        let meter = PullMeter(wanted.reference, address: address, progress)
                        _ = try await engine.pullImage(
                            wanted.reference, platform: wanted.platform, access: .caller
                        ) { meter.take($0) }
                    })
            }
        }
        return fetches
    }

    /// What a plan tells of images that will be pulled.
    func notes(for resources: [PlannedResource]) async -> [Diagnostic] {
        var notes: [Diagnostic] = []
        var seen: Set<Wanted> = []
        for resource in resources where resource.action == .create || resource.action == .recreate {
            for wanted in Self.wanted(resource) where seen.insert(wanted).inserted {
                guard (try? await has(wanted)) != true else { continue }
                notes.append(
                    Diagnostic(
                        severity: .note, code: "SC5137",
                        summary: "\(wanted.reference.familiar) is not here: it is pulled before anything is changed"
                    ).about(resource, path: "image"))
            }
        }
        return notes
    }

    /// Whether the store has an image, for the platform where one is asked for.
    private func has(_ wanted: Wanted) async throws -> Bool {
        guard let image = try await engine.images.resolve(wanted.reference.description) else { return false }
        return wanted.platform.map { $0.accepted.contains(image.config.platform.normalized) } ?? true
    }

    /// The images that are pulled where they are missing: those named by digest, and those a container may pull.
    static func wanted(_ resource: PlannedResource) -> [Wanted] {
        let mayPull = ["missing", "always"].contains(resource.attributes["pull"]?.stringValue)
        let platform = resource.attributes["platform"]?.stringValue.flatMap { Platform($0) }
        return ImageUse.names(resource.address.kind, resource.attributes).compactMap { text in
            guard !text.hasPrefix("sha256:"), let reference = try? ImageReference(text) else { return nil }
            if reference.digest != nil { return Wanted(reference: reference, platform: platform) }
            guard mayPull, resource.address.kind == .container else { return nil }
            return Wanted(reference: reference.withDefaultTag, platform: platform)
        }
    }

    /// The images a resource names by digest, which registries have.
    static func pinned(_ resource: PlannedResource) -> [ImageReference] {
        wanted(resource).map(\.reference).filter { $0.digest != nil }
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
