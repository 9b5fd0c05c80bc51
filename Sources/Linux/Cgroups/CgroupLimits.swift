/// What a group may use; nil is no limit.
package struct CgroupLimits: Sendable, Hashable {
    /// Bytes of memory.
    package var memoryBytes: Int64?
    /// Bytes of memory and swap together, as Docker counts: -1 is no limit; nil is twice the memory, where that has a
    /// limit.
    package var memorySwapBytes: Int64?
    /// CPU time: 1,000,000,000 is one CPU.
    package var nanoCPUs: Int64?
    /// Weight when CPUs are short, 2 to 262,144; nil is the kernel's usual 1,024.
    package var cpuShares: Int64?
    /// Processes and threads.
    package var pids: Int64?
    /// Microseconds of CPU in a period, where `nanoCPUs` says nothing.
    package var cpuQuota: Int64?
    /// The period of that quota, in microseconds; nil is 100,000.
    package var cpuPeriod: Int64?
    /// Microseconds in which real-time processes may use `cpuRealtimeRuntime`.
    package var cpuRealtimePeriod: Int64?
    /// Microseconds of real-time CPU in a real-time period.
    package var cpuRealtimeRuntime: Int64?
    /// The CPUs it may use, as `0-2,7`; empty is all.
    package var cpuSet = ""
    /// The memory nodes it may use; empty is all.
    package var memoryNodes = ""
    /// Bytes down to which the kernel reclaims first when memory is short.
    package var memoryReservationBytes: Int64?
    /// How readily the kernel swaps, 0 to 100; nil is the host's way.
    package var memorySwappiness: Int64?
    /// Whether processes wait for memory instead of being killed for it.
    package var disablesOutOfMemoryKiller = false
    /// Use of block devices.
    package var blockIO = BlockLimits()

    /// Limits; nil is none, but for swap.
    package init(
        memoryBytes: Int64? = nil, memorySwapBytes: Int64? = nil, nanoCPUs: Int64? = nil, cpuShares: Int64? = nil,
        pids: Int64? = nil
    ) {
        self.memoryBytes = memoryBytes
        self.memorySwapBytes = memorySwapBytes
        self.nanoCPUs = nanoCPUs
        self.cpuShares = cpuShares
        self.pids = pids
    }

    /// The limits as a group of this hierarchy would read them back: rounded to what the kernel keeps.
    ///
    /// Compare with this, or rounding looks like a change somebody made.
    package func normalized(for hierarchy: CgroupHierarchy, hasSwapControl: Bool = true) -> CgroupLimits {
        var result = self
        let page: Int64 = 4_096
        result.memoryBytes = memoryBytes.map { $0 / page * page }
        result.memorySwapBytes = hasSwapControl ? finiteMemorySwapBytes.map { $0 / page * page } : nil
        result.nanoCPUs = nanoCPUs.map { Self.nanoCPUs(quota: Self.quota($0), period: Self.period) }
        if hierarchy.version == .v2 {
            result.cpuShares = cpuShares.map { Self.shares(weight: Self.weight(shares: $0)) }
            if cpuShares.map(Self.weight) == Self.defaultWeight { result.cpuShares = nil }
        } else if cpuShares == 1_024 {
            result.cpuShares = nil
        }
        return result
    }

    /// Takes over what a group can be asked for: memory, CPU time and shares, processes.
    package mutating func takeMain(from held: CgroupLimits) {
        memoryBytes = held.memoryBytes
        memorySwapBytes = held.memorySwapBytes
        // A quota as it was given is not the same as the CPUs it comes to.
        if cpuQuota == nil && cpuPeriod == nil { nanoCPUs = held.nanoCPUs }
        cpuShares = held.cpuShares
        pids = held.pids
    }

    /// The limit of memory and swap together in bytes, Docker's default where none is given; nil is none.
    var finiteMemorySwapBytes: Int64? {
        if let memorySwapBytes { return memorySwapBytes < 0 ? nil : memorySwapBytes }
        guard let memoryBytes else { return nil }
        let (both, overflow) = memoryBytes.multipliedReportingOverflow(by: 2)
        return overflow ? nil : both
    }

    /// Microseconds in which a quota may be used.
    static let period: Int64 = 100_000
    static let defaultWeight: Int64 = 100

    /// Microseconds of CPU in `effectivePeriod`; nil is no limit.
    var effectiveQuota: Int64? {
        if let nanoCPUs { return Self.quota(nanoCPUs) }
        return cpuQuota.flatMap { $0 > 0 ? $0 : nil }
    }

    /// Microseconds in which that quota counts.
    var effectivePeriod: Int64 { nanoCPUs == nil ? cpuPeriod ?? Self.period : Self.period }

    /// Microseconds of CPU in a period; the kernel wants 1,000 at least.
    static func quota(_ nanoCPUs: Int64) -> Int64 {
        max(1_000, nanoCPUs / (1_000_000_000 / period))
    }

    static func nanoCPUs(quota: Int64, period: Int64) -> Int64 {
        guard period > 0 else { return 0 }
        let (scaled, overflow) = quota.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : scaled / period
    }

    /// Version 2's weight (1 to 10,000) for version 1's shares, as every container engine converts them.
    static func weight(shares: Int64) -> Int64 {
        1 + (min(max(shares, 2), 262_144) - 2) * 9_999 / 262_142
    }

    /// The fewest shares that make this weight, so that converting them again gives the same.
    static func shares(weight: Int64) -> Int64 {
        2 + ((min(max(weight, 1), 10_000) - 1) * 262_142 + 9_998) / 9_999
    }
}

extension Cgroup {
    /// Sets every limit of a group that nobody uses yet, lifting those that are nil.
    package func apply(_ limits: CgroupLimits) throws(SystemError) {
        if isV2 { try applyV2(limits) } else { try applyV1(limits) }
    }

    /// Changes every limit of a group in use, or none.
    ///
    /// Throws `EBUSY` when more memory is in use than allowed, and the kernel cannot reclaim it.
    ///
    /// - Parameter known: what was asked for so far; the kernel does not say all of it.
    package func change(
        to limits: CgroupLimits, from known: CgroupLimits = CgroupLimits()
    ) throws(SystemError) {
        var previous = known
        previous.takeMain(from: try self.limits())
        // As it is read, none is none.
        previous.memorySwapBytes = previous.memorySwapBytes ?? -1
        if isV2 { try checkMemoryV2(limits) }
        do throws(SystemError) {
            try apply(limits)
        } catch {
            try? apply(previous)
            throw error
        }
    }

    /// Version 2 accepts any limit, and ends a process where version 1 refuses.
    private func checkMemoryV2(_ limits: CgroupLimits) throws(SystemError) {
        guard let wanted = limits.memoryBytes, let used = try number("memory", "memory.current") else { return }
        let details = try table("memory", "memory.stat")
        let cache = ["active_file", "inactive_file", "slab_reclaimable"].reduce(0) { $0 + (details[$1] ?? 0) }
        var swap = (Self.parseTable(colonsIn: try Files.readText("/proc/meminfo"))["SwapFree"] ?? 0) * 1_024
        if let both = limits.finiteMemorySwapBytes {
            swap = min(swap, max(0, both - wanted - (try number("memory", "memory.swap.current") ?? 0)))
        }
        if used - cache - swap > wanted {
            throw SystemError(call: "write", errno: .EBUSY, subject: file("memory", "memory.max"))
        }
    }

    private func applyV1(_ limits: CgroupLimits) throws(SystemError) {
        try applyMemoryV1(limits.memoryBytes ?? -1, limits.finiteMemorySwapBytes ?? -1)
        try write("cpu", "cpu.cfs_period_us", "\(limits.effectivePeriod)")
        try write("cpu", "cpu.cfs_quota_us", limits.effectiveQuota.map(String.init) ?? "-1")
        try write("cpu", "cpu.shares", "\(limits.cpuShares ?? 1_024)")
        try write("pids", "pids.max", limits.pids.map(String.init) ?? "max")
        try applyMoreV1(limits)
    }

    /// Memory may never be allowed more than memory and swap together, not even for a moment.
    private func applyMemoryV1(_ memory: Int64, _ both: Int64) throws(SystemError) {
        let hasSwap = file("memory", "memory.memsw.limit_in_bytes").map { Files.exists($0) } ?? false
        guard hasSwap else {
            try write("memory", "memory.limit_in_bytes", "\(memory)")
            return
        }
        do throws(SystemError) {
            try write("memory", "memory.limit_in_bytes", "\(memory)")
            try write("memory", "memory.memsw.limit_in_bytes", "\(both)")
        } catch let error where error.errno == .EINVAL {
            try write("memory", "memory.memsw.limit_in_bytes", "\(both)")
            try write("memory", "memory.limit_in_bytes", "\(memory)")
        }
    }

    private func applyV2(_ limits: CgroupLimits) throws(SystemError) {
        try write("memory", "memory.max", limits.memoryBytes.map(String.init) ?? "max")
        if let swap = file("memory", "memory.swap.max"), Files.exists(swap) {
            let swapOnly = limits.finiteMemorySwapBytes.map { max(0, $0 - (limits.memoryBytes ?? $0)) }
            try Files.writeExisting(swap, swapOnly.map(String.init) ?? "max")
        }
        let quota = limits.effectiveQuota.map(String.init) ?? "max"
        try write("cpu", "cpu.max", "\(quota) \(limits.effectivePeriod)")
        let weight = limits.cpuShares.map(CgroupLimits.weight) ?? CgroupLimits.defaultWeight
        try write("cpu", "cpu.weight", "\(weight)")
        try write("pids", "pids.max", limits.pids.map(String.init) ?? "max")
        try applyMoreV2(limits)
    }

    func write(_ controller: String, _ name: String, _ value: String) throws(SystemError) {
        guard let file = file(controller, name), hierarchy.controllers.contains(controller) else { return }
        try Files.writeExisting(file, value)
    }

    /// The limits that are set now; those the kernel shows as its largest value are none.
    package func limits() throws(SystemError) -> CgroupLimits {
        isV2 ? try limitsV2() : try limitsV1()
    }

    /// Whether the kernel counts swap in groups.
    package var hasSwapControl: Bool {
        let name = isV2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes"
        return file("memory", name).map { Files.exists($0) } ?? false
    }

    private func limitsV1() throws(SystemError) -> CgroupLimits {
        var limits = CgroupLimits()
        limits.memoryBytes = Self.finite(try number("memory", "memory.limit_in_bytes"))
        limits.memorySwapBytes = Self.finite(try number("memory", "memory.memsw.limit_in_bytes"))
        if let quota = try number("cpu", "cpu.cfs_quota_us"), quota > 0,
            let period = try number("cpu", "cpu.cfs_period_us")
        {
            limits.nanoCPUs = CgroupLimits.nanoCPUs(quota: quota, period: period)
        }
        if let shares = try number("cpu", "cpu.shares"), shares != 1_024 { limits.cpuShares = shares }
        limits.pids = try number("pids", "pids.max")
        return limits
    }

    private func limitsV2() throws(SystemError) -> CgroupLimits {
        var limits = CgroupLimits()
        limits.memoryBytes = Self.finite(try number("memory", "memory.max"))
        if let swap = try number("memory", "memory.swap.max") {
            limits.memorySwapBytes = swap.addingReportingOverflow(limits.memoryBytes ?? 0).partialValue
        }
        let parts = (try read("cpu", "cpu.max") ?? "").split(separator: " ").compactMap { Int64($0) }
        if parts.count == 2 { limits.nanoCPUs = CgroupLimits.nanoCPUs(quota: parts[0], period: parts[1]) }
        if let weight = try number("cpu", "cpu.weight"), weight != CgroupLimits.defaultWeight {
            limits.cpuShares = CgroupLimits.shares(weight: weight)
        }
        limits.pids = try number("pids", "pids.max")
        return limits
    }

    /// Version 1 says "no limit" with the largest multiple of a page; 2^62 is beyond any memory.
    static func finite(_ value: Int64?) -> Int64? {
        guard let value, value >= 0, value < 1 << 62 else { return nil }
        return value
    }
}
