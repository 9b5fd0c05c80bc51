import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Registry

extension BuildEngine {
    /// Pushes what was put together by each of its names.
    ///
    /// - Parameter stored: the image of the store, which then knows the digest it has in the registry.
    func push(
        _ assembly: Assembly, _ request: BuildRequest, stored: StoredImage?, _ steps: ExportSteps
    ) async throws {
        guard !request.tags.isEmpty else {
            throw BuildFailure.invalid(
                "tag is needed when pushing to registry", "a push is to a name", hint: "give one with `--tag`")
        }
        for name in request.tags.map(\.withDefaultTag) {
            try await steps.run("pushing \(name.familiar)") { step in
                let store = images
                try await host.withRegistry(of: name, isPush: true, access: request.access) { reader in
                    let push = AssemblyPush(assembly: assembly, client: reader.client, store: store)
                    try await push.run(tag: name.tag ?? ImageReference.defaultTag, step)
                }
                if let stored { try await images.tag(stored.id, as: name.at(assembly.root.digest)) }
                step.done("pushing manifest for \(name)@\(assembly.root.digest)")
            }
        }
    }
}

/// Pushes images with what is said of them and the index that lists them.
struct AssemblyPush: Sendable {
    let assembly: Assembly
    let client: RegistryClient
    let store: ImageStore

    /// Sends blobs, then manifests, then what the tag stands for.
    ///
    /// - Throws: `RegistryError`, or a `Diagnostic` for a layer that is damaged here.
    func run(tag: String, _ step: ExportSteps.Step) async throws {
        let layers = LayersPush(store: store, client: client)
        try await layers.run(assembly.images.flatMap { $0.layers.map { ($0.export, $0.diffID) } }) { update in
            switch update {
            case .began: break
            case .sending(let layer, let current, let total):
                step.report("pushing layer \(layer.shortHex)", current, of: total)
            case .sent(let layer, _, _): step.report("pushing layer \(layer.shortHex)", isDone: true)
            }
        }
        let (assembly, client) = (assembly, client)
        try await BlockingExecutor.transfers.run { () throws in
            for image in assembly.images {
                for blob in [image.config] + image.statements { try client.upload(BlobContent(blob.bytes)) }
                let isRoot = assembly.index == nil
                try client.putManifest(
                    image.manifest.bytes, mediaType: image.manifest.descriptor.mediaType, reference: isRoot ? tag : nil)
                guard let attestation = image.attestation, let referrer = image.referrer else { continue }
                try client.upload(BlobContent(AssembledImage.emptyConfig().bytes))
                try client.putReferrer(
                    attestation.bytes, as: referrer, of: image.manifest.descriptor.digest)
            }
            guard let index = assembly.index else { return }
            try client.putManifest(index.bytes, mediaType: index.descriptor.mediaType, reference: tag)
        }
    }
}
