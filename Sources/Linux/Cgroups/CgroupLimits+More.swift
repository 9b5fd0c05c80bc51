/// The limits that fewer containers ask for.
///
/// What a group has not been asked for is left as the kernel made it.
extension Cgroup {
    func applyMoreV1(_ limits: CgroupLimits) throws(SystemError) {
        if let reservation = limits.memoryReservationBytes {
            try write("memory", "memory.soft_limit_in_bytes", "\(reservation)")
        }
        if let swappiness = limits.memorySwappiness { try write("memory", "memory.swappiness", "\(swappiness)") }
        if limits.disablesOutOfMemoryKiller { try write("memory", "memory.oom_control", "1") }
        try applyRealtimeV1(limits)
        if !limits.cpuSet.isEmpty { try write("cpuset", "cpuset.cpus", limits.cpuSet) }
        if !limits.memoryNodes.isEmpty { try write("cpuset", "cpuset.mems", limits.memoryNodes) }
        try applyBlockV1(limits.blockIO)
    }

    func applyMoreV2(_ limits: CgroupLimits) throws(SystemError) {
        if let reservation = limits.memoryReservationBytes { try write("memory", "memory.low", "\(reservation)") }
        if !limits.cpuSet.isEmpty { try write("cpuset", "cpuset.cpus", limits.cpuSet) }
        if !limits.memoryNodes.isEmpty { try write("cpuset", "cpuset.mems", limits.memoryNodes) }
        try applyBlockV2(limits.blockIO)
    }

    /// A group's real-time CPU is a part of its parent's: the groups above it are given theirs first.
    private func applyRealtimeV1(_ limits: CgroupLimits) throws(SystemError) {
        guard limits.cpuRealtimePeriod != nil || limits.cpuRealtimeRuntime != nil,
            let root = hierarchy.root(for: "cpu"), Files.exists("\(root)/cpu.rt_runtime_us")
        else { return }
        let available = try Files.readText("\(root)/cpu.rt_runtime_us").filter { $0 != "\n" }
        for above in groupsAbove {
            let file = "\(root)/\(above)/cpu.rt_runtime_us"
            if try Files.readText(file).filter({ $0 != "\n" }) == "0" { try Files.writeExisting(file, available) }
        }
        if let period = limits.cpuRealtimePeriod { try write("cpu", "cpu.rt_period_us", "\(period)") }
        if let runtime = limits.cpuRealtimeRuntime { try write("cpu", "cpu.rt_runtime_us", "\(runtime)") }
    }

    /// A version 1 group without CPUs and memory nodes takes no process: it is given those of the group above.
    func inheritCPUSetV1() throws(SystemError) {
        guard let root = hierarchy.root(for: "cpuset") else { return }
        var above = root
        for group in groupsAbove + [path] {
            let directory = "\(root)/\(group)"
            for name in ["cpuset.cpus", "cpuset.mems"] where try Self.isBlank("\(directory)/\(name)") {
                try Files.writeExisting("\(directory)/\(name)", try Files.readText("\(above)/\(name)"))
            }
            above = directory
        }
    }

    private static func isBlank(_ file: String) throws(SystemError) -> Bool {
        try Files.readText(file).allSatisfy { $0 == "\n" || $0 == " " }
    }

    /// The groups this one is in, the outermost first.
    private var groupsAbove: [String] {
        let parts = path.split(separator: "/")
        return (1..<max(parts.count, 1)).map { parts[..<$0].joined(separator: "/") }
    }
}
