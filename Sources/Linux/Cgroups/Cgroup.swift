/// One control group, in every tree it is in.
///
/// Its functions block: call them from `BlockingExecutor`.
package struct Cgroup: Sendable, Hashable {
    package let hierarchy: CgroupHierarchy
    /// Below the root of each tree.
    package let path: String

    var isV2: Bool { hierarchy.version == .v2 }

    /// The group's directory in each tree.
    package var directories: [String] { hierarchy.roots.map { "\($0)/\(path)" } }

    /// The files a process's number is written to for it to become a member.
    private var processFiles: [String] { directories.map { "\($0)/cgroup.procs" } }

    /// The files a process of one thread writes 0 to, to become a member.
    ///
    /// By cgroup v1's `tasks` a thread moves itself without the lock of `cgroup.procs`, for which the kernel waits 7 to
    /// 15 ms, a grace period, when nobody moved lately (cgroup_procs_write_start, Linux 5.5).
    package var entryFiles: [String] { directories.map { "\($0)/\(isV2 ? "cgroup.procs" : "tasks")" } }

    /// Whether it is there, in every tree.
    package var exists: Bool { directories.allSatisfy { Files.exists($0) } }

    /// Makes the group and those above it; one that is there is fine.
    package func create() throws(SystemError) {
        if isV2 { try delegateControllersAgain() }
        for directory in directories { try Files.makeDirectories(directory) }
        if !isV2 { try inheritCPUSetV1() }
    }

    /// Adds a process.
    package func add(_ pid: Int32) throws(SystemError) {
        for file in processFiles { try Files.writeExisting(file, "\(pid)") }
    }

    /// The processes in it and in groups below, in one tree: every process is in all of them.
    package func processes() throws(SystemError) -> [Int32] {
        guard let directory = directories.last else { return [] }
        var pids: Set<Int32> = []
        try collect(directory, into: &pids)
        return pids.sorted()
    }

    private func collect(_ directory: String, into pids: inout Set<Int32>) throws(SystemError) {
        do throws(SystemError) {
            for line in try Files.readText("\(directory)/cgroup.procs").split(separator: "\n") {
                // 0 stands for a process that our pid namespace cannot see.
                if let pid = Int32(line), pid > 0 { pids.insert(pid) }
            }
            for entry in try Files.list(directory) where entry.kind == .directory {
                try collect("\(directory)/\(entry.name)", into: &pids)
            }
        } catch let error where error.errno == .ENOENT || error.errno == .ENODEV {
            return
        }
    }

    /// The same, again when an empty group above was removed meanwhile, as is done when the last group in it ended.
    private func delegateControllersAgain() throws(SystemError) {
        for _ in 0..<8 {
            do throws(SystemError) {
                return try delegateControllers()
            } catch let error where error.errno == .ENOENT || error.errno == .ENODEV {
                continue
            }
        }
        try delegateControllers()
    }

    /// In a version 2 tree a group has the controllers its parent passes on, from the root down.
    private func delegateControllers() throws(SystemError) {
        guard var directory = hierarchy.unifiedRoot else { return }
        let wanted = ["cpu", "cpuset", "io", "memory", "pids"].filter(hierarchy.controllers.contains).map { "+\($0)" }
        for part in path.split(separator: "/") {
            if !wanted.isEmpty {
                try Files.writeExisting("\(directory)/cgroup.subtree_control", wanted.joined(separator: " "))
            }
            directory += "/\(part)"
            try Files.makeDirectories(directory)
        }
    }

    /// The path of a file of a controller; nil without that controller.
    func file(_ controller: String, _ name: String) -> String? {
        hierarchy.root(for: controller).map { "\($0)/\(path)/\(name)" }
    }

    /// The text of a file; nil when the kernel does not have it.
    func read(_ controller: String, _ name: String) throws(SystemError) -> String? {
        guard let file = file(controller, name) else { return nil }
        do throws(SystemError) {
            let text = try Files.readText(file)
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        } catch let error where error.errno == .ENOENT && Files.exists(file.parentDirectory) {
            return nil
        }
    }

    /// The number in a file; nil when the kernel does not have it, or it says `max`.
    func number(_ controller: String, _ name: String) throws(SystemError) -> Int64? {
        try read(controller, name).flatMap { Int64($0) }
    }

    /// A file of `key value` lines.
    func table(_ controller: String, _ name: String) throws(SystemError) -> [String: Int64] {
        Self.parseTable(try read(controller, name) ?? "")
    }

    /// The numbers of a text like /proc/meminfo: `key: value unit`.
    static func parseTable(colonsIn text: String) -> [String: Int64] {
        var result: [String: Int64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":")
            guard parts.count == 2, let word = parts[1].split(separator: " ").first, let value = Int64(word) else {
                continue
            }
            result[String(parts[0])] = value
        }
        return result
    }

    static func parseTable(_ text: String) -> [String: Int64] {
        var result: [String: Int64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = Int64(parts[1]) { result[String(parts[0])] = value }
        }
        return result
    }
}

extension String {
    /// All before the last slash.
    var parentDirectory: String { lastIndex(of: "/").map { String(self[..<$0]) } ?? "." }
}
