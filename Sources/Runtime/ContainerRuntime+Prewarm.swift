import Linux

extension ContainerRuntime {
    /// Pays, ahead and beside other work, for what moving a process between cgroup v1 groups costs first.
    ///
    /// The kernel's first such move after a pause waits for a grace period, 7 to 15 ms; those soon after it do not. So
    /// this process is "moved" to the group it is in, while the container's network and mounts are made. With cgroup v2
    /// a process is made inside its group, and there is nothing to pay. Call it as soon as a start is known to come.
    package func prewarm() async {
        guard cgroups.version != .v2, let file = ownGroupFile() else { return }
        await BlockingExecutor.shared.run {
            guard let file = try? Files.open(file, .writeOnly) else { return }
            try? file.writeAll(Array("\(CurrentProcess.pid)".utf8))
        }
    }

    /// The list of the group this process is in, in one tree of version 1.
    private func ownGroupFile() -> String? {
        guard let text = try? Files.readText("/proc/self/cgroup") else { return nil }
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, let name = fields[1].split(separator: ",").first,
                let root = cgroups.mounts[String(name)]
            else { continue }
            return root + (fields[2] == "/" ? "" : String(fields[2])) + "/cgroup.procs"
        }
        return nil
    }
}
