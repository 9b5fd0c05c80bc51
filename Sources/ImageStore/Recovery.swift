import Linux
import OCI
import StateStore

/// Brings the files in line with the database when the store opens: what a crash left unfinished goes.
///
/// A layer or blob counts once the database has its image. So nothing has to be finished, only removed.
struct Recovery {
    let layout: StoreLayout
    let database: StateDatabase
    let blobs: BlobStore
    let layers: LayerStore
    let mounts: LayerMounts

    /// Makes the directories there are in every store.
    static func makeDirectories(_ layout: StoreLayout) throws {
        try Files.makeDirectories(layout.blobs, mode: 0o700)
        try Files.makeDirectories(layout.layers, mode: 0o700)
        // What is in images is nobody's business but that of whoever may use the engine.
        for path in [layout.root + "/blobs", layout.layers] { try Files.chmod(path, mode: 0o700) }
    }

    /// - Returns: what could not be removed, for the daemon's log. It takes room and does no harm: no image is refused
    ///   because of it.
    /// - Throws: when the store's directories cannot be read, or the database cannot.
    func run() throws -> [String] {
        var notes: [String] = []
        func attempt(_ path: String, _ body: () throws -> Void) {
            do { try body() } catch { notes.append("\(path) cannot be removed from the image store: \(error)") }
        }
        for path in [layout.incoming, layout.removed] { attempt(path) { try Files.removeTree(path) } }
        attempt(layout.partials) {
            _ = try PartialBlobs(layout: layout).removeOld(now: Clock.now().seconds, busy: [])
        }
        let known = try database.read { tables in
            (layers: try tables.layers(), images: try tables.images())
        }
        let layerNames = Set(known.layers.map(\.diffID))
        for diffID in try layers.list() where !layerNames.contains(diffID.description) {
            attempt(layout.layer(diffID)) {
                try mounts.unmount(diffID)
                try layers.remove(diffID)
            }
        }
        var kept = Set(known.images.flatMap { [$0.id] + ($0.manifestDigest.map { [$0] } ?? []) })
        for layer in known.layers { kept.formUnion(layer.blobs.map(\.digest.description)) }
        for blob in try blobs.list() where !kept.contains(blob.digest.description) {
            attempt(layout.blob(blob.digest)) { try blobs.remove(blob.digest) }
        }
        for name in try blobs.listUnfinished() {
            attempt(layout.blobs + "/" + name) { try Files.removeTree(layout.blobs + "/" + name) }
        }
        return notes
    }
}
