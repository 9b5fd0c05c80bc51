/// How control groups are mounted on this host (cgroups(7)).
package struct CgroupHierarchy: Sendable, Hashable {
    /// Which interface carries the controllers.
    package enum Version: String, Sendable {
        /// Each controller is mounted by itself.
        case v1
        /// One tree has all of them.
        case v2
        /// Version 1 carries the controllers; a version 2 tree without any is mounted beside.
        case hybrid
    }

    package let version: Version
    /// The mount point of each version 1 controller in use, by its name.
    package let mounts: [String: String]
    /// The mount point of the version 2 tree.
    package let unifiedRoot: String?
    /// The controllers there are.
    package let controllers: Set<String>

    /// The version 1 controllers a group of ours is made in, in this order.
    static let used = ["memory", "cpu", "cpuacct", "cpuset", "blkio", "pids", "devices", "freezer"]

    /// Looks at what is mounted.
    ///
    /// Throws `ENOENT` when no controller is.
    package static func detect() throws(SystemError) -> CgroupHierarchy {
        let mounts = try Mounts.table()
        var unified: Set<String> = []
        if let root = mounts.last(where: { $0.type == "cgroup2" })?.target {
            let text = try Files.readText("\(root)/cgroup.controllers")
            unified = Set(text.split { $0 == " " || $0 == "\n" }.map(String.init))
        }
        guard let hierarchy = CgroupHierarchy(mounts: mounts, unifiedControllers: unified) else {
            throw SystemError(call: "detect", errno: .ENOENT, subject: "control groups: no controller is mounted")
        }
        return hierarchy
    }

    /// Decides from a mount table and what `cgroup.controllers` of the version 2 tree says; nil when there is nothing.
    package init?(mounts table: [MountEntry], unifiedControllers: Set<String>) {
        var mounts: [String: String] = [:]
        for entry in table where entry.type == "cgroup" {
            for option in entry.superOptions where Self.used.contains(option) { mounts[option] = entry.target }
        }
        unifiedRoot = table.last { $0.type == "cgroup2" }?.target
        if mounts.isEmpty {
            guard unifiedRoot != nil else { return nil }
            version = .v2
            controllers = unifiedControllers
        } else {
            version = unifiedRoot == nil ? .v1 : .hybrid
            controllers = Set(mounts.keys)
        }
        self.mounts = mounts
    }

    /// The group at a path below the root, such as `stackctl/0123abcd`, in every tree.
    ///
    /// It need not be there yet.
    ///
    /// Throws `EINVAL` for a path that is empty, absolute or has `..`.
    package func group(_ path: String) throws(SystemError) -> Cgroup {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let bad = parts.contains { $0.isEmpty || $0 == "." || $0 == ".." || $0.utf8.contains(0) }
        if bad { throw SystemError(call: "cgroup", errno: .EINVAL, subject: path) }
        return Cgroup(hierarchy: self, path: path)
    }

    /// The names of the groups directly below a path, in any tree: to find ones nobody knows any more.
    package func children(of path: String) throws(SystemError) -> [String] {
        var names: Set<String> = []
        for root in try group(path).directories {
            do throws(SystemError) {
                for entry in try Files.list(root) where entry.kind == .directory { names.insert(entry.name) }
            } catch let error where error.errno == .ENOENT {
                continue
            }
        }
        return names.sorted()
    }

    /// Where the file of a controller is; nil without that controller.
    func root(for controller: String) -> String? {
        version == .v2 ? unifiedRoot : mounts[controller]
    }

    /// Every tree a group is made in, without repetition (`cpu` and `cpuacct` are often one mount).
    var roots: [String] {
        if version == .v2 { return unifiedRoot.map { [$0] } ?? [] }
        var roots: [String] = []
        for root in Self.used.compactMap({ mounts[$0] }) where !roots.contains(root) { roots.append(root) }
        return roots
    }
}
