import Linux

/// What a launch needs to know of a container's cgroup: paths, as values.
package struct CgroupLayout: Sendable, Hashable {
    /// The files a process writes 0 to, to be in the group.
    package var entryFiles: [String]
    /// Whether the controllers are those of cgroup v2, so that a process can be made inside the group.
    package var isUnified: Bool
    /// The file with the number of out-of-memory kills.
    package var memoryEvents: String?
    /// The controllers of each cgroup v1 hierarchy, to mount in the container; empty with v2.
    package var controllers: [[String]]
    /// The group's directory in each of these hierarchies.
    package var directories: [String]

    package init(
        entryFiles: [String], isUnified: Bool, memoryEvents: String? = nil, controllers: [[String]] = [],
        directories: [String] = []
    ) {
        self.directories = directories
        self.entryFiles = entryFiles
        self.isUnified = isUnified
        self.memoryEvents = memoryEvents
        self.controllers = controllers
    }

    /// The layout of a group on this host.
    package init(_ group: Cgroup) {
        let hierarchy = group.hierarchy
        let isUnified = hierarchy.version == .v2
        var controllers: [String: [String]] = [:]
        for (name, mountPoint) in hierarchy.mounts { controllers[mountPoint, default: []].append(name) }
        let eventsRoot = isUnified ? hierarchy.unifiedRoot : hierarchy.mounts["memory"]
        let eventsName = isUnified ? "memory.events" : "memory.oom_control"
        let trees = controllers.map { (names: $1.sorted(), directory: "\($0)/\(group.path)") }
            .sorted { $0.names.joined() < $1.names.joined() }
        self.init(
            entryFiles: group.entryFiles, isUnified: isUnified,
            memoryEvents: eventsRoot.map { "\($0)/\(group.path)/\(eventsName)" },
            controllers: trees.map(\.names), directories: trees.map(\.directory))
    }
}
