import Archives
import Linux
import OCI

/// Layers on the disk.
///
/// Blocking; knows nothing of images.
struct LayerStore: Sendable {
    let layout: StoreLayout
    let backing: LayerBacking

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
        /// The compressed tar as it came; its bytes are beside the image.
        let blob: LayerBlob?
        /// Bytes of the recipe that gives back the tar; 0 where there is none.
        let recipeBytes: Int64

        /// The digest of the bytes as they came.
        var sourceDigest: Digest { blob?.digest ?? diffID }
    }

    /// The files of a layer that is being written.
    final class Staging {
        /// Where the image goes.
        let image: SharedDescriptor
        /// The compressed tar as it came, once all of it is there.
        var blob: LayerBlob?
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

        /// Starts the file that keeps the compressed tar.
        func startBlob() throws -> SharedDescriptor {
            try Files.open(
                directory + "/" + StoreLayout.blobName, [.readWrite, .create, .exclusive], mode: 0o644
            ).shared()
        }
    }

    /// Writes a layer aside with `body`, which fills the files it is given.
    ///
    /// - Throws: whatever `body` throws; nothing is left behind then.
    func stage(_ body: (Staging) throws -> WrittenLayer) throws -> Staged {
        let directory = layout.incoming + "/" + (try Random.hex(bytes: 8))
        try Files.makeDirectories(directory, mode: 0o700)
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
            let (file, hash) = (try staging.startBlob(), SHA256())
            let tee = TeeSource(peeking) { piece throws(ArchiveError) in
                hash.update(piece)
                do throws(SystemError) { try file.writeAll(piece) } catch { throw .system(error) }
            }
            let written = try LayerWriter.write(tar: tee, to: staging.image, capture: capture, progress: progress)
            try tee.forEachPiece { _ in }
            let size = Int64(clamping: hash.byteCount)
            staging.blob = LayerBlob(
                digest: try BlobStore.digest(hex: hash.finishHex()), size: size, compression: compression)
            return written
        }
    }

    private func fill(_ directory: String, _ body: (Staging) throws -> WrittenLayer) throws -> Staged {
        let staging = try Staging(directory)
        let written = try body(staging)
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
            blob: staging.blob, recipeBytes: Int64(clamping: staging.recipe?.written ?? 0))
    }

    /// Waits until a staged layer is on the disk.
    func synchronize(_ staged: Staged) throws {
        switch staged.form {
        case .erofs:
            for name in [StoreLayout.imageName, StoreLayout.recipeName, StoreLayout.blobName] {
                let path = staged.directory + "/" + name
                if Files.exists(path) { try Files.open(path).synchronize() }
            }
            try Files.open(staged.directory, [.readOnly, .directory]).synchronize()
        case .tree:
            // One wait for thousands of files.
            try Files.open(staged.directory, [.readOnly, .directory]).synchronizeFileSystem()
        }
    }

    /// Makes a staged layer part of the store.
    ///
    /// A layer that is there already stays, and the staged one goes; the compressed tar is kept all the same.
    func commit(_ staged: Staged) throws {
        do {
            if let blob = staged.blob {
                try Files.rename(
                    staged.directory + "/" + StoreLayout.blobName, to: layout.blob(blob.digest), replace: true)
                try Files.synchronizeDirectory(of: layout.blob(blob.digest))
            }
            let target = layout.layer(staged.diffID)
            if Files.exists(target) {
                try Files.removeTree(staged.directory)
            } else {
                try Files.rename(staged.directory, to: target, replace: false)
                try Files.synchronizeDirectory(of: target)
            }
        } catch {
            try? Files.removeTree(staged.directory)
            throw error
        }
    }

    /// Throws a staged layer away.
    func discard(_ staged: Staged) {
        // What cannot be removed now is removed at the next start.
        try? Files.removeTree(staged.directory)
    }

    /// Removes a layer that is not mounted.
    func remove(_ diffID: Digest) throws {
        let path = layout.layer(diffID)
        guard Files.exists(path) else { return }
        // Out of its place in one step, so that a crash does not leave half a layer under its name.
        let doomed = layout.incoming + "/" + (try Random.hex(bytes: 8))
        try Files.makeDirectories(layout.incoming, mode: 0o700)
        try Files.rename(path, to: doomed)
        try Files.removeTree(doomed)
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

    /// The hash by which `verify` knows a layer; nil when its files are not there.
    func hash(of diffID: Digest, form: LayerForm) throws -> String? {
        try hash(inside: layout.layer(diffID), form: form)
    }

    /// The hash of a staged layer.
    func hash(of staged: Staged) throws -> String? {
        try hash(inside: staged.directory, form: staged.form)
    }

    private func hash(inside directory: String, form: LayerForm) throws -> String? {
        switch form {
        case .erofs:
            guard Files.exists(directory + "/" + StoreLayout.imageName) else { return nil }
            return try ErofsImage.hash(of: try Files.open(directory + "/" + StoreLayout.imageName).shared())
        case .tree:
            guard Files.exists(directory + "/tree") else { return nil }
            return try LayerWriter.hash(
                directory: try Files.open(directory + "/tree", [.readOnly, .directory]).shared())
        }
    }
}

/// What a layer is on the disk.
enum LayerForm: String, Sendable, Hashable {
    case erofs
    case tree
}
