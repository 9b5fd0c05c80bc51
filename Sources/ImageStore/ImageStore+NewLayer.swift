import Archives
import Diagnostics
import JSONText
import Linux
import OCI

/// Where the files of a new layer come from.
package enum LayerFiles: Sendable {
    /// A tar, plain or compressed, that is read to its end.
    case tar(SharedDescriptor)
    /// What a container wrote: the upper directory of its overlay.
    ///
    /// Paths are left out where there is nothing in them.
    case upperDirectory(SharedDescriptor, leavingOutIfEmpty: Set<String>)
}

extension ImageStore {
    /// Makes an image with one more layer than its config tells of.
    ///
    /// A directory without files makes no layer, and the last step of the history says so.
    ///
    /// - Parameters:
    ///   - files: nil where there is nothing but the configuration.
    ///   - config: that of the new image; its layers are in the store already, its history tells of the new one too.
    ///   - doing: what is done, for messages.
    /// - Throws: `Diagnostic`, naming the file or entry that is refused. The store is as before then.
    package func makeImage(
        of files: LayerFiles?, on config: ImageConfig, as reference: ImageReference?, origin: JSONObject, doing: String
    ) async throws -> StoredImage {
        let lower = config.diffIDs
        leases.take(lower)
        defer { leases.giveBack(lower) }
        let layers = layers
        let cancellation = CancellationFlag()
        guard let files else { return try await makeImage(on: config, as: reference, origin: origin) }
        return try await withTaskCancellationHandler {
            let staged = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                try reporting(doing) { try Self.stage(files, in: layers, cancellation) }
            }
            if case .upperDirectory = files, staged.entries <= 1 {
                await BlockingExecutor.shared.run { layers.discard(staged) }
                return try await makeImage(on: config, as: reference, origin: origin)
            }
            var config = config
            config.diffIDs.append(staged.diffID)
            return try await save(
                config, reference: reference, newLayer: try await settle(staged), attributes: origin)
        } onCancel: {
            cancellation.cancel()
        }
    }

    private func makeImage(
        on config: ImageConfig, as reference: ImageReference?, origin: JSONObject
    ) async throws -> StoredImage {
        var config = config
        if let last = config.history.indices.last { config.history[last].emptyLayer = true }
        return try await save(config, reference: reference, newLayer: nil, attributes: origin)
    }

    private static func stage(
        _ files: LayerFiles, in layers: LayerStore, _ cancellation: CancellationFlag
    ) throws -> LayerStore.Staged {
        switch files {
        case .tar(let archive):
            return try layers.stage(tar: CancellableSource(DescriptorSource(archive), cancellation))
        case .upperDirectory(let root, let leftOut):
            var choices = DirectoryWalker.Choices()
            choices.leavesOutIfEmpty = Set(leftOut.map { Array($0.utf8) })
            return try layers.stage { staging in
                let recipe = try staging.startRecipe()
                return try LayerWriter.write(
                    directory: root, to: staging.image, recipe: recipe, choices: choices)
            }
        }
    }
}
