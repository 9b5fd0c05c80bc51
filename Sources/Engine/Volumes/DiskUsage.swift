import Linux

/// Bytes on disk of a tree.
package enum DiskUsage {
    /// The sizes of all files below an open directory.
    ///
    /// Blocks.
    package static func bytes(of directory: Int32, depth: Int = 0) throws -> Int64 {
        guard depth < 200 else { return 0 }
        var sum: Int64 = 0
        for entry in try Files.list(descriptor: directory) {
            guard let status = try? Files.status(entry.nameBytes, followLinks: false, at: directory) else { continue }
            if status.kind == .directory {
                guard let inner = try? Files.open(entry.nameBytes, [.directory, .noFollow], at: directory) else {
                    continue
                }
                sum &+= try bytes(of: inner.raw, depth: depth + 1)
            } else {
                sum &+= status.size
            }
        }
        return sum
    }
}
