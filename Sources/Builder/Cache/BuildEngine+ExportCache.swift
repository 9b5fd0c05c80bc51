import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Registry

extension BuildEngine {
    /// Gives on what the build found out, to each place it is to go to; inline caches are in the image already.
    ///
    /// - Throws: `BuildFailure`, unless the place has `ignore-error=true`.
    func exportCaches(_ product: BuildProduct, _ request: BuildRequest, _ steps: ExportSteps) async throws {
        for target in request.cacheTargets {
            let place = try CachePlace(target, isTarget: true)
            guard place != .inline else { continue }
            let mode = target.parameters["mode"] ?? CacheDocument.Scope.minimal.rawValue
            guard let scope = CacheDocument.Scope(rawValue: mode) else {
                throw BuildFailure.invalid("--cache-to: `mode=\(mode)` is neither `min` nor `max`")
            }
            do {
                try await steps.run("exporting cache to \(place.name)") { step in
                    try await exportCache(product, scope, to: place, request.access, step)
                }
            } catch {
                guard ["true", "1"].contains(target.parameters["ignore-error"]), !Task.isCancelled else { throw error }
                host.note("exporting cache to \(place.name) failed: \(error)")
            }
        }
    }

    private func exportCache(
        _ product: BuildProduct, _ scope: CacheDocument.Scope, to place: CachePlace, _ access: RegistryAccess,
        _ step: ExportSteps.Step
    ) async throws {
        let steps = product.results.flatMap(\.steps).filter { scope == .maximal || $0.isOfResult }
        let wanted = Set(steps.compactMap(\.layer)).sorted()
        images.keep(wanted)
        defer { images.giveBack(wanted) }
        try await images.settleLayers(wanted)
        var kept: [Digest] = []
        for layer in wanted where try await images.hasLayer(layer) { kept.append(layer) }
        let layers = try await images.exports(of: kept)
        let sent = Array(zip(layers, kept))
        let document = CacheDocument(steps, scope: scope, layers: Array(zip(kept, layers.map(\.descriptor))))
        let config = try AssembledBlob(Array(document.text.utf8), mediaType: CacheDocument.mediaType)
        let manifest = try AssembledBlob(
            ImageManifest(config: config.descriptor, layers: layers.map(\.descriptor)).serialized(),
            mediaType: MediaType.ociManifest)
        step.done("preparing build cache for export")
        switch place {
        case .inline: break
        case .registry(let name):
            let store = images
            try await host.withRegistry(of: name, isPush: true, access: access) { reader in
                let client = reader.client
                try await LayersPush(store: store, client: client).run(sent) { update in
                    switch update {
                    case .began: break
                    case .sending(let layer, let current, let total):
                        step.report("writing layer \(layer.shortHex)", current, of: total)
                    case .sent(let layer, _, _): step.report("writing layer \(layer.shortHex)", isDone: true)
                    }
                }
                try await BlockingExecutor.transfers.run { () throws(RegistryError) in
                    try client.upload(BlobContent(config.bytes))
                    try client.putManifest(
                        manifest.bytes, mediaType: MediaType.ociManifest, reference: name.tag ?? "latest")
                }
            }
        case .directory(let path, let tag):
            let store = images
            try await BlockingExecutor.shared.run { () throws in
                try LayoutDirectory(path).write(
                    layers: layers, of: store, documents: [config, manifest], manifest: manifest.descriptor, tag: tag)
            }
        }
        step.done("writing cache manifest \(manifest.descriptor.digest)")
    }
}
