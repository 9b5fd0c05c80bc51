import Dockerfile
import Linux
import OCI

extension BuildEngine {
    /// Files of layers as a tree, lowest layer first: a merged view, which no path leads to.
    ///
    /// The layers are held for as long as the tree is.
    package func tree(of layers: [Digest]) async throws -> FileTree {
        let directories = try await host.holdLayers(layers)
        let hold = LayerHold(layers, host)
        let (scratch, empty) = ("\(runDirectory)/tree-\(try Random.hex(bytes: 8))", "\(runDirectory)/empty")
        let root = try await BlockingExecutor.shared.run {
            try Files.makeDirectories(empty, mode: 0o755)
            if directories.isEmpty { return try Files.open(empty, [.readOnly, .directory]).shared() }
            return try MergedView.open(directories, scratch: scratch, empty: empty)
        }
        return FileTree(
            root: root, known: nil, belongsToRoot: false, memo: layerMemos[layers], lifetime: hold)
    }

    /// The digest of what is at a path of a tree: what a bind mount shows.
    ///
    /// - Throws: `BuildFailure`.
    package func contentDigest(of tree: FileTree, path: String) async throws -> String {
        do {
            return try await tree.reading { cancellation in
                let key = DigestMemo.Key(path: path, ignored: tree.ignored)
                if let digest = tree.memo?.digest(key) { return digest }
                let digest = try TransferDigest.digest(
                    of: try TreeReader(tree), path: TreePath.clean(path), cancellation)
                tree.memo?.set(digest, for: key)
                return digest
            }
        } catch {
            throw BuildFailure.transferring("reading \(path)", error)
        }
    }
}

/// Gives layers back at the end of its life.
private final class LayerHold: Sendable {
    private let layers: [Digest]
    private let host: any BuildHost

    init(_ layers: [Digest], _ host: any BuildHost) {
        self.layers = layers
        self.host = host
    }

    deinit {
        let (layers, host) = (layers, host)
        Task { await host.giveBackLayers(layers) }
    }
}
