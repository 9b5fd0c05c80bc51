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
        object["pids_stats"] = .object(now.map { Self.processes($0) } ?? JSONObject())
        object["blkio_stats"] = .object(blockDevices(now))
        object["cpu_stats"] = .object(processor(now))
        object["precpu_stats"] = .object(processor(before))
        object["memory_stats"] = .object(now.map { memory($0) } ?? JSONObject())
        if let now, !now.interfaces.isEmpty {
            object["networks"] = .object(JSONObject(now.interfaces.map { ($0.name, .object($0.json)) }))
        }
        return object
    }

    private static func processes(_ sample: ContainerSample) -> JSONObject {
        var object: JSONObject = ["current": .int(sample.cgroup.pids)]
        if let limit = sample.cgroup.pidsLimit { object["limit"] = .int(limit) }
        return object
    }

    /// Only the first two lists exist for every scheduler; version 2 has no others at all.
    private func blockDevices(_ sample: ContainerSample?) -> JSONObject {
        func list(_ counters: [BlockCounter]) -> JSONValue {
            .array(
                counters.map {
                    [
                        "major": .int(Int64($0.device.major)), "minor": .int(Int64($0.device.minor)),
                        "op": .string($0.operation), "value": .int($0.value),
                    ]
                })
        }
        let other: JSONValue = sample == nil || isUnifiedCgroup ? .null : []
        var object: JSONObject = [
            "io_service_bytes_recursive": sample.map { list($0.cgroup.blockBytes) } ?? .null,
            "io_serviced_recursive": isUnifiedCgroup
                ? .null : sample.map { list($0.cgroup.blockOperations) } ?? .null,
        ]
        for name in ["queue", "service_time", "wait_time", "merged", "time"] { object["io_\(name)_recursive"] = other }
        object["sectors_recursive"] = other
        return object
    }

    private func processor(_ sample: ContainerSample?) -> JSONObject {
        let cgroup = sample?.cgroup ?? CgroupStatistics()
        var usage: JSONObject = ["total_usage": .int(cgroup.cpuUsageNanoseconds)]
        if !cgroup.cpuUsageOfEach.isEmpty { usage["percpu_usage"] = .array(cgroup.cpuUsageOfEach.map { .int($0) }) }
        usage["usage_in_kernelmode"] = .int(cgroup.cpuSystemNanoseconds)
        usage["usage_in_usermode"] = .int(cgroup.cpuUserNanoseconds)
        var object: JSONObject = ["cpu_usage": .object(usage)]
        if let sample {
            object["system_cpu_usage"] = .int(sample.hostCPU)
            object["online_cpus"] = .int(Int64(sample.processors))
        }
        object["throttling_data"] = [
            "periods": .int(cgroup.periods), "throttled_periods": .int(cgroup.throttledPeriods),
            "throttled_time": .int(cgroup.throttledNanoseconds),
        ]
        return object
    }

    private func memory(_ sample: ContainerSample) -> JSONObject {
        let cgroup = sample.cgroup
        var object: JSONObject = [
            "usage": .int(cgroup.memoryUsage), "limit": .int(min(cgroup.memoryLimit ?? .max, sample.hostMemory)),
        ]
        object["stats"] = .object(
            JSONObject(cgroup.memoryDetails.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) }))
        if !isUnifiedCgroup { object["max_usage"] = .int(cgroup.memoryMaximum) }
        if cgroup.memoryFailures > 0 { object["failcnt"] = .int(cgroup.memoryFailures) }
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
