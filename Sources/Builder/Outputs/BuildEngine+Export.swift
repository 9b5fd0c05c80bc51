import Archives
import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI
import Registry

extension BuildEngine {
    /// Makes of a product all that the request asks for: an image of the store, archives, files, pushes, caches.
    ///
    /// The layers stay the caller's: who makes a product keeps them until this is over.
    ///
    /// - Throws: `BuildFailure`. An image that is in the store by then stays there.
    package func export(
        _ product: BuildProduct, _ request: BuildRequest, events: @escaping BuildEventSink
    ) async throws -> ExportedProduct {
        let steps = ExportSteps(from: product.nextStep, events)
        let annotations = try AnnotationPlacement(request.annotations)
        var exported = ExportedProduct()
        if Self.wantsImage(request) {
            let assembly = try await assemble(product, request, annotations, steps)
            exported = try await exportImage(assembly, product, request, steps)
        }
        for output in request.outputs {
            guard case .tar(let file) = output else { continue }
            try await steps.run("exporting to client") { step in
                try await writeFiles(product, request, to: file, step)
            }
        }
        try await exportCaches(product, request, steps)
        return exported
    }

    /// Whether anything but files is wanted.
    private static func wantsImage(_ request: BuildRequest) -> Bool {
        request.pushes
            || request.outputs.contains {
                if case .tar = $0 { return false }
                return true
            }
    }

    // MARK: Putting together

    private func assemble(
        _ product: BuildProduct, _ request: BuildRequest, _ annotations: AnnotationPlacement, _ steps: ExportSteps
    ) async throws -> Assembly {
        let inline = request.cacheTargets.contains { $0.type == "inline" }
        var assembled: [AssembledImage] = []
        for result in product.results {
            let layers = try await layerExports(of: result, request, steps)
            let cache = inline ? CacheDocument(result.steps, scope: .minimal, layers: []).text : nil
            assembled.append(try AssembledImage(result, layers: layers, annotations: annotations, cache: cache))
        }
        for (index, result) in product.results.enumerated() {
            let statements = try await self.statements(
                product, result, request, subject: assembled[index].manifest.descriptor, steps)
            try assembled[index].attest(statements)
        }
        let assembly = try Assembly(assembled, annotations: annotations)
        guard assembly.index != nil || !annotations.needsIndex else {
            throw BuildFailure.invalid(
                "index annotations not supported for single platform export",
                "the result is one manifest, which no index lists",
                hint: "leave `index:` out, or ask for several platforms, `--provenance` or `--sbom`")
        }
        return assembly
    }

    private func layerExports(
        of result: BuildProduct.Result, _ request: BuildRequest, _ steps: ExportSteps
    ) async throws -> [LayerExport] {
        do {
            guard let compression = request.compression ?? (request.pushes ? .standard : nil) else {
                return try await images.exports(of: result.layers)
            }
            return try await steps.run("exporting layers as \(compression.method)") { _ in
                try await images.exports(of: result.layers, as: compression)
            }
        } catch {
            throw BuildFailure.exporting(error, doing: "exporting layers")
        }
    }

    /// What is said of a result, in in-toto's form.
    private func statements(
        _ product: BuildProduct, _ result: BuildProduct.Result, _ request: BuildRequest,
        subject: BlobDescriptor, _ steps: ExportSteps
    ) async throws -> [(predicateType: String, bytes: [UInt8])] {
        var statements: [(predicateType: String, bytes: [UInt8])] = []
        let subjects = Statement.subjects(named: request.tags, platform: result.platform, digest: subject.digest)
        if request.hasInventory {
            let inventory = try await inventory(of: result, request, product, steps)
            statements.append(
                (Inventory.predicateType, Statement.bytes(inventory, of: subjects, type: Inventory.predicateType)))
        }
        if let mode = request.provenance {
            let provenance = Provenance(product: product, result: result, request: request, mode: mode).json
            statements.append(
                (Provenance.predicateType, Statement.bytes(provenance, of: subjects, type: Provenance.predicateType)))
        }
        return statements
    }

    /// The packages that are in a result, as an SPDX document.
    func inventory(
        of result: BuildProduct.Result, _ request: BuildRequest, _ product: BuildProduct, _ steps: ExportSteps
    ) async throws -> JSONObject {
        let platform = result.platform.description
        return try await steps.run("[\(platform)] generating sbom") { step in
            let tree = try await tree(of: result.layers)
            let found = try await BlockingExecutor.shared.run { () throws in try InventoryScan(tree.root).run() }
            step.done("\(found.packages.count) packages")
            return Inventory(found, name: request.tags.first?.familiar ?? "image", created: product.epoch).json
        }
    }

    // MARK: Images

    private func exportImage(
        _ assembly: Assembly, _ product: BuildProduct, _ request: BuildRequest, _ steps: ExportSteps
    ) async throws -> ExportedProduct {
        var exported = ExportedProduct(manifestDigest: assembly.root.digest)
        let main = assembly.images.first { Platform.host.accepted.contains($0.platform.normalized) }
        exported.imageID = (main ?? assembly.images.first)?.config.descriptor.digest
        var stored: StoredImage?
        for output in request.outputs {
            switch output {
            case .store:
                stored = try await steps.run("exporting to image") { step in
                    try await store(assembly, product, request, step)
                }
                exported.references = request.tags
            case .dockerArchive(let file):
                try await steps.run("exporting to docker image format") { step in
                    guard assembly.images.count == 1 else {
                        throw BuildFailure.invalid(
                            "docker exporter does not currently support exporting manifest lists",
                            "an archive of `docker load` has one platform", hint: "use `--output type=oci`")
                    }
                    Self.tell(assembly, step)
                    let archive = try assembly.dockerArchive(named: request.tags, created: product.epoch.rfc3339Seconds)
                    try await images.write(archive, to: file)
                    step.done("sending tarball")
                }
            case .ociArchive(let file):
                try await steps.run("exporting to oci image format") { step in
                    Self.tell(assembly, step)
                    let archive = try assembly.archive(named: request.tags, created: product.epoch.rfc3339Seconds)
                    try await images.write(archive, to: file)
                    step.done("sending tarball")
                }
            case .tar: continue
            }
        }
        if request.pushes { try await push(assembly, request, stored: stored, steps) }
        return exported
    }

    private static func tell(_ assembly: Assembly, _ step: ExportSteps.Step) {
        step.done("exporting layers")
        for image in assembly.images {
            step.done("exporting manifest \(image.manifest.descriptor.digest)")
            step.done("exporting config \(image.config.descriptor.digest)")
            if let attestation = image.attestation {
                step.done("exporting attestation manifest \(attestation.descriptor.digest)")
            }
        }
        if let index = assembly.index { step.done("exporting manifest list \(index.descriptor.digest)") }
    }

    /// Puts the images into the store; names are for that of this host's platform.
    private func store(
        _ assembly: Assembly, _ product: BuildProduct, _ request: BuildRequest, _ step: ExportSteps.Step
    ) async throws -> StoredImage? {
        Self.tell(assembly, step)
        var origin = JSONObject()
        origin["build"] = .string(product.historyID)
        let host = assembly.images.firstIndex { Platform.host.accepted.contains($0.platform.normalized) } ?? 0
        var main: StoredImage?
        for (index, (image, result)) in zip(assembly.images, product.results).enumerated() {
            let names = index == host ? request.tags : []
            let stored = try await images.makeImage(
                result.config, as: names, manifest: image.manifest.bytes, attributes: origin)
            step.done("writing image \(stored.id)")
            for name in names { step.done("naming to \(name)") }
            if index == host { main = stored }
        }
        return main
    }
}
