import Diagnostics
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Removes a name, and the image with it when that was its last name; or an image by its id.
    ///
    /// - Parameters:
    ///   - text: a name with a tag or a digest, an id or the start of one.
    ///   - inUse: images that containers are made of.
    ///   - force: removes an image that has several names by its id; never one that is in use.
    /// - Throws: `Diagnostic` (no such image, in use, has several names).
    package func remove(_ text: String, inUse: Set<Digest>, force: Bool = false) async throws -> ImageRemoval {
        guard let image = try await identify(text) else { throw Self.noSuchImage(text) }
        var removal = ImageRemoval()
        let going = (try? ImageReference(text)).map(image.namesGoing) ?? []
        if !going.isEmpty {
            if image.names.count > going.count {
                let names = going.map(\.description)
                try await write { tables in for name in names { try tables.deleteImageTag(reference: name) } }
                removal.untagged = going
                return removal
            }
        } else if !image.hasOneName, !force {
            throw Diagnostic(
                code: StoreCode.imageHasNames,
                summary: "conflict: unable to delete \(image.id.shortHex) (must be forced) - image is referenced in "
                    + "multiple repositories",
                hint: "remove the names one by one, or force it", notes: image.names.map(\.familiar))
        }
        guard !inUse.contains(image.id) else {
            throw Diagnostic(
                code: StoreCode.imageInUse,
                summary:
                    "conflict: unable to remove \(going.first?.familiar ?? image.id.shortHex) - a container is made of it",
                hint: "remove the container first")
        }
        removal.untagged = image.names
        let report = try await delete([image.id])
        removal.deletedImages = report.images
        removal.deletedLayers = report.layers
        return removal
    }

    /// Removes layers and blobs that no image has, and, where asked, images without a name that no container is made
    /// of.
    package func collectGarbage(inUse: Set<Digest>, removeUntagged: Bool) async throws -> GarbageReport {
        var doomed: [Digest] = []
        if removeUntagged {
            doomed = try await list().filter { $0.references.isEmpty && !inUse.contains($0.id) }.map(\.id)
        }
        let report = try await delete(doomed)
        // Whoever collects garbage wants the room.
        await removals.finish()
        return report
    }

    /// Waits until the files of what was removed are gone, and those of what was added are on the disk.
    package func finishRemovals() async {
        await layers.unsettled.finish()
        await removals.finish()
    }

    /// Deletes images, then what nothing refers to any more.
    ///
    /// The database goes first: files without a row are removed at the next start at the latest.
    private func delete(_ ids: [Digest]) async throws -> GarbageReport {
        let names = ids.map(\.description)
        let (database, layers, blobs, mounts, turn, leases) = (database, layers, blobs, mounts, turn, leases)
        let (partials, flights, removals) = (partials, flights, removals)
        let report = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("removing images") { () throws in
                try turn.run { () throws in
                    let unused = try database.write { tables in
                        for name in names { try tables.deleteImage(id: name) }
                        return try Self.forgetUnused(tables, blobs: blobs, leased: leases.held)
                    }
                    var report = GarbageReport()
                    report.images = ids
                    var doomed: [String] = []
                    defer { removals.add(doomed) }
                    for row in unused.layers {
                        guard let diffID = Digest(row.diffID) else { continue }
                        try mounts.unmount(diffID)
                        doomed += try layers.detach(diffID).map { [$0] } ?? []
                        report.layers.append(diffID)
                        report.freedBytes += row.size
                    }
                    for blob in try blobs.list() where !unused.keptBlobs.contains(blob.digest.description) {
                        doomed += try layers.detach(blob: blob.digest).map { [$0] } ?? []
                        report.blobs.append(blob.digest)
                        report.freedBytes += blob.size
                    }
                    report.freedBytes += try partials.removeOld(now: Clock.now().seconds, busy: flights.names)
                    return report
                }
            }
        }
        for id in ids { configs[id] = nil }
        return report
    }

    /// Forgets layers that neither an image nor a result of a build has, and tells which blobs those left need.
    private static func forgetUnused(
        _ tables: borrowing WriteTransaction, blobs: BlobStore, leased: Set<Digest>
    ) throws -> (layers: [LayerRow], keptBlobs: Set<String>) {
        let images = try tables.images()
        let used = Set(images.flatMap(\.layers)).union(leased.map(\.description)).union(try tables.buildCacheLayers())
        var kept = Set(images.flatMap { [$0.id] + ($0.manifestDigest.map { [$0] } ?? []) })
        var unused: [LayerRow] = []
        for row in try tables.layers() {
            guard used.contains(row.diffID) else {
                try tables.deleteLayer(diffID: row.diffID)
                unused.append(row)
                continue
            }
            var row = row
            if !leased.contains(where: { $0.description == row.diffID }) {
                let wanted = wantedBlobs(of: row, images: images, in: blobs)
                if wanted != row.blobs {
                    row.blobs = wanted
                    try tables.save(row)
                }
            }
            kept.formUnion(row.blobs.map(\.digest.description))
        }
        return (unused, kept)
    }

    /// Of a layer's compressed forms those that an image's manifest names; at least one where nothing else gives back
    /// the tar.
    private static func wantedBlobs(of row: LayerRow, images: [ImageRow], in blobs: BlobStore) -> [LayerBlob] {
        let isOnlyForm = row.blobs.count == 1 && row.recipeBytes == 0
        guard !row.blobs.isEmpty, !isOnlyForm else { return row.blobs }
        var named: Set<Digest> = []
        for image in images where image.layers.contains(row.diffID) {
            guard let digest = image.manifestDigest.flatMap({ Digest($0) }),
                let bytes = try? blobs.read(digest, what: "the manifest"),
                let manifest = try? ImageManifest(bytes: bytes)
                // A damaged manifest may name any of them.
            else { return row.blobs }
            named.formUnion(manifest.layers.map(\.digest))
        }
        let wanted = row.blobs.filter { named.contains($0.digest) }
        return wanted.isEmpty && row.recipeBytes == 0 ? Array(row.blobs.prefix(1)) : wanted
    }
}
