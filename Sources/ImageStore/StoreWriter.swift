import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

/// An image that is to be part of the store.
struct NewImage: Sendable {
    /// The config, byte for byte.
    let configBytes: [UInt8]
    /// The same, decoded.
    let config: ImageConfig
    /// The manifest, byte for byte; nil to keep the one there is, or to make one.
    let manifest: [UInt8]?
    /// Names it gets.
    let references: [ImageReference]
    /// What the store keeps of its origin.
    let attributes: JSONObject
}

/// Puts layers and images into the store, all or nothing.
///
/// Blocking, and to be used in the store's turn. The database is written last: what a crash cuts off before that is
/// removed at the next start.
struct StoreWriter: Sendable {
    let blobs: BlobStore
    let layers: LayerStore
    let database: StateDatabase

    /// - Returns: the ids of the images.
    func write(layers settled: [SettledLayer], images: [NewImage], origin: JSONObject) throws -> [Digest] {
        do {
            return try commit(settled, images, origin)
        } catch {
            for layer in settled { layers.discard(layer.layer) }
            sweep()
            throw error
        }
    }

    /// Removes what has its name already and no row.
    ///
    /// What cannot be removed now is removed at the next start.
    private func sweep() {
        let check = StoreCheck(blobs: blobs, layers: layers)
        let strays = try? database.read { tables in try check.strays(try StoreCheck.Rows(tables)) }
        for path in strays ?? [] { try? Files.removeTree(path) }
    }

    private func commit(_ settled: [SettledLayer], _ images: [NewImage], _ origin: JSONObject) throws -> [Digest] {
        let now = Clock.now().nanosecondsSinceEpoch
        let diffIDs = Set(images.flatMap(\.config.diffIDs) + settled.map(\.layer.diffID))
        let known = try database.read { tables in
            try diffIDs.compactMap { try tables.layer(diffID: $0.description) }
        }
        var rows = Dictionary(known.map { ($0.diffID, $0) }) { first, _ in first }
        for layer in settled {
            let name = layer.layer.diffID.description
            // A layer that is there already keeps its row, which describes the files that stay.
            let stays = rows[name].flatMap { layers.hasFiles(of: layer.layer.diffID, form: $0.form) ? $0 : nil }
            var row = stays ?? layer.row(attributes: origin, created: now)
            let kept = rows[name]?.blobs ?? []
            if let blob = layer.layer.blob, !kept.contains(blob) { row.blobs = kept + [blob] } else { row.blobs = kept }
            if stays == nil, rows[name] != nil { try layers.remove(layer.layer.diffID) }
            try layers.commit(layer.layer)
            rows[name] = row
        }
        if !settled.isEmpty { try layers.synchronizeNames() }
        layers.steps.reached()
        let newRows = settled.compactMap { rows[$0.layer.diffID.description] }
        let imageRows = try images.map { try row(of: $0, layers: rows, now: now) }
        let replaced = try replacedManifests(by: imageRows)
        layers.steps.reached()
        try database.write { tables in
            for row in newRows { try tables.save(row) }
            for (row, image) in zip(imageRows, images) {
                try tables.save(row)
                for reference in image.references {
                    let name = reference.withDefaultTag.description
                    try tables.save(ImageTagRow(reference: name, image: row.id, updated: now))
                }
            }
        }
        layers.steps.reached()
        // What a crash leaves of them is removed at the next start.
        for manifest in replaced { try? blobs.remove(manifest) }
        return imageRows.compactMap { Digest($0.id) }
    }

    /// Manifests that no image has any more once these rows are written.
    private func replacedManifests(by rows: [ImageRow]) throws -> Set<Digest> {
        try database.read { tables in
            let new = Dictionary(rows.map { ($0.id, $0.manifestDigest) }) { _, last in last }
            var replaced: Set<String> = []
            for (id, manifest) in new {
                guard let before = try tables.image(id: id)?.manifestDigest, before != manifest else { continue }
                replaced.insert(before)
            }
            guard !replaced.isEmpty else { return [] }
            for image in try tables.images() {
                if let kept = new[image.id] ?? image.manifestDigest { replaced.remove(kept) }
            }
            return Set(replaced.compactMap { Digest($0) })
        }
    }

    /// Puts an image's documents on the disk and makes its row.
    private func row(of image: NewImage, layers rows: [String: LayerRow], now: Int64) throws -> ImageRow {
        let id = try blobs.put(image.configBytes)
        layers.steps.reached()
        let layers = try image.config.diffIDs.map { diffID in
            guard let row = rows[diffID.description] else {
                throw Diagnostic(
                    code: StoreCode.damaged, summary: "layer \(diffID) of image \(id) is not in the store",
                    hint: "somebody removed it meanwhile; run it again")
            }
            return row
        }
        let previous = try database.read { tables in try tables.image(id: id.description) }
        let manifest: Digest
        if let bytes = image.manifest {
            manifest = try blobs.put(bytes)
        } else if let kept = previous?.manifestDigest.flatMap({ Digest($0) }), Files.exists(blobs.layout.blob(kept)) {
            manifest = kept
        } else {
            let made = ImageManifest(
                config: BlobDescriptor(
                    mediaType: MediaType.ociConfig, digest: id, size: Int64(image.configBytes.count)),
                layers: layers.compactMap(\.descriptor))
            manifest = try blobs.put(made.serialized())
        }
        var attributes = previous?.spec.objectValue ?? JSONObject()
        for key in image.attributes.keys { attributes[key] = image.attributes[key] }
        return ImageRow(
            id: id.description, manifestDigest: manifest.description, layers: layers.map(\.diffID),
            size: layers.reduce(0) { $0 + $1.size }, created: previous?.created ?? now, spec: .object(attributes))
    }
}

/// A staged layer that is on the disk, with the hash by which `verify` knows it.
struct SettledLayer: Sendable {
    let layer: LayerStore.Staged
    let hash: String

    /// What the database keeps of the layer.
    func row(attributes: JSONObject, created: Int64) -> LayerRow {
        var spec = JSONObject()
        spec["hash"] = .string(hash)
        spec["tarBytes"] = .int(Int64(clamping: layer.tarBytes))
        spec["entries"] = .int(Int64(layer.entries))
        spec["newest"] = .string(layer.newest.rfc3339)
        spec["origin"] = .object(attributes)
        if layer.recipeBytes > 0 { spec["recipeBytes"] = .int(layer.recipeBytes) }
        return LayerRow(
            diffID: layer.diffID.description, size: layer.size, form: layer.form.rawValue, created: created,
            spec: .object(spec))
    }
}
