import JSONText
import Linux
import Runtime

/// Counters of a container at one moment.
package struct ContainerSample: Sendable {
    /// When.
    package var time: Timestamp
    /// The cgroup's counters.
    package var cgroup: CgroupStatistics
    /// Nanoseconds of processor time of the whole host.
    package var hostCPU: Int64
    /// Processors that are online.
    package var processors: Int
    /// By interface in the container.
    package var interfaces: [InterfaceCounters]
    /// Bytes of memory of the host, the limit where there is none.
    package var hostMemory: Int64
}

/// Counters of one network interface.
package struct InterfaceCounters: Sendable, Hashable {
    var name: String
    var received: [Int64]
    var sent: [Int64]
}

extension HostEngine {
    /// Reads the counters; `nil` where the container does not run.
    package func sample(_ container: Container) async throws -> ContainerSample? {
        let state = container.state
        guard state.isActive else { return nil }
        let cgroup = try cgroup(of: container)
        return try await BlockingExecutor.shared.run {
            guard cgroup.exists else { return nil }
            let statistics = try cgroup.statistics()
            let interfaces = (try? Files.readText("/proc/\(state.supervisorPID)/net/dev", limit: 1 << 20)) ?? ""
            return ContainerSample(
                time: Clock.now(), cgroup: statistics,
                hostCPU: HostCounters.processorTime((try? Files.readText("/proc/stat", limit: 4 << 20)) ?? ""),
                processors: HostCounters.processors(
                    (try? Files.readText("/sys/devices/system/cpu/online", limit: 4096)) ?? ""),
                interfaces: HostCounters.interfaces(interfaces),
                hostMemory: HostCounters.memory((try? Files.readText("/proc/meminfo", limit: 65536)) ?? ""))
        }
    }

    /// Whether statistics are those of cgroup v2, which has fewer.
    package var isUnifiedCgroup: Bool { runtime.cgroups.version == .v2 }

    /// Docker's `Stats` of two samples; the earlier may be absent.
    package func statistics(_ container: Container, _ now: ContainerSample?, before: ContainerSample?) -> JSONObject {
        var object = JSONObject()
        object["name"] = .string("/\(container.name)")
        object["id"] = .string(container.id)
        object["os_type"] = "linux"
        object["read"] = .string(now?.time.rfc3339 ?? ContainerState.never)
        object["preread"] = .string(before?.time.rfc3339 ?? ContainerState.never)
        object["num_procs"] = 0
        object["storage_stats"] = .object(JSONObject())
        guard let now else {
            for name in ["pids_stats", "blkio_stats", "cpu_stats", "precpu_stats", "memory_stats"] {
                object[name] = .object(JSONObject())
            }
            return object
        }
        var pids: JSONObject = ["current": .int(now.cgroup.pids)]
        if let limit = now.cgroup.pidsLimit { pids["limit"] = .int(limit) }
        object["pids_stats"] = .object(pids)
        object["blkio_stats"] = ["io_service_bytes_recursive": .null]
        object["cpu_stats"] = .object(processor(now))
        object["precpu_stats"] = .object(before.map { processor($0) } ?? JSONObject())
        object["memory_stats"] = .object(memory(now))
        if !now.interfaces.isEmpty {
            object["networks"] = .object(JSONObject(now.interfaces.map { ($0.name, .object($0.json)) }))
        }
        return object
    }

    private func processor(_ sample: ContainerSample) -> JSONObject {
        [
            "cpu_usage": [
                "total_usage": .int(sample.cgroup.cpuUsageNanoseconds),
                "usage_in_kernelmode": .int(sample.cgroup.cpuSystemNanoseconds),
                "usage_in_usermode": .int(sample.cgroup.cpuUserNanoseconds),
            ],
            "system_cpu_usage": .int(sample.hostCPU), "online_cpus": .int(Int64(sample.processors)),
            "throttling_data": [
                "periods": .int(sample.cgroup.periods), "throttled_periods": .int(sample.cgroup.throttledPeriods),
                "throttled_time": .int(sample.cgroup.throttledNanoseconds),
            ],
        ]
    }

    private func memory(_ sample: ContainerSample) -> JSONObject {
        let cgroup = sample.cgroup
        var object: JSONObject = [
            "usage": .int(cgroup.memoryUsage), "limit": .int(min(cgroup.memoryLimit ?? .max, sample.hostMemory)),
        ]
        let inactive = isUnifiedCgroup ? "inactive_file" : "total_inactive_file"
        object["stats"] = .object(JSONObject([(inactive, .int(cgroup.inactiveFile))]))
        if !isUnifiedCgroup { object["max_usage"] = .int(cgroup.memoryMaximum) }
        return object
    }
}

extension InterfaceCounters {
    /// Docker's shape.
    var json: JSONObject {
        var object = JSONObject()
        for (side, values) in [("rx", received), ("tx", sent)] {
            for (name, value) in zip(["bytes", "packets", "errors", "dropped"], values) {
                object["\(side)_\(name)"] = .int(value)
            }
        }
        return object
    }
}

/// Readers of the kernel's text files.
///
/// Pure.
package enum HostCounters {
    /// Nanoseconds of processor time from `/proc/stat`, in user ticks of 10 ms.
    package static func processorTime(_ text: String) -> Int64 {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") }) else { return 0 }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int64($0) }
        return ticks.reduce(0, +) * 10_000_000
    }

    /// How many processors a list like `0-3,8` names.
    package static func processors(_ text: String) -> Int {
        max(1, HostProcessors.numbers(inList: text).count)
    }

    /// Counters from `/proc/net/dev`, without loopback.
    package static func interfaces(_ text: String) -> [InterfaceCounters] {
        text.split(separator: "\n").dropFirst(2).compactMap { line in
            let sides = line.split(separator: ":", maxSplits: 1)
            guard sides.count == 2 else { return nil }
            let name = String(sides[0].drop { $0 == " " })
            let numbers = sides[1].split(separator: " ").compactMap { Int64($0) }
            guard name != "lo", numbers.count >= 12 else { return nil }
            return InterfaceCounters(name: name, received: Array(numbers[0..<4]), sent: Array(numbers[8..<12]))
        }
    }

    /// `MemTotal` of `/proc/meminfo`, in bytes.
    package static func memory(_ text: String) -> Int64 {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }) else { return .max }
        return (line.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0) * 1024
    }
}
