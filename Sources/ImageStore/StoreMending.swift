import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

/// Makes damaged things of the store again from others that are intact.
///
/// Blocking. Nothing is replaced before what replaces it has the right digest and is on the disk.
struct StoreMending: Sendable {
    let layers: LayerStore
    let blobs: BlobStore
    let database: StateDatabase
    let turn: StoreTurn

    private var layout: StoreLayout { layers.layout }

    /// Makes a layer's files and, where it has none, its row again from a form of it that is here; false where none is
    /// intact.
    ///
    /// - Parameter images: those that have the layer, whose manifests say in which form it may be here.
    func mendLayer(_ diffID: Digest, of images: [Digest]) throws -> Bool {
        let row = try database.read { tables in try tables.layer(diffID: diffID.description) }
        var compressed = row?.blobs.map(\.digest) ?? []
        if row == nil { compressed = try images.compactMap { try blob(of: diffID, in: $0) } }
        let tar = BlobDescriptor(mediaType: MediaType.ociLayerTar, digest: diffID, size: row?.tarBytes ?? 0)
        var forms: [LayerExport.Form] = []
        for digest in compressed where try blobs.isIntact(digest) == true { forms.append(.inflated(digest)) }
        if Files.exists(layout.recipe(diffID)) { forms.append(.recipe(diffID)) }
        for form in forms {
            guard let source = try? LayerExport(descriptor: tar, form: form).open(in: layout),
                let staged = try? layers.stage(tar: source)
            else { continue }
            guard staged.diffID == diffID else {
                layers.discard(staged)
                continue
            }
            try replace(by: try settled(staged), keeping: row == nil ? compressed : [])
            return true
        }
        return false
    }

    /// The compressed form in which an image's manifest has a layer, where it is here.
    private func blob(of diffID: Digest, in image: Digest) throws -> Digest? {
        guard let row = try database.read({ tables in try tables.image(id: image.description) }),
            let index = row.layers.firstIndex(of: diffID.description),
            let manifest = row.manifestDigest.flatMap({ Digest($0) }),
            let bytes = try? blobs.read(manifest, what: "the manifest"),
            let layer = try? ImageManifest(bytes: bytes).layers, layer.indices.contains(index)
        else { return nil }
        return blobs.has(layer[index].digest) ? layer[index].digest : nil
    }

    /// Waits until a staged layer is on the disk; it is gone where that fails.
    func settled(_ staged: LayerStore.Staged) throws -> SettledLayer {
        do {
            return try layers.settle(staged)
        } catch {
            layers.discard(staged)
            throw error
        }
    }

    /// The plain tars that the store may be able to give of a layer.
    private func forms(of row: LayerRow, _ diffID: Digest) throws -> [LayerExport] {
        let tar = BlobDescriptor(mediaType: MediaType.ociLayerTar, digest: diffID, size: row.tarBytes)
        var forms: [LayerExport] = []
        for blob in row.blobs where try blobs.isIntact(blob.digest) == true {
            forms.append(LayerExport(descriptor: tar, form: .inflated(blob.digest)))
        }
        if row.recipeBytes > 0 { forms.append(LayerExport(descriptor: tar, form: .recipe(diffID))) }
        return forms
    }

    /// Puts a layer made anew in the place of the one of the same digest.
    ///
    /// A mount of the old image shows the old one until nobody uses it.
    ///
    /// - Parameter kept: compressed forms that are here, for a layer that has no row which says so.
    func replace(by settled: SettledLayer, keeping kept: [Digest] = []) throws {
        let (staged, diffID) = (settled.layer, settled.layer.diffID)
        defer { layers.discard(staged) }
        try turn.run {
            let fresh = settled.row(attributes: JSONObject(), created: Clock.now().nanosecondsSinceEpoch)
            var row = try database.read { tables in try tables.layer(diffID: diffID.description) } ?? fresh
            var spec = row.spec.objectValue ?? JSONObject()
            for key in ["hash", "recipeBytes"] { spec[key] = fresh.spec[key] }
            row.spec = .object(spec)
            row.form = fresh.form
            try move(staged, to: layout.layer(diffID))
            try layers.synchronizeNames()
            for blob in try kept.compactMap(form(of:)) + (staged.blob.map { [$0] } ?? [])
            where !row.blobs.contains(blob) { row.blobs += [blob] }
            let mended = row
            try database.write { tables in try tables.save(mended) }
        }
    }

    private func form(of digest: Digest) throws -> LayerBlob? {
        let file = try Files.open(layout.blob(digest))
        let compression = Compression.detect(try file.pread(upTo: Compression.magicLength, at: 0))
        return LayerBlob(digest: digest, size: try file.status().size, compression: compression)
    }

    private func move(_ staged: LayerStore.Staged, to target: String) throws {
        try Files.makeDirectories(target + "/mnt", mode: 0o755)
        let names = [StoreLayout.imageName, StoreLayout.recipeName]
        for name in names where Files.exists(staged.directory + "/" + name) {
            try Files.rename(staged.directory + "/" + name, to: target + "/" + name, replace: true)
        }
        if staged.form == .tree {
            try Files.removeTree(target + "/tree")
            try Files.rename(staged.directory + "/tree", to: target + "/tree", replace: false)
        }
        if let blob = staged.blob, let path = staged.blobPath {
            try Files.rename(path, to: layout.blob(blob.digest), replace: true)
        }
        try Files.open(target, [.readOnly, .directory]).synchronize()
    }

    /// Makes a manifest that was made here again; false where it was not, or is another.
    func mendManifest(_ digest: Digest, of id: Digest) throws -> Bool {
        guard let config = try? blobs.read(id, what: "the config") else { return false }
        let rows = try database.read { tables in
            try tables.image(id: id.description)?.layers.compactMap { try tables.layer(diffID: $0) } ?? []
        }
        let descriptor = BlobDescriptor(mediaType: MediaType.ociConfig, digest: id, size: Int64(config.count))
        let bytes = ImageManifest(config: descriptor, layers: rows.compactMap(\.descriptor)).serialized()
        guard try BlobStore.digest(of: bytes) == digest else { return false }
        try put(bytes, as: digest)
        return true
    }

    /// Puts a document in the place of a damaged one.
    func put(_ bytes: [UInt8], as digest: Digest) throws {
        try Files.writeAtomically(layout.blob(digest), bytes, mode: 0o644, fsync: true)
    }

    /// Fetches a document or a compressed layer again and puts it in its place.
    ///
    /// - Throws: what the source throws; `Diagnostic` (wrong digest) when it gives something else.
    func fetch(_ blob: BlobDescriptor, from source: some BlobSource) throws {
        let path = layout.incoming + "/" + (try Random.hex(bytes: 8))
        try Files.makeDirectories(layout.incoming, mode: 0o700)
        do {
            let file = try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o644).shared()
            let spool = SpooledBlob(file, kept: 0, size: nil) { _ in try source.open(blob) }
            let incoming = IncomingBlob(spool, of: blob, cancellation: CancellationFlag())
            try incoming.forEachPiece { _ in }
            let found = try BlobStore.digest(hex: spool.hash.finishHex())
            guard found == blob.digest else { throw ImageStore.wrongDigest("blob", blob.digest, is: found) }
            try file.synchronize()
            try Files.rename(path, to: layout.blob(blob.digest), replace: true)
            try Files.synchronizeDirectory(of: layout.blob(blob.digest))
        } catch {
            _ = try? Files.unlinkIfPresent(path)
            throw error
        }
    }

    /// Removes files that are still unknown to the database.
    ///
    /// - Returns: false where they are known now.
    func removeStray(_ path: String) throws -> Bool {
        try turn.run {
            let check = StoreCheck(blobs: blobs, layers: layers)
            let rows = try database.read { tables in try StoreCheck.Rows(tables) }
            guard try check.strays(rows).contains(path) else { return false }
            try Files.removeTree(path)
            return true
        }
    }
}
