import Linux

/// The directory of one step: what it writes, and what is made for it.
struct StepWorkspace: Sendable {
    /// Unique among the steps of a host.
    let id: String
    let path: String

    /// Where the file with the path of its control group is: what a later daemon looks for.
    private var groupFile: String { "\(path)/cgroup" }
    /// A directory with nothing in it.
    var empty: String { "\(path)/empty" }
    /// What the process writes.
    var upper: String { "\(path)/upper" }

    /// Makes the directories.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - steps: the directory of all steps.
    ///   - lower: the directory whose owner and mode the root has; nil for none.
    static func make(
        in steps: String, id: String, cgroupPath: String, rootLike lower: String?
    ) throws(SystemError) -> StepWorkspace {
        let workspace = StepWorkspace(id: id, path: "\(steps)/\(id)")
        try Files.makeDirectories(workspace.path, mode: 0o700)
        do throws(SystemError) {
            try Files.write(workspace.groupFile, Array(cgroupPath.utf8), mode: 0o600)
            for name in ["upper", "work", "rootfs", "places", "places-work"] {
                try Files.makeDirectory("\(workspace.path)/\(name)", mode: 0o755)
            }
            if lower == nil { try Files.makeDirectory(workspace.empty, mode: 0o755) }
            let root = try lower.map { path throws(SystemError) in try Files.status(path) }
            // Whatever this process's mask takes away.
            try Files.chmod(workspace.upper, mode: root.map { $0.mode & 0o7777 } ?? 0o755)
            if let root {
                if root.uid != 0 || root.gid != 0 {
                    try Files.chown(workspace.upper, uid: root.uid, gid: root.gid)
                }
                try Files.setTimes(workspace.upper, modified: root.modified)
            }
        } catch {
            try? Files.removeTree(workspace.path)
            throw error
        }
        return workspace
    }

    /// A directory of its own for a mount whose changes are thrown away.
    ///
    /// Blocks.
    func makeScratch(_ number: Int) throws(SystemError) -> String {
        let directory = "\(path)/scratch-\(number)"
        try Files.makeDirectory(directory, mode: 0o700)
        for name in ["upper", "work"] { try Files.makeDirectory("\(directory)/\(name)", mode: 0o755) }
        return directory
    }

    /// Removes the directory.
    ///
    /// Blocks.
    func remove() throws(SystemError) { try Files.removeTree(path) }

    /// The control groups of steps that an earlier daemon did not end, with their directories.
    ///
    /// Blocks.
    static func left(in steps: String) throws(SystemError) -> [(path: String, cgroup: String?)] {
        guard Files.exists(steps) else { return [] }
        return try Files.list(steps).map { entry in
            let path = "\(steps)/\(entry.name)"
            return (path, try? Files.readText("\(path)/cgroup", limit: 4_096))
        }
    }
}
