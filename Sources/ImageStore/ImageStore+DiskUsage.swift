import Diagnostics
import Linux
import OCI
import StateStore

extension ImageStore {
    /// What the store takes on the disk.
    package func diskUsage() async throws -> ImageDiskUsage {
        let (layers, database) = (layers, database)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("measuring the store") {
                let rows = try database.read { tables in (images: try tables.images(), layers: try tables.layers()) }
                let layout = layers.layout
                var usage = ImageDiskUsage()
                usage.blobsBytes = try DiskBlocks.bytes(below: layout.blobs)
                usage.partialsBytes = try DiskBlocks.bytes(below: layout.partials)
                usage.layersBytes = try DiskBlocks.bytes(below: layout.layers)
                for image in rows.images {
                    guard let id = Digest(image.id) else { continue }
                    let own = rows.layers.filter { layer in
                        image.layers.contains(layer.diffID)
                            && !rows.images.contains { $0.id != image.id && $0.layers.contains(layer.diffID) }
                    }
                    usage.uniqueBytes[id] = own.reduce(0) { $0 + $1.size }
                }
                return usage
            }
        }
    }
}

/// What files take on the disk, as du(1) counts.
enum DiskBlocks {
    /// Bytes of a file, or of a directory and all it holds; 0 where there is nothing.
    ///
    /// A file with several names counts once, and what is mounted below not at all. Files that go meanwhile are fine.
    static func bytes(below path: String) throws(SystemError) -> Int64 {
        var seen: Set<UInt64> = []
        return try bytes(of: Array(path.utf8), seen: &seen, isTop: true)
    }

    private static func bytes(of path: [UInt8], seen: inout Set<UInt64>, isTop: Bool) throws(SystemError) -> Int64 {
        do throws(SystemError) {
            let status = try Files.status(path, followLinks: false)
            if status.isMountRoot, !isTop { return 0 }
            if status.kind != .directory {
                if status.linkCount > 1, !seen.insert(status.inode).inserted { return 0 }
                return status.blocks * 512
            }
            var total = status.blocks * 512
            for entry in try Files.list(path) {
                total += try bytes(of: path + [UInt8(ascii: "/")] + entry.nameBytes, seen: &seen, isTop: false)
            }
            return total
        } catch  where [.ENOENT, .ENOTDIR, .ENAMETOOLONG].contains(error.errno) {
            return 0
        }
    }
}
