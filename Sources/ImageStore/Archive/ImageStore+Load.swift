import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

/// An image that came out of an archive.
package struct LoadedImage: Sendable, Hashable {
    /// The image.
    package let image: StoredImage
    /// The names the archive gave it.
    package let references: [ImageReference]
}

extension ImageStore {
    /// Takes in the images of an archive: Docker's (`docker save`) or an OCI layout in a tar, plain or compressed.
    ///
    /// The archive is read once, from its start to its end. Layers that are in the store already are only checked.
    ///
    /// - Parameters:
    ///   - source: the archive; read on the blocking executor.
    ///   - platform: which image of an index is taken.
    ///   - takingNames: whether images get the names the archive gives them.
    /// - Throws: `Diagnostic`, naming the file of the archive that is refused. The store is as before then.
    package func load(
        _ source: sending any ByteSource, platform: Platform = .host, takingNames: Bool = true,
        progress: ImageProgress? = nil
    ) async throws -> [LoadedImage] {
        let cancellation = CancellationFlag()
        let (layers, leases, database, claims) = (layers, leases, database, LoadClaims(flights))
        let task = LoadTask(source: source)
        var arrived = false
        defer { claims.end(arrived: arrived) }
        return try await withTaskCancellationHandler {
            let found = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                try reporting("loading images") {
                    let reader = try ImageArchiveReader(
                        layers: layers, leases: leases, claims: claims,
                        lookUp: { try Self.known(database, layers) }, cancellation: cancellation, progress: progress)
                    return try task.run(reader, platform)
                }
            }
            defer { leases.giveBack(found.leased) }
            let loaded = try await adopt(found, takingNames: takingNames)
            arrived = true
            return loaded
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// The layers whose files are here, by the digest of their tar and by those of their compressed forms.
    private static func known(_ database: StateDatabase, _ layers: LayerStore) throws -> [Digest: Digest] {
        var known: [Digest: Digest] = [:]
        for row in try database.read({ tables in try tables.layers() }) {
            guard let diffID = Digest(row.diffID), layers.hasFiles(of: diffID, form: row.form) else { continue }
            known[diffID] = diffID
            for blob in row.blobs { known[blob.digest] = diffID }
        }
        return known
    }

    /// Takes in the images of an archive that a file, a pipe or a socket gives.
    package func load(
        from archive: SharedDescriptor, platform: Platform = .host, takingNames: Bool = true,
        progress: ImageProgress? = nil
    ) async throws -> [LoadedImage] {
        try await load(
            DescriptorSource(archive), platform: platform, takingNames: takingNames, progress: progress)
    }

    private func adopt(_ found: LoadTask.Found, takingNames: Bool) async throws -> [LoadedImage] {
        let settled = try await settle(found.staged)
        let images = found.images.map { image in
            NewImage(
                configBytes: image.configBytes, config: image.config, manifest: image.manifest,
                references: takingNames ? image.references : [], attributes: JSONObject())
        }
        var origin = JSONObject()
        origin["load"] = .bool(true)
        let saved = try await write(layers: settled, images: images, origin: origin)
        return zip(saved, found.images).map { LoadedImage(image: $0, references: $1.references) }
    }
}

/// The blocking half of loading.
// SAFETY: the source is handed over by its only owner and read by one thread.
private final class LoadTask: @unchecked Sendable {  // SAFETY: see above
    /// What an archive has that is wanted.
    struct Found: Sendable {
        let images: [ArchiveImage]
        let staged: [LayerStore.Staged]
        let leased: [Digest]
    }

    private let source: any ByteSource

    init(source: sending any ByteSource) {
        self.source = source
    }

    func run(_ reader: ImageArchiveReader, _ platform: Platform) throws -> Found {
        let archive = try reader.read(source)
        let all = archive.layers.values.compactMap(\.staged)
        do {
            var finder = ArchiveImages(archive: archive, platform: platform)
            let images = try finder.list()
            var wanted: [String: LayerStore.Staged] = [:]
            for layer in images.flatMap(\.layers) {
                if let staged = layer.staged { wanted[staged.directory] = staged }
            }
            reader.discard(all.filter { wanted[$0.directory] == nil })
            return Found(
                images: images, staged: wanted.values.sorted { $0.directory < $1.directory }, leased: reader.leased)
        } catch {
            reader.discard(all)
            reader.giveBack()
            throw error
        }
    }
}
