import JSONText
import Linux

/// Limits as Docker's `Resources` have them.
extension CgroupLimits {
    /// The fewest bytes of memory Docker takes.
    private static let leastMemory: Int64 = 6 << 20

    /// Reads the limits of a `HostConfig`, or the body of `POST /containers/{id}/update`.
    ///
    /// 0, the empty and what is missing leave what `base` has.
    ///
    /// - Throws: Docker's texts for what cannot be, whatever the host.
    package init(_ host: FieldReader, over base: CgroupLimits = CgroupLimits()) throws(EngineError) {
        self = base
        try readMemory(host, over: base)
        try readProcessor(host, over: base)
        if let pids = try host.integer("PidsLimit", in: -1...Int64(Int32.max)) { self.pids = pids > 0 ? pids : nil }
        blockIO = try BlockLimits(host, over: base.blockIO)
        for name in ["IOMaximumBandwidth", "IOMaximumIOps"] {
            let value = try host.integer(name) ?? 0
            try host.require(
                value == 0, "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps")
        }
    }

    private static func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }

    private mutating func readMemory(_ host: FieldReader, over base: CgroupLimits) throws(EngineError) {
        if let memory = Self.positive(try host.integer("Memory", in: 0...Int64.max)) {
            try host.require(memory >= Self.leastMemory, "Minimum memory limit allowed is 6MB")
            memoryBytes = memory
        }
        if let swap = try host.integer("MemorySwap", in: -1...Int64.max), swap != 0 {
            memorySwapBytes = swap
            try host.require(
                swap < 0 || memoryBytes != nil,
                "You should always set the Memory limit when using Memoryswap limit, see usage")
            try host.require(
                swap < 0 || base.memoryBytes != nil || swap >= memoryBytes ?? 0,
                "Minimum memoryswap limit should be larger than memory limit, see usage")
        }
        if memorySwapBytes == nil, let memory = memoryBytes, memory <= Int64.max / 2 { memorySwapBytes = memory * 2 }
        if let reservation = Self.positive(try host.integer("MemoryReservation", in: 0...Int64.max)) {
            try host.require(reservation >= Self.leastMemory, "Minimum memory reservation allowed is 6MB")
            memoryReservationBytes = reservation
        }
        if let memory = memoryBytes, let reservation = memoryReservationBytes {
            try host.require(
                memory >= reservation,
                "Minimum memory limit can not be less than memory reservation limit, see usage")
        }
        if let swappiness = try host.integer("MemorySwappiness"), swappiness != -1 {
            try host.require(
                (0...100).contains(swappiness),
                "Invalid value: \(swappiness), valid memory swappiness range is 0-100")
            memorySwappiness = swappiness
        }
        if let disables = try host.boolean("OomKillDisable") { disablesOutOfMemoryKiller = disables }
    }

    private mutating func readProcessor(_ host: FieldReader, over base: CgroupLimits) throws(EngineError) {
        let nano = Self.positive(try host.integer("NanoCpus", in: 0...1_000_000_000_000_000))
        let period = try host.integer("CpuPeriod") ?? 0
        let quota = try host.integer("CpuQuota") ?? 0
        try host.require(
            nano == nil || period <= 0, "Conflicting options: Nano CPUs and CPU Period cannot both be set")
        try host.require(nano == nil || quota <= 0, "Conflicting options: Nano CPUs and CPU Quota cannot both be set")
        try host.require(
            period == 0 || (1_000...1_000_000).contains(period),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
        try host.require(quota <= 0 || quota >= 1_000, "CPU cfs quota can not be less than 1ms (i.e. 1000)")
        if let nano { nanoCPUs = nano }
        if period > 0 { cpuPeriod = period }
        if quota != 0 { cpuQuota = quota }
        if let shares = Self.positive(try host.integer("CpuShares", in: 0...262_144)) { cpuShares = shares }
        if let period = Self.positive(try host.integer("CpuRealtimePeriod")) { cpuRealtimePeriod = period }
        if let runtime = Self.positive(try host.integer("CpuRealtimeRuntime")) { cpuRealtimeRuntime = runtime }
        let cpus = try host.text("CpusetCpus")
        if !cpus.isEmpty { cpuSet = cpus }
        let nodes = try host.text("CpusetMems")
        if !nodes.isEmpty { memoryNodes = nodes }
    }

    /// Docker's rules for what an update may change of what is set.
    ///
    /// - Throws: conflicts in Docker's words.
    package static func checkUpdate(_ body: FieldReader, of current: CgroupLimits) throws(EngineError) {
        func given(_ name: String) throws(EngineError) -> Bool { try body.integer(name) ?? 0 > 0 }
        let (nano, period, quota) = (try given("NanoCpus"), try given("CpuPeriod"), try given("CpuQuota"))
        func refuse(_ refuses: Bool, _ what: String, _ set: String) throws(EngineError) {
            guard refuses else { return }
            throw EngineError(
                .conflict, "Conflicting options: \(what) cannot be updated as \(set) has already been set")
        }
        try refuse(nano && current.cpuPeriod ?? 0 > 0, "Nano CPUs", "CPU Period")
        try refuse(nano && current.cpuQuota ?? 0 > 0, "Nano CPUs", "CPU Quota")
        try refuse(period && current.nanoCPUs != nil, "CPU Period", "NanoCPUs")
        try refuse(quota && current.nanoCPUs != nil, "CPU Quota", "NanoCPUs")
    }

    /// Writes them into a `HostConfig`.
    func write(to object: inout JSONObject) {
        object["CpuShares"] = .int(cpuShares ?? 0)
        object["Memory"] = .int(memoryBytes ?? 0)
        object["NanoCpus"] = .int(nanoCPUs ?? 0)
        object["CpuPeriod"] = .int(cpuPeriod ?? 0)
        object["CpuQuota"] = .int(cpuQuota ?? 0)
        object["CpuRealtimePeriod"] = .int(cpuRealtimePeriod ?? 0)
        object["CpuRealtimeRuntime"] = .int(cpuRealtimeRuntime ?? 0)
        object["CpusetCpus"] = .string(cpuSet)
        object["CpusetMems"] = .string(memoryNodes)
        object["MemoryReservation"] = .int(memoryReservationBytes ?? 0)
        object["MemorySwap"] = .int(memorySwapBytes ?? 0)
        object["MemorySwappiness"] = memorySwappiness.map { .int($0) } ?? .null
        object["OomKillDisable"] = .bool(disablesOutOfMemoryKiller)
        object["PidsLimit"] = pids.map { .int($0) } ?? .null
        blockIO.write(to: &object)
        // Windows has these.
        for name in ["CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"] { object[name] = 0 }
    }
}

extension BlockLimits {
    private typealias List = WritableKeyPath<BlockLimits, [DeviceValue]>

    /// Docker's lists: the member, what it calls the number, and where it is kept.
    private static var lists: [(name: String, value: String, list: List)] {
        [
            ("BlkioWeightDevice", "Weight", \.deviceWeights), ("BlkioDeviceReadBps", "Rate", \.readBytes),
            ("BlkioDeviceWriteBps", "Rate", \.writeBytes), ("BlkioDeviceReadIOps", "Rate", \.readOperations),
            ("BlkioDeviceWriteIOps", "Rate", \.writeOperations),
        ]
    }

    init(_ host: FieldReader, over base: BlockLimits) throws(EngineError) {
        self = base
        if let weight = try host.integer("BlkioWeight"), weight > 0 {
            try host.require((10...1_000).contains(weight), "Range of blkio weight is from 10 to 1000")
            self.weight = weight
        }
        for (name, value, list) in Self.lists {
            let devices = try host.objects(name)
            if devices.isEmpty { continue }
            var values: [DeviceValue] = []
            for device in devices {
                values.append(
                    DeviceValue(
                        path: try device.text("Path"), value: try device.integer(value, in: 0...Int64.max) ?? 0))
            }
            self[keyPath: list] = values
        }
    }

    func write(to object: inout JSONObject) {
        object["BlkioWeight"] = .int(weight ?? 0)
        for (name, value, list) in Self.lists {
            object[name] = .array(
                self[keyPath: list].map { .object(JSONObject([("Path", .string($0.path)), (value, .int($0.value))])) })
        }
    }
}
