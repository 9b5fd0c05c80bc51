import Archives
import Linux
import OCI

/// Layers on the disk.
///
/// Blocking; knows nothing of images.
struct LayerStore: Sendable {
    let layout: StoreLayout
    let backing: LayerBacking
    let steps: StoreSteps
    /// Those that are on their way to the disk.
    let unsettled = UnsettledLayers()

    /// A layer that is written but not yet part of the store.
    struct Staged: Sendable {
        let directory: String
        let diffID: Digest
        /// Bytes on the disk.
        let size: Int64
        let tarBytes: UInt64
        let entries: Int
        let form: LayerForm
        let newest: Timestamp
        /// The compressed tar as it came.
        let blob: LayerBlob?
        /// Where its bytes are until the layer is part of the store.
        let blobPath: String?
        /// Bytes of the recipe that gives back the tar; 0 where there is none.
        let recipeBytes: Int64
        /// The checksum of the image.
        let checksum: String

        /// The digest of the bytes as they came.
        var sourceDigest: Digest { blob?.digest ?? diffID }
    }

    /// The files of a layer that is being written.
    final class Staging {
        /// Where the image goes.
        let image: SharedDescriptor
        /// The compressed tar as it came, once all of it is there.
        var blob: LayerBlob?
        /// The file with its bytes.
        var blobPath: String?
        fileprivate private(set) var recipe: TarRecipeWriter?
        private let directory: String

        fileprivate init(_ directory: String) throws {
            self.directory = directory
            image = try Files.open(
                directory + "/" + StoreLayout.imageName, [.readWrite, .create, .exclusive], mode: 0o644
            ).shared()
        }

        /// Starts the recipe that gives back the tar, for a layer whose bytes are kept nowhere else.
        func startRecipe() throws -> TarRecipeWriter {
            let path = directory + "/" + StoreLayout.recipeName
            let writer = try TarRecipeWriter(
                try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o644).shared())
            recipe = writer
            return writer
        }

        /// Starts the file that keeps the compressed tar, beside the image.
        func startBlob() throws -> SharedDescriptor {
            let path = directory + "/" + StoreLayout.blobName
            blobPath = path
            return try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o644).shared()
        }
    }

    /// Writes a layer aside with `body`, which fills the files it is given.
    ///
    /// - Throws: whatever `body` throws; nothing is left behind then.
    func stage(_ body: (Staging) throws -> WrittenLayer) throws -> Staged {
        let directory = layout.incoming + "/" + (try Random.hex(bytes: 8))
        try Files.makeDirectories(directory, mode: 0o700)
        steps.reached()
        do {
            return try fill(directory, body)
        } catch {
            // The first failure says more than one of cleaning up; the next start cleans again.
            try? Files.removeTree(directory)
            throw error
        }
    }

    /// Writes the layer that a tar describes aside, in one pass: hashed, inflated, hashed again, turned into an image.
    ///
    /// A compressed tar is kept as it is, since nobody else would compress it to the same bytes; of a plain one a
    /// recipe is kept that gives it back from the image.
    func stage(
        tar source: any ByteSource, capture: FileCapture? = nil, progress: ((UInt64) -> Void)? = nil
    ) throws -> Staged {
        let peeking = PeekingSource(SpareRoom(source, root: layout.root))
        let compression = Compression.detect(try peeking.peek(Compression.magicLength))
        return try stage { staging in
            guard compression != .none else {
                return try LayerWriter.write(
                    tar: peeking, to: staging.image, recipe: try staging.startRecipe(), capture: capture,
                    progress: progress)
            }
            let spool = SpooledBlob(try staging.startBlob(), kept: 0, size: nil) { _ in peeking }
            return try Self.write(
                spool, hash: spool.hash, compression, into: staging, capture: capture, progress: progress)
        }
    }

    /// Writes the layer aside that a blob on its way in is, which is kept where it is received.
    ///
    /// - Parameters:
    ///   - incoming: the blob, compressed, as it is read through `spool`.
    ///   - path: the file the spool writes.
    func stage(
        incoming: any ByteSource, through spool: SpooledBlob, at path: String
    ) throws -> Staged {
        let peeking = PeekingSource(SpareRoom(incoming, root: layout.root))
        let compression = Compression.detect(try peeking.peek(Compression.magicLength))
        return try stage { staging in
            staging.blobPath = path
            return try Self.write(peeking, hash: spool.hash, compression, into: staging)
        }
    }

    private static func write(
        _ source: any ByteSource, hash: SHA256, _ compression: Compression, into staging: Staging,
        capture: FileCapture? = nil, progress: ((UInt64) -> Void)? = nil
    ) throws -> WrittenLayer {
        let written = try LayerWriter.write(tar: source, to: staging.image, capture: capture, progress: progress)
        // What follows the compressed stream belongs to the blob.
        try source.forEachPiece { _ in }
        let size = Int64(clamping: hash.byteCount)
        staging.blob = LayerBlob(
            digest: try BlobStore.digest(hex: hash.finishHex()), size: size, compression: compression)
        return written
    }

    private func fill(_ directory: String, _ body: (Staging) throws -> WrittenLayer) throws -> Staged {
        let staging = try Staging(directory)
        let written = try body(staging)
        steps.reached()
        let diffID = try BlobStore.digest(hex: written.diffHex)
        let form: LayerForm = backing == .directory ? .tree : .erofs
        switch form {
        case .tree:
            let tree = directory + "/tree"
            try Files.makeDirectory(tree, mode: 0o755)
            let root = try Files.open(tree, [.readOnly, .directory]).shared()
            try LayerUnpacker.unpack(written.tree, image: staging.image, into: root)
            // A recipe refers to the image.
            if staging.recipe == nil { try Files.unlink(directory + "/" + StoreLayout.imageName) }
        case .erofs:
            try Files.makeDirectory(directory + "/mnt", mode: 0o755)
        }
        try Files.chmod(directory, mode: 0o755)
        return Staged(
            directory: directory, diffID: diffID, size: Int64(clamping: written.image.size),
            tarBytes: written.tarBytes, entries: written.image.inodes, form: form, newest: written.newest,
            blob: staging.blob, blobPath: staging.blobPath, recipeBytes: Int64(clamping: staging.recipe?.written ?? 0),
            checksum: written.image.checksum)
    }

    /// Waits until a staged layer is on the disk, and takes down the hash by which `verify` knows it.
    func settle(_ staged: Staged) throws -> SettledLayer {
        defer { steps.reached() }
        switch staged.form {
        case .erofs:
            let names = [StoreLayout.imageName, StoreLayout.recipeName]
            for path in names.map({ staged.directory + "/" + $0 }) where Files.exists(path) {
                try Files.open(path).synchronize()
            }
            if let path = staged.blobPath { try Files.open(path).synchronize() }
            try Files.open(staged.directory, [.readOnly, .directory]).synchronize()
            return SettledLayer(layer: staged, hash: staged.checksum)
        case .tree:
            // One wait for thousands of files, and for the blob.
            try Files.open(staged.directory, [.readOnly, .directory]).synchronizeFileSystem()
            let root = try Files.open(staged.directory + "/tree", [.readOnly, .directory]).shared()
            return SettledLayer(layer: staged, hash: try LayerWriter.hash(directory: root))
        }
    }

    /// Makes a staged layer part of the store; `synchronizeNames` makes it last.
    ///
    /// A layer that is there already stays, and the staged one goes; the compressed tar is kept all the same.
    func commit(_ staged: Staged) throws {
        do {
            if let blob = staged.blob, let path = staged.blobPath {
                try Files.rename(path, to: layout.blob(blob.digest), replace: true)
                steps.reached()
            }
            let target = layout.layer(staged.diffID)
            if Files.exists(target) {
                if unsettled.form(of: staged.diffID) != nil { try synchronize(named: staged.diffID) }
                try Files.removeTree(staged.directory)
            } else {
                try Files.rename(staged.directory, to: target, replace: false)
            }
            steps.reached()
        } catch {
            try? Files.removeTree(staged.directory)
            throw error
        }
    }

    /// Gives a staged layer its name without waiting for the disk; what is there under that name must not be known.
    func name(_ staged: Staged) throws {
        try remove(staged.diffID)
        try Files.rename(staged.directory, to: layout.layer(staged.diffID), replace: false)
        steps.reached()
    }

    /// Waits until the files of a layer that has its name are on the disk.
    func synchronize(named diffID: Digest) throws {
        for path in [layout.image(diffID), layout.recipe(diffID)] where Files.exists(path) {
            try Files.open(path).synchronize()
        }
        try Files.open(layout.layer(diffID), [.readOnly, .directory]).synchronize()
        steps.reached()
    }

    /// Waits until the names of layers and blobs are on the disk.
    func synchronizeNames() throws {
        for directory in [layout.blobs, layout.layers] {
            try Files.synchronizeDirectory(of: directory + "/.")
        }
    }

    /// Throws a staged layer away.
    func discard(_ staged: Staged) {
        // What cannot be removed now is removed at the next start.
        try? Files.removeTree(staged.directory)
    }

    /// Takes a layer that is not mounted out of the store in one step, so that a crash does not leave half of it under
    /// its name.
    ///
    /// - Returns: what is left to be removed; nil where there was nothing.
    func detach(_ diffID: Digest) throws -> String? {
        let path = layout.layer(diffID)
        return Files.exists(path) ? try detach(path: path) : nil
    }

    /// Takes a blob out of the store, as `detach(_:)` does a layer.
    func detach(blob digest: Digest) throws -> String? {
        let path = layout.blob(digest)
        return Files.exists(path) ? try detach(path: path) : nil
    }

    private func detach(path: String) throws -> String {
        let doomed = layout.removed + "/" + (try Random.hex(bytes: 8))
        try Files.makeDirectories(layout.removed, mode: 0o700)
        try Files.rename(path, to: doomed)
        return doomed
    }

    /// Removes a layer that is not mounted.
    func remove(_ diffID: Digest) throws {
        if let doomed = try detach(diffID) { try Files.removeTree(doomed) }
    }

    /// Whether a layer's files are there.
    func hasFiles(of diffID: Digest, form: String) -> Bool {
        switch LayerForm(rawValue: form) {
        case .erofs: Files.exists(layout.image(diffID))
        case .tree: Files.exists(layout.tree(diffID))
        case nil: false
        }
    }

    /// The layers that have a directory, whether the database knows them or not.
    func list() throws -> [Digest] {
        try Files.list(layout.layers).compactMap { Digest(sha256Hex: $0.name) }
    }

    /// Whether a layer's files are those of a hash that was taken down; nil when they are not there.
    func isIntact(_ diffID: Digest, form: LayerForm, hash: String) throws -> Bool? {
        switch form {
        case .erofs:
            guard Files.exists(layout.image(diffID)) else { return nil }
            let image = try Files.open(layout.image(diffID)).shared()
            // A store may have been begun by a build that took down the SHA-256 of the whole file.
            guard hash.utf8.count == 64 else { return try ErofsImage.checksum(of: image) == hash }
            let whole = SHA256()
            try DescriptorSource(image).forEachPiece { whole.update($0) }
            return whole.finishHex() == hash
        case .tree:
            guard Files.exists(layout.tree(diffID)) else { return nil }
            let root = try Files.open(layout.tree(diffID), [.readOnly, .directory]).shared()
            return try LayerWriter.hash(directory: root) == hash
        }
    }
}

/// What a layer is on the disk.
enum LayerForm: String, Sendable, Hashable {
    case erofs
    case tree
}
