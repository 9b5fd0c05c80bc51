import Linux
import Testing

@testable import Networking

/// What the host has of a data root, one line for each thing.
///
/// Ids, addresses and numbers are left out, so that two states that are alike have the same lines.
struct HostTraces: Sendable, Hashable {
    /// Sorted.
    private(set) var lines: [String] = []

    /// Looks at links, rules, control groups, mounts, processes and files.
    init(of lab: ProgramLab) throws {
        let ids = try lab.everyContainer()
        lines += try Self.links(lab)
        lines += try Self.rules(lab)
        lines += try Self.groups(ids)
        lines += try Self.mounts(lab)
        lines += try Self.processes(lab, ids)
        for part in ["containers", "volumes", "networks"] { lines += Self.files("\(lab.root)/\(part)", part, depth: 2) }
        lines = lines.map(Self.nameless).sorted()
    }

    /// All but the layers of images: they stay mounted for a while after their last use.
    var withoutLayers: [String] { lines.filter { !$0.hasPrefix("mount layers/") } }

    private static func links(_ lab: ProgramLab) throws -> [String] {
        try RouteSocket.open(in: lab.network.raw).links().filter { $0.name.hasPrefix("sc") }.map {
            $0.name.hasPrefix("scv") ? "link of a container" : "bridge"
        }
    }

    private static func rules(_ lab: ProgramLab) throws -> [String] {
        let table = Firewall.tableName(root: lab.root)
        return try HostNamespace.run(in: lab.network) {
            let session = try NftablesSession()
            // Another table would be one that a daemon lost hold of.
            let others = try session.tables().subtracting([table]).map { "table \($0)" }
            guard try session.tables().contains(table) else { return others }
            let listed = try session.run("list table inet \(table)").split(separator: "\n").map { line in
                "rule " + line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
            }
            return others + listed.filter { $0 != "rule }" }
        }
    }

    private static func groups(_ ids: Set<String>) throws -> [String] {
        try ids.flatMap { id in
            try CgroupHierarchy.detect().group("stackctl/\(id)").directories.filter { Files.exists($0) }
                .map { "cgroup \($0)" }
        }
    }

    private static func mounts(_ lab: ProgramLab) throws -> [String] {
        try Mounts.table().compactMap { entry in
            guard entry.target.hasPrefix(lab.root + "/") else { return nil }
            return "mount \(entry.target.dropFirst(lab.root.count + 1))"
        }
    }

    /// Supervisors, the name server, and whatever else is in a container's control group or names the data root.
    private static func processes(_ lab: ProgramLab, _ ids: Set<String>) throws -> [String] {
        try members(of: lab, ids).compactMap { pid in
            guard let line = try? Files.readText("/proc/\(pid)/cmdline", limit: 4096),
                !line.hasPrefix("nsenter\0"), !line.contains("\0daemon\0")
            else { return nil }
            return "process \(line.split(separator: "\0").prefix(2).joined(separator: " "))"
        }
    }

    /// The daemons that have the data root, or are about to.
    static func daemons(of lab: ProgramLab) throws -> [Int32] {
        try members(of: lab, []).filter { pid in
            (try? Files.readText("/proc/\(pid)/cmdline", limit: 4096))?.contains("\0daemon\0") ?? false
        }
    }

    /// The processes that belong to the data root, a daemon and clients among them.
    static func members(of lab: ProgramLab, _ ids: Set<String>) throws -> [Int32] {
        var members: Set<Int32> = []
        for id in ids {
            let group = try CgroupHierarchy.detect().group("stackctl/\(id)")
            members.formUnion((try? group.processes()) ?? [])
        }
        return try Files.list("/proc").compactMap { entry in
            guard let pid = Int32(entry.name), pid != CurrentProcess.pid,
                let line = try? Files.readText("/proc/\(pid)/cmdline", limit: 4096), !line.isEmpty
            else { return nil }
            return members.contains(pid) || line.contains(lab.root) || holdsFile(pid, below: lab.root) ? pid : nil
        }
    }

    private static func holdsFile(_ pid: Int32, below root: String) -> Bool {
        let links = (try? Files.list("/proc/\(pid)/fd")) ?? []
        return links.contains { link in
            (try? Files.readLink("/proc/\(pid)/fd/\(link.name)"))?.hasPrefix(root + "/") ?? false
        }
    }

    private static func files(_ directory: String, _ shown: String, depth: Int) -> [String] {
        guard depth > 0, let entries = try? Files.list(directory) else { return [] }
        return entries.flatMap { entry -> [String] in
            let name = "\(shown)/\(entry.name)"
            let inner = entry.kind == .directory ? files("\(directory)/\(entry.name)", name, depth: depth - 1) : []
            return ["file \(name)"] + inner
        }
    }

    /// Ids become `*`, IPv4 addresses `IP`.
    private static func nameless(_ line: String) -> String {
        line.replacing(/[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/, with: "IP").replacing(/[0-9a-f]{8,}/, with: "*")
    }
}
