import Linux
import Runtime

extension BuildEngine {
    /// Removes what steps left that an earlier daemon did not end: processes, control groups, directories.
    ///
    /// - Returns: what is worth telling.
    package func removeLeftovers() async -> [String] {
        let steps = stepsDirectory
        let left: [(path: String, cgroup: String?)]
        do {
            left = try await BlockingExecutor.shared.run { () throws(SystemError) in
                try StepWorkspace.left(in: steps)
            }
        } catch {
            return ["what builds left cannot be looked for: \(error)"]
        }
        var notes: [String] = []
        for (path, group) in left {
            do {
                // Its processes died with the link to the daemon, but perhaps not yet.
                if let group, !group.isEmpty { try await runtime.removeTransient(cgroupPath: group) }
                try await BlockingExecutor.shared.run { () throws(SystemError) in try Files.removeTree(path) }
            } catch {
                notes.append("what a step of a build left cannot be removed: \(error)")
            }
        }
        let store = cacheMountStore
        do {
            try await BlockingExecutor.shared.run { () throws(SystemError) in try store.removeHalves() }
        } catch {
            notes.append("a cache of builds that is half made cannot be removed: \(error)")
        }
        if !left.isEmpty { notes.append("removed what \(left.count) steps of builds left") }
        return notes
    }
}
