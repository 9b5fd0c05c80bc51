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
    }

    /// Writes a layer aside with `body`, which fills the image file it is given.
    ///
    /// - Throws: whatever `body` throws; nothing is left behind then.
    func stage(_ body: (SharedDescriptor) throws -> WrittenLayer) throws -> Staged {
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

    private func fill(_ directory: String, _ body: (SharedDescriptor) throws -> WrittenLayer) throws -> Staged {
        let path = directory + "/layer.erofs"
        let file = try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o644).shared()
        let written = try body(file)
        let diffID = try BlobStore.digest(hex: written.diffHex)
        let form: LayerForm = backing == .directory ? .tree : .erofs
        switch form {
        case .tree:
            let tree = directory + "/tree"
            try Files.makeDirectory(tree, mode: 0o755)
            let root = try Files.open(tree, [.readOnly, .directory]).shared()
            try LayerUnpacker.unpack(written.tree, image: file, into: root)
            try Files.unlink(path)
        case .erofs:
            try Files.makeDirectory(directory + "/mnt", mode: 0o755)
        }
        try Files.chmod(directory, mode: 0o755)
        return Staged(
            directory: directory, diffID: diffID, size: Int64(clamping: written.image.size),
            tarBytes: written.tarBytes, entries: written.image.inodes, form: form, newest: written.newest)
    }

    /// Waits until a staged layer is on the disk.
    func synchronize(_ staged: Staged) throws {
        switch staged.form {
        case .erofs:
            try Files.open(staged.directory + "/layer.erofs").synchronize()
            try Files.open(staged.directory, [.readOnly, .directory]).synchronize()
        case .tree:
            // One wait for thousands of files.
            try Files.open(staged.directory, [.readOnly, .directory]).synchronizeFileSystem()
        }
    }

    /// Makes a staged layer part of the store.
    ///
    /// A layer that is there already stays, and the staged one goes.
    func commit(_ staged: Staged) throws {
        let target = layout.layer(staged.diffID)
        if Files.exists(target) {
            try Files.removeTree(staged.directory)
            return
        }
        do {
            try Files.rename(staged.directory, to: target, replace: false)
            try Files.synchronizeDirectory(of: target)
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
            guard Files.exists(directory + "/layer.erofs") else { return nil }
            return try ErofsImage.hash(of: try Files.open(directory + "/layer.erofs").shared())
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
