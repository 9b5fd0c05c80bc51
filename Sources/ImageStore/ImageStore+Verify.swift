import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Reads every blob and every layer again and compares them with their digests.
    ///
    /// - Returns: one diagnostic for each object that is damaged or missing, naming it and the images that need it.
    package func verify() async throws -> [Diagnostic] {
        let rows = try await read { tables in (images: try tables.images(), layers: try tables.layers()) }
        let (blobs, layers) = (blobs, layers)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            var found: [Diagnostic] = []
            for image in rows.images {
                for name in [image.id] + (image.manifestDigest.map { [$0] } ?? []) {
                    guard let digest = Digest(name) else { continue }
                    do throws(Diagnostic) {
                        _ = try blobs.read(digest, what: name == image.id ? "the config" : "the manifest")
                    } catch {
                        found.append(error)
                    }
                }
            }
            for row in rows.layers {
                let users = rows.images.filter { $0.layers.contains(row.diffID) }.map(\.id)
                if let damage = Self.damage(of: row, users: users, in: layers) {
                    found.append(damage)
                } else {
                    found += Self.damagedForms(of: row, users: users, blobs: blobs)
                }
            }
            for image in rows.images {
                for diffID in image.layers where !rows.layers.contains(where: { $0.diffID == diffID }) {
                    found.append(Self.damaged("layer \(diffID) is missing", "no layer of that digest", [image.id]))
                }
            }
            return found
        }
    }

    private static func damage(of row: LayerRow, users: [String], in layers: LayerStore) -> Diagnostic? {
        guard let diffID = Digest(row.diffID), let form = LayerForm(rawValue: row.form) else {
            return damaged("layer \(row.diffID) is unknown", "the database describes it in a way not known here", users)
        }
        do {
            guard let hash = try layers.hash(of: diffID, form: form) else {
                return damaged("layer \(diffID) is missing", "\(layers.layout.layer(diffID)) is not there", users)
            }
            guard hash == row.spec["hash"]?.stringValue else {
                return damaged(
                    "layer \(diffID) is damaged", "\(layers.layout.layer(diffID)) was changed or went bad", users)
            }
            return nil
        } catch {
            return damaged("layer \(diffID) cannot be read", "\(error)", users)
        }
    }

    /// What is wrong with the forms in which a layer is given on: kept blobs, and the recipe of its tar.
    private static func damagedForms(of row: LayerRow, users: [String], blobs: BlobStore) -> [Diagnostic] {
        var found: [Diagnostic] = []
        for blob in row.blobs {
            let path = blobs.layout.blob(blob.digest)
            do {
                switch try blobs.isIntact(blob.digest) {
                case true?: break
                case false?:
                    found.append(
                        damaged(
                            "compressed layer \(blob.digest) is damaged", "the bytes of \(path) have another digest",
                            users))
                case nil:
                    found.append(damaged("compressed layer \(blob.digest) is missing", "\(path) is not there", users))
                }
            } catch {
                found.append(damaged("compressed layer \(blob.digest) cannot be read", "\(error)", users))
            }
        }
        guard row.recipeBytes > 0, let diffID = Digest(row.diffID) else { return found }
        do {
            let form = LayerExport.Form.recipe(diffID)
            try LayerExport(descriptor: BlobDescriptor(mediaType: "", digest: diffID, size: row.tarBytes), form: form)
                .check(in: blobs.layout)
        } catch {
            found.append(
                damaged("the tar recipe of layer \(diffID) is damaged", "\(error)", users))
        }
        return found
    }

    private static func damaged(_ summary: String, _ detail: String, _ users: [String]) -> Diagnostic {
        Diagnostic(
            code: StoreCode.damaged, summary: summary, detail: detail,
            hint: "remove the images that use it and make them again", notes: users.map { "used by image \($0)" })
    }

    /// What the store takes on the disk.
    package func diskUsage() async throws -> ImageDiskUsage {
        let rows = try await read { tables in (images: try tables.images(), layers: try tables.layers()) }
        let blobs = blobs
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("measuring the store") {
                var usage = ImageDiskUsage()
                usage.layersBytes = rows.layers.reduce(0) { $0 + $1.size + $1.recipeBytes }
                usage.blobsBytes = try blobs.list().reduce(0) { $0 + $1.size }
                for image in rows.images {
                    guard let id = Digest(image.id) else { continue }
                    let own = rows.layers.filter { layer in
                        image.layers.contains(layer.diffID)
                            && !rows.images.contains { $0.id != image.id && $0.layers.contains(layer.diffID) }
                    }
                    usage.uniqueBytes[id] = own.reduce(0) { $0 + $1.size }
                }
                return usage
            }
        }
    }
}
