/// What groups of this host can be limited in.
package struct CgroupSupport: Sendable, Hashable {
    package var memory = true
    /// Memory and swap together.
    package var swap = true
    package var memoryReservation = true
    package var swappiness = true
    /// Whether the out-of-memory killer can be turned off for a group.
    package var outOfMemoryControl = true
    package var pids = true
    package var cpuShares = true
    /// CPU time as a quota in a period.
    package var cpuQuota = true
    package var cpuRealtime = true
    package var cpuSets = true
    package var blockWeight = true
    package var blockDeviceWeight = true
    /// Bytes and operations a second of a block device.
    package var blockThrottling = true
    /// The CPUs there are, as the kernel lists them.
    package var cpus = ""
    /// The memory nodes there are.
    package var memoryNodes = ""
    /// How many CPUs are online.
    package var cpuCount = 1

    /// A host that can do everything.
    package init() {}
}

extension CgroupHierarchy {
    /// Looks at what this host's groups can be limited in.
    ///
    /// Blocks.
    package func support() -> CgroupSupport {
        var support = version == .v2 ? supportV2() : supportV1()
        let online = (try? Files.readText("/sys/devices/system/cpu/online", limit: 4_096)) ?? ""
        support.cpuCount = max(1, HostProcessors.numbers(inList: online).count)
        support.cpus = Self.line(online)
        support.memoryNodes = Self.line((try? Files.readText("/sys/devices/system/node/online", limit: 4_096)) ?? "0")
        return support
    }

    private static func line(_ text: String) -> String { text.filter { !$0.isWhitespace } }

    private func supportV1() -> CgroupSupport {
        func has(_ controller: String, _ name: String) -> Bool {
            mounts[controller].map { Files.exists("\($0)/\(name)") } ?? false
        }
        var support = CgroupSupport()
        support.memory = has("memory", "memory.limit_in_bytes")
        support.swap = has("memory", "memory.memsw.limit_in_bytes")
        support.memoryReservation = has("memory", "memory.soft_limit_in_bytes")
        support.swappiness = has("memory", "memory.swappiness")
        support.outOfMemoryControl = has("memory", "memory.oom_control")
        support.pids = mounts["pids"] != nil
        support.cpuShares = has("cpu", "cpu.shares")
        support.cpuQuota = has("cpu", "cpu.cfs_quota_us")
        support.cpuRealtime = has("cpu", "cpu.rt_runtime_us")
        support.cpuSets = mounts["cpuset"] != nil
        // The root group has no weight with BFQ: its counters tell that the others have one.
        let hasBFQ = has("blkio", "blkio.bfq.io_serviced")
        support.blockWeight = has("blkio", "blkio.weight") || hasBFQ
        support.blockDeviceWeight = has("blkio", "blkio.weight_device") || hasBFQ
        support.blockThrottling = has("blkio", "blkio.throttle.read_bps_device")
        return support
    }

    private func supportV2() -> CgroupSupport {
        var support = CgroupSupport()
        support.memory = controllers.contains("memory")
        support.swap = support.memory
        support.memoryReservation = support.memory
        support.swappiness = false
        support.outOfMemoryControl = false
        support.pids = controllers.contains("pids")
        support.cpuShares = controllers.contains("cpu")
        support.cpuQuota = controllers.contains("cpu")
        support.cpuRealtime = false
        support.cpuSets = controllers.contains("cpuset")
        support.blockWeight = controllers.contains("io")
        support.blockDeviceWeight = support.blockWeight
        support.blockThrottling = support.blockWeight
        return support
    }
}
