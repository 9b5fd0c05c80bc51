/// What a group uses now, in the terms of `docker stats`.
package struct CgroupStatistics: Sendable, Hashable {
    /// Bytes, page cache included.
    package var memoryUsage: Int64 = 0
    /// Bytes; nil is no limit.
    package var memoryLimit: Int64?
    /// The most there was, in bytes; 0 when the kernel does not keep it.
    package var memoryMaximum: Int64 = 0
    /// Bytes of page cache the kernel would drop first: Docker subtracts them from the usage.
    package var inactiveFile: Int64 = 0
    package var cpuUsageNanoseconds: Int64 = 0
    package var cpuUserNanoseconds: Int64 = 0
    package var cpuSystemNanoseconds: Int64 = 0
    /// Periods in which a CPU quota counted.
    package var periods: Int64 = 0
    package var throttledPeriods: Int64 = 0
    package var throttledNanoseconds: Int64 = 0
    /// Processes and threads.
    package var pids: Int64 = 0
    /// nil is no limit.
    package var pidsLimit: Int64?
    /// How often the kernel ended a process for want of memory.
    package var oomKills: Int64 = 0
    /// All of `memory.stat`, as the kernel names it.
    package var memoryDetails: [String: Int64] = [:]
    /// How often the limit of memory was hit.
    package var memoryFailures: Int64 = 0
    /// Nanoseconds on each CPU; empty with version 2.
    package var cpuUsageOfEach: [Int64] = []
    /// Bytes read from and written to block devices.
    package var blockBytes: [BlockCounter] = []
    /// Reads from and writes to block devices.
    package var blockOperations: [BlockCounter] = []

    /// Nothing used.
    package init() {}
}

/// A counter of one block device.
package struct BlockCounter: Sendable, Hashable {
    package var device: DeviceNumber
    /// `Read`, `Write`, … as the kernel names it.
    package var operation: String
    package var value: Int64

    /// Version 1's lines: `8:0 Read 4096`.
    static func parse(_ text: String) -> [BlockCounter] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, let device = device(words[0]), let value = Int64(words[2]) else { return nil }
            return BlockCounter(device: device, operation: String(words[1]), value: value)
        }
    }

    /// Version 2's lines, of which two keys are wanted: `8:0 rbytes=4096 wbytes=0`.
    static func parse(_ text: String, read: String, write: String) -> [BlockCounter] {
        text.split(separator: "\n").flatMap { line -> [BlockCounter] in
            let words = line.split(separator: " ")
            guard let first = words.first, let device = device(first) else { return [] }
            return [("read", read), ("write", write)].compactMap { operation, key in
                guard let word = words.first(where: { $0.hasPrefix("\(key)=") }),
                    let value = Int64(word.dropFirst(key.count + 1))
                else { return nil }
                return BlockCounter(device: device, operation: operation, value: value)
            }
        }
    }

    private static func device(_ text: Substring) -> DeviceNumber? {
        let parts = text.split(separator: ":").compactMap { UInt32($0) }
        return parts.count == 2 ? DeviceNumber(major: parts[0], minor: parts[1]) : nil
    }
}

extension Cgroup {
    /// What the group uses now.
    ///
    /// Throws `ENOENT` when it is gone.
    package func statistics() throws(SystemError) -> CgroupStatistics {
        var result = CgroupStatistics()
        result.memoryDetails = try table("memory", "memory.stat")
        result.pids = try number("pids", "pids.current") ?? 0
        result.pidsLimit = try number("pids", "pids.max")
        result.oomKills = try oomKills()
        if isV2 { try addV2(&result) } else { try addV1(&result) }
        return result
    }

    /// How often the kernel ended a process for want of memory.
    package func oomKills() throws(SystemError) -> Int64 {
        let events = isV2 ? try table("memory", "memory.events") : try table("memory", "memory.oom_control")
        return events["oom_kill"] ?? 0
    }

    private func addV1(_ result: inout CgroupStatistics) throws(SystemError) {
        result.memoryUsage = try number("memory", "memory.usage_in_bytes") ?? 0
        result.memoryLimit = Self.finite(try number("memory", "memory.limit_in_bytes"))
        result.memoryMaximum = try number("memory", "memory.max_usage_in_bytes") ?? 0
        result.inactiveFile = result.memoryDetails["total_inactive_file"] ?? 0
        result.cpuUsageNanoseconds = try number("cpuacct", "cpuacct.usage") ?? 0
        result.cpuUserNanoseconds = try number("cpuacct", "cpuacct.usage_user") ?? 0
        result.cpuSystemNanoseconds = try number("cpuacct", "cpuacct.usage_sys") ?? 0
        let throttling = try table("cpu", "cpu.stat")
        result.periods = throttling["nr_periods"] ?? 0
        result.throttledPeriods = throttling["nr_throttled"] ?? 0
        result.throttledNanoseconds = throttling["throttled_time"] ?? 0
        result.memoryFailures = try number("memory", "memory.failcnt") ?? 0
        result.cpuUsageOfEach = (try read("cpuacct", "cpuacct.usage_percpu") ?? "").split(separator: " ")
            .compactMap { Int64($0) }
        result.blockBytes = try blockCountersV1("io_service_bytes_recursive")
        result.blockOperations = try blockCountersV1("io_serviced_recursive")
    }

    private func blockCountersV1(_ name: String) throws(SystemError) -> [BlockCounter] {
        BlockCounter.parse(try read("blkio", "blkio.throttle.\(name)") ?? "")
    }

    private func addV2(_ result: inout CgroupStatistics) throws(SystemError) {
        result.memoryUsage = try number("memory", "memory.current") ?? 0
        result.memoryLimit = Self.finite(try number("memory", "memory.max"))
        result.memoryMaximum = try number("memory", "memory.peak") ?? 0
        result.inactiveFile = result.memoryDetails["inactive_file"] ?? 0
        let cpu = try table("cpu", "cpu.stat")
        func nanoseconds(_ key: String) -> Int64 { (cpu[key] ?? 0).multipliedReportingOverflow(by: 1_000).partialValue }
        result.cpuUsageNanoseconds = nanoseconds("usage_usec")
        result.cpuUserNanoseconds = nanoseconds("user_usec")
        result.cpuSystemNanoseconds = nanoseconds("system_usec")
        result.periods = cpu["nr_periods"] ?? 0
        result.throttledPeriods = cpu["nr_throttled"] ?? 0
        result.throttledNanoseconds = nanoseconds("throttled_usec")
        result.memoryFailures = try table("memory", "memory.events")["oom"] ?? 0
        let io = try read("io", "io.stat") ?? ""
        result.blockBytes = BlockCounter.parse(io, read: "rbytes", write: "wbytes")
        result.blockOperations = BlockCounter.parse(io, read: "rios", write: "wios")
    }
}
