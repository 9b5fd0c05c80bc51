import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Keeps layers from being removed until they are given back, whether an image has them or not.
    package nonisolated func keep(_ layers: some Sequence<Digest>) { leases.take(layers) }

    /// Gives back what `keep` kept.
    package nonisolated func giveBack(_ layers: some Sequence<Digest>) { leases.giveBack(layers) }

    /// Removes layers that nobody keeps, and that neither an image nor a result of a build has.
    package func removeUnused(_ wanted: Set<Digest>) async throws {
        try await settleLayers(wanted)
        let (database, layers, mounts, turn, leases) = (database, layers, mounts, turn, leases)
        let removals = removals
        try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("removing layers") { () throws in
                try turn.run { () throws in
                    let unused = try database.write { tables in
                        try Self.forget(wanted.subtracting(leases.held), tables)
                    }
                    var doomed: [String] = []
                    defer { removals.add(doomed) }
                    for layer in unused {
                        try mounts.unmount(layer)
                        doomed += try layers.detach(layer).map { [$0] } ?? []
                    }
                }
            }
        }
    }

    private static func forget(_ layers: Set<Digest>, _ tables: borrowing WriteTransaction) throws -> [Digest] {
        let used = Set(try tables.images().flatMap(\.layers)).union(try tables.buildCacheLayers())
        var unused: [Digest] = []
        for layer in layers where !used.contains(layer.description) {
            // What has compressed forms was somebody else's once.
            guard let row = try tables.layer(diffID: layer.description), row.blobs.isEmpty else { continue }
            try tables.deleteLayer(diffID: row.diffID)
            unused.append(layer)
        }
        return unused
    }

    /// What is kept now.
    package nonisolated var keptLayers: Set<Digest> { leases.held }

    /// Adds a layer that no image has yet, and keeps it: the caller gives it back.
    ///
    /// It can be used at once; `settleLayers` waits until it is on the disk, which making an image of it does.
    ///
    /// - Parameters:
    ///   - write: writes the layer; blocking. What it throws leaves the store as it was.
    ///   - doing: what is done, for messages.
    ///   - executor: where `write` runs.
    /// - Returns: nil where there is nothing in it.
    package func addLayer(
        origin: JSONObject, doing: String, on executor: BlockingExecutor = .shared,
        _ write: @escaping @Sendable (LayerDraft) throws -> WrittenLayer
    ) async throws -> Digest? {
        let layers = layers
        let staged = try await executor.run { () throws(Diagnostic) in
            try reporting(doing) { try layers.stage { try write(LayerDraft($0)) } }
        }
        guard staged.entries > 1 else {
            await BlockingExecutor.shared.run { layers.discard(staged) }
            return nil
        }
        leases.take([staged.diffID])
        do {
            try await add(staged, origin: origin, doing: doing)
            return staged.diffID
        } catch {
            leases.giveBack([staged.diffID])
            throw error
        }
    }

    /// Lets a layer be used at once; the disk and the database follow.
    private func add(_ staged: LayerStore.Staged, origin: JSONObject, doing: String) async throws {
        // Of a tree of files only the whole file system can be waited for.
        guard staged.form == .erofs, staged.blob == nil else {
            _ = try await write(layers: [try await settle(staged)], images: [], origin: origin)
            return
        }
        let (layers, database, turn) = (layers, database, turn)
        let settling = LayerSettling(layers: layers, mounts: mounts, database: database, turn: turn)
        try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) {
                try turn.run {
                    let row = try database.read { tables in try tables.layer(diffID: staged.diffID.description) }
                    let isKnown = row.map { layers.hasFiles(of: staged.diffID, form: $0.form) } ?? false
                    guard !isKnown, layers.unsettled.form(of: staged.diffID) == nil else {
                        return layers.discard(staged)
                    }
                    do {
                        try layers.name(staged)
                    } catch {
                        layers.discard(staged)
                        throw error
                    }
                    layers.unsettled.add(staged, origin: origin) { settling.run($0) }
                }
            }
        }
    }

    /// Waits until layers that were added are on the disk, and known after a crash.
    ///
    /// - Throws: `Diagnostic`: why one of them could not be kept.
    package nonisolated func settleLayers(_ layers: some Sequence<Digest>) async throws(Diagnostic) {
        try await self.layers.unsettled.wait(for: layers)
    }

    /// Makes an image of layers that are in the store.
    ///
    /// - Parameter manifest: the manifest that registries get; nil makes one when it is pushed.
    package func makeImage(
        _ config: ImageConfig, as references: [ImageReference], manifest: [UInt8]? = nil, attributes: JSONObject
    ) async throws -> StoredImage {
        try await save(
            NewImage(
                configBytes: config.serialized(), config: config, manifest: manifest, references: references,
                attributes: attributes), newLayer: nil)
    }
}

/// The files of a layer that is being written.
package struct LayerDraft {
    private let staging: LayerStore.Staging

    init(_ staging: LayerStore.Staging) { self.staging = staging }

    /// Where the EROFS image goes.
    package var image: SharedDescriptor { staging.image }

    /// Starts the recipe that gives back the tar.
    package func startRecipe() throws -> TarRecipeWriter { try staging.startRecipe() }
}
