import Diagnostics
import JSONText
import StackModel

/// What a container may use.
extension ServiceLowering {
    mutating func lowerLimits() {
        func limit(_ attribute: String, _ value: Int64?, _ key: String, _ reader: MemberReader? = nil) {
            guard let value else { return }
            draft.set("limits.\(attribute)", .int(value), at: (reader ?? service).location(key))
        }
        func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }
        limit("memory", positive(service.size("mem_limit")), "mem_limit")
        limit("memoryReservation", positive(service.size("mem_reservation")), "mem_reservation")
        limit("memorySwap", service.size("memswap_limit").flatMap { $0 == 0 ? nil : $0 }, "memswap_limit")
        limit("swappiness", service.integer("mem_swappiness").flatMap { $0 < 0 ? nil : $0 }, "mem_swappiness")
        limit("nanoCPUs", nanoCPUs(service, "cpus"), "cpus")
        limit("pids", positive(service.integer("pids_limit")), "pids_limit")
        limit("cpuShares", positive(service.integer("cpu_shares")), "cpu_shares")
        limit("cpuQuota", service.microseconds("cpu_quota").flatMap { $0 == 0 ? nil : $0 }, "cpu_quota")
        limit("cpuPeriod", positive(service.microseconds("cpu_period")), "cpu_period")
        limit("cpuRealtimePeriod", positive(service.microseconds("cpu_rt_period")), "cpu_rt_period")
        limit("cpuRealtimeRuntime", positive(service.microseconds("cpu_rt_runtime")), "cpu_rt_runtime")
        set("limits.cpuset", service.given("cpuset").map { .string($0) }, "cpuset")
        if service.flag("oom_kill_disable") == true { set("limits.oomKillDisable", true, "oom_kill_disable") }
        set("oomScoreAdj", service.integer("oom_score_adj").flatMap { $0 == 0 ? nil : .int($0) }, "oom_score_adj")
        let resources = service.reader("deploy")?.reader("resources")
        if let limits = resources?.reader("limits") {
            limit("memory", positive(limits.size("memory")), "memory", limits)
            limit("nanoCPUs", nanoCPUs(limits, "cpus"), "cpus", limits)
            limit("pids", positive(limits.integer("pids")), "pids", limits)
            limits.finish()
        }
        if let reservations = resources?.reader("reservations") {
            limit("memoryReservation", positive(reservations.size("memory")), "memory", reservations)
            warnOfReservations(reservations)
        }
        resources?.finish()
        lowerUlimits()
        set("shmSize", positive(service.size("shm_size")).map { .int($0) }, "shm_size")
        setTextMap("sysctls", "sysctls")
    }

    private func nanoCPUs(_ reader: MemberReader, _ key: String) -> Int64? {
        guard let count = reader.number(key), count > 0 else { return nil }
        return Int64(exactly: (count * 1e9).rounded())
    }

    private func warnOfReservations(_ reservations: MemberReader) {
        for key in ["cpus", "pids", "generic_resources"] where reservations.entry(key) != nil {
            reservations.warn(
                key, "SC2450", "deploy.resources.reservations.\(key)",
                "is not honoured: it tells a cluster where to run a container")
        }
        // Read with the other devices.
        reservations.skip("devices")
        reservations.finish()
    }

    private mutating func lowerUlimits() {
        guard let limits = service.reader("ulimits") else { return }
        for (name, value, location) in limits.ulimits() { draft.set("ulimits.\(name)", value, at: location) }
    }

    mutating func lowerBlockLimits() {
        guard let block = service.reader("blkio_config") else { return }
        if let weight = block.integer("weight"), weight > 0 {
            draft.set("limits.blkioWeight", .int(weight), at: block.location("weight"))
        }
        var lists: [(attribute: String, key: String, value: String)] = [
            ("blkioWeightDevices", "weight_device", "weight")
        ]
        lists += [
            ("readBps", "device_read_bps", "rate"), ("writeBps", "device_write_bps", "rate"),
            ("readIops", "device_read_iops", "rate"), ("writeIops", "device_write_iops", "rate"),
        ]
        for list in lists {
            let elements = block.readers(list.key).compactMap { device -> JSONValue? in
                let path = device.given("path")
                let value = list.value == "rate" ? device.size("rate") : device.integer("weight")
                device.finish()
                guard let path, let value else { return nil }
                return ["path": .string(path), .init(list.value): .int(value)]
            }
            if !elements.isEmpty {
                draft.set("limits.\(list.attribute)", .array(elements), at: block.location(list.key))
            }
        }
        block.finish()
    }
}

extension MemberReader {
    /// Limits of processes: one number for both, or `soft` and `hard`.
    func ulimits() -> [(name: String, value: JSONValue, location: SourceLocation)] {
        keys.compactMap { name in
            guard let entry = entry(name) else { return nil }
            if entry.value.map == nil {
                return integer(name).map { (name, ["soft": .int($0), "hard": .int($0)], entry.location) }
            }
            guard let both = reader(name) else { return nil }
            let (soft, hard) = (both.integer("soft"), both.integer("hard"))
            both.finish()
            guard let soft = soft ?? hard, let hard = hard ?? Optional(soft) else { return nil }
            return (name, ["soft": .int(soft), "hard": .int(hard)], entry.location)
        }
    }
}
