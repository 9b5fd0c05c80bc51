import Diagnostics
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Makes the layers of an image usable as lower directories.
    ///
    /// Each layer is mounted once, however many images and containers use it; one that is mounted already stays so.
    ///
    /// - Returns: the directories, topmost first, as overlayfs wants them: each once.
    /// - Throws: `Diagnostic`, naming the layer that cannot be mounted.
    package func mountLayers(of image: StoredImage) async throws -> [String] {
        let mounts = mounts
        return try await mountLayers(image.layers) { mounts.missing($0, of: image) }
    }

    /// Makes layers usable as lower directories, whether an image has them or not.
    ///
    /// - Parameter diffIDs: lowest first.
    /// - Returns: the directories, topmost first, each once.
    package func mountLayers(_ diffIDs: [Digest]) async throws -> [String] {
        try await mountLayers(diffIDs) { diffID in
            Diagnostic(
                code: StoreCode.damaged, summary: "layer \(diffID) is not in the store",
                hint: "somebody removed it meanwhile; run it again")
        }
    }

    private func mountLayers(
        _ diffIDs: [Digest], missing: @escaping @Sendable (Digest) -> Diagnostic
    ) async throws -> [String] {
        // Before the rows are read: a layer is unsettled until it has one.
        let unsettled = diffIDs.map(layers.unsettled.form)
        let rows = try await read { tables in try diffIDs.map { try tables.layer(diffID: $0.description) } }
        let mounts = mounts
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            var paths: [String] = []
            var seen: Set<Digest> = []
            // A layer that is there again above hides itself below, and overlayfs takes no directory twice (ELOOP).
            for (index, diffID) in diffIDs.enumerated().reversed() where seen.insert(diffID).inserted {
                let known = rows[index].flatMap { LayerForm(rawValue: $0.form) }
                guard let form = known ?? unsettled[index], mounts.hasFiles(of: diffID, form: form)
                else { throw missing(diffID) }
                paths.append(try mounts.path(of: diffID, form: form))
            }
            return paths
        }
    }

    /// Unmounts the layers of every image but these.
    ///
    /// - Parameter keeping: the images of containers that may be started again without asking.
    package func unmountUnused(keeping images: [StoredImage]) async throws {
        let kept = Set(images.flatMap(\.layers))
        try await unmountLayers(unless: kept.contains)
    }

    /// Unmounts the layers that nobody needs.
    ///
    /// - Parameter isNeeded: asked of each layer in the moment before it goes, in which no layer is mounted. Whoever
    ///   says so before `mountLayers` is called can count on the layer.
    package func unmountLayers(unless isNeeded: @escaping @Sendable (Digest) -> Bool) async throws {
        let (layers, mounts) = (layers, mounts)
        try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("unmounting unused layers") {
                for diffID in mounts.mounted(among: try layers.list()) {
                    try mounts.unmount(diffID, unless: isNeeded)
                }
            }
        }
    }

    /// Unmounts every layer.
    ///
    /// Containers that run keep what they use.
    package func unmountAll() async throws {
        try await unmountUnused(keeping: [])
    }
}
