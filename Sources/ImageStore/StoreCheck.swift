import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

/// Compares the store's files with what the database says of them.
///
/// Blocking; reads everything.
struct StoreCheck: Sendable {
    /// What the database knows.
    struct Rows: Sendable {
        let images: [ImageRow]
        let layers: [LayerRow]

        init(_ tables: borrowing ReadTransaction) throws {
            images = try tables.images()
            layers = try tables.layers()
        }

        /// The images that have a layer.
        func users(of diffID: String) -> [Digest] {
            images.filter { $0.layers.contains(diffID) }.compactMap { Digest($0.id) }
        }
    }

    let blobs: BlobStore
    let layers: LayerStore

    private var layout: StoreLayout { layers.layout }

    /// Finds all damage.
    ///
    /// - Parameter strays: files that the database does not know.
    func run(_ rows: Rows, strays: [String]) -> [StoreDamage] {
        var found: [StoreDamage] = []
        for image in rows.images { found += documents(of: image) }
        for row in rows.layers {
            let users = rows.users(of: row.diffID)
            let damage = damage(of: row, users: users)
            found += damage.map { [$0] } ?? []
            found += damagedForms(of: row, isLayerIntact: damage == nil, users: users)
        }
        let known = Set(rows.layers.map(\.diffID))
        for name in Set(rows.images.flatMap(\.layers)).subtracting(known).sorted() {
            guard let diffID = Digest(name) else { continue }
            found.append(
                StoreDamage(
                    .unknownLayer(diffID), "layer \(diffID) is missing", "no layer of that digest is in the database",
                    images: rows.users(of: name)))
        }
        found += strays.map { path in
            StoreDamage(
                .stray(path: path), "\(path) is no part of the store", "the database knows nothing of it", images: [])
        }
        return found
    }

    /// Files below the store's directories that the database does not know.
    ///
    /// In the store's turn, in which nothing is put there.
    func strays(_ rows: Rows) throws -> [String] {
        let known = Set(rows.layers.map(\.diffID))
        let unsettled = layers.unsettled.names
        var found = try layers.list().filter { !known.contains($0.description) && !unsettled.contains($0) }
            .map(layout.layer)
        var kept = Set(rows.images.flatMap { [$0.id] + ($0.manifestDigest.map { [$0] } ?? []) })
        for layer in rows.layers { kept.formUnion(layer.blobs.map(\.digest.description)) }
        found += try blobs.list().filter { !kept.contains($0.digest.description) }.map { layout.blob($0.digest) }
        return found.sorted()
    }

    private func documents(of image: ImageRow) -> [StoreDamage] {
        var found: [StoreDamage] = []
        guard let id = Digest(image.id) else { return [] }
        func check(_ digest: Digest, _ what: String, _ object: StoreDamage.Object) {
            do throws(Diagnostic) {
                _ = try blobs.read(digest, what: what)
            } catch {
                found.append(StoreDamage(object, error.summary, error.detail ?? "", images: [id]))
            }
        }
        check(id, "the config", .config(id))
        if let manifest = image.manifestDigest.flatMap({ Digest($0) }) {
            check(manifest, "the manifest", .manifest(manifest))
        }
        return found
    }

    private func damage(of row: LayerRow, users: [Digest]) -> StoreDamage? {
        guard let diffID = Digest(row.diffID) else { return nil }
        func damaged(_ summary: String, _ detail: String) -> StoreDamage {
            StoreDamage(.layer(diffID), summary, detail, images: users)
        }
        guard let form = LayerForm(rawValue: row.form) else {
            return damaged("layer \(diffID) is unknown", "the database describes it in a way not known here")
        }
        do {
            let hash = row.spec["hash"]?.stringValue ?? ""
            switch try layers.isIntact(diffID, form: form, hash: hash) {
            case true?: return nil
            case false?:
                return damaged("layer \(diffID) is damaged", "\(path(of: diffID, form)) was changed or went bad")
            case nil: return damaged("layer \(diffID) is missing", "\(path(of: diffID, form)) is not there")
            }
        } catch {
            return damaged("layer \(diffID) cannot be read", "\(error)")
        }
    }

    private func path(of diffID: Digest, _ form: LayerForm) -> String {
        form == .tree ? layout.tree(diffID) : layout.image(diffID)
    }

    /// What is wrong with the forms in which a layer is given on: kept blobs, and the recipe of its tar.
    private func damagedForms(of row: LayerRow, isLayerIntact: Bool, users: [Digest]) -> [StoreDamage] {
        guard let diffID = Digest(row.diffID) else { return [] }
        var found: [StoreDamage] = []
        for blob in row.blobs {
            let path = layout.blob(blob.digest)
            let name = "compressed layer \(blob.digest)"
            func add(_ what: String, _ detail: String) {
                found.append(StoreDamage(.blob(blob.digest, of: diffID), "\(name) \(what)", detail, images: users))
            }
            do {
                switch try blobs.isIntact(blob.digest) {
                case true?: break
                case false?: add("is damaged", "the bytes of \(path) have another digest")
                case nil: add("is missing", "\(path) is not there")
                }
            } catch {
                add("cannot be read", "\(error)")
            }
        }
        if row.recipeBytes > 0, let damage = damagedRecipe(of: row, diffID, isLayerIntact: isLayerIntact, users) {
            found.append(damage)
        }
        return found
    }

    private func damagedRecipe(
        of row: LayerRow, _ diffID: Digest, isLayerIntact: Bool, _ users: [Digest]
    ) -> StoreDamage? {
        let name = "the tar recipe of layer \(diffID)"
        guard Files.exists(layout.layer(diffID)) else { return nil }
        guard Files.exists(layout.recipe(diffID)) else {
            return StoreDamage(
                .recipe(diffID), "\(name) is missing", "\(layout.recipe(diffID)) is not there", images: users)
        }
        // It gives back the tar from the image, so that it tells nothing where that is damaged.
        guard isLayerIntact else { return nil }
        do {
            try LayerExport(
                descriptor: BlobDescriptor(mediaType: "", digest: diffID, size: row.tarBytes), form: .recipe(diffID)
            ).check(in: layout)
            return nil
        } catch {
            return StoreDamage(.recipe(diffID), "\(name) is damaged", "\(error)", images: users)
        }
    }
}
