import Diagnostics
import JSONText

/// Limits that `run`, `create` and `update` read alike.
enum LimitWords {
    static func size(_ arguments: ParsedArguments, _ option: OptionDeclaration) throws(Diagnostic) -> JSONValue? {
        try arguments.value(of: option) { text throws(Reason) in .int(try GoText.bytes(text)) }
    }

    /// `-1` is no limit.
    static func swap(_ arguments: ParsedArguments) throws(Diagnostic) -> JSONValue? {
        try arguments.value(of: CreateOptions.memorySwap) { text throws(Reason) in
            text == "-1" ? -1 : .int(try GoText.bytes(text))
        }
    }

    static func integer(
        _ arguments: ParsedArguments, _ option: OptionDeclaration, in range: ClosedRange<Int64> = Int64.min...Int64.max
    ) throws(Diagnostic) -> JSONValue? {
        try arguments.value(of: option) { text throws(Reason) in .int(try GoText.integer(text, in: range)) }
    }

    static func cpus(_ arguments: ParsedArguments) throws(Diagnostic) -> JSONValue? {
        try arguments.value(of: CreateOptions.cpus) { text throws(Reason) in .int(try GoText.nanoCPUs(text)) }
    }

    /// `nofile=1024:2048` as an object.
    static func ulimit(_ text: String) throws(Reason) -> JSONValue {
        let (name, value) = CommaSeparated.cut(text)
        guard let value else {
            throw Reason("invalid ulimit argument: \(text)", hint: "write --ulimit nofile=1024:2048")
        }
        let known = [
            "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
            "rttime", "sigpending", "stack",
        ]
        guard known.contains(name) else {
            throw Reason(
                "invalid ulimit type: \(name)", hint: nearest(name, among: known).map { "did you mean `\($0)`?" })
        }
        let parts = value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else {
            throw Reason("too many limit value arguments - \(value), can only have up to two, `soft[:hard]`")
        }
        var numbers: [Int64] = []
        for part in parts { numbers.append(try GoText.integer(part)) }
        let soft = numbers.first ?? 0
        let hard = numbers.last ?? soft
        guard hard == -1 || soft <= hard && soft != -1 || soft == hard else {
            throw Reason("ulimit soft limit must be less than or equal to hard limit: \(soft) > \(hard)")
        }
        return ["Name": .string(name), "Soft": .int(soft), "Hard": .int(hard)]
    }
}

extension CreateBody {
    /// Memory, CPUs, processes and block I/O.
    mutating func addLimits() throws(Diagnostic) {
        setHost("Memory", try LimitWords.size(arguments, CreateOptions.memory))
        setHost("MemoryReservation", try LimitWords.size(arguments, CreateOptions.memoryReservation))
        setHost("MemorySwap", try LimitWords.swap(arguments))
        let swappiness = try LimitWords.integer(arguments, CreateOptions.swappiness)
        if let value = swappiness?.intValue, value != -1, !(0...100).contains(value) {
            throw FlagProblem.sentence("invalid value: \(value). Valid memory swappiness range is 0-100")
        }
        setHost("MemorySwappiness", swappiness)
        setHost("OomScoreAdj", try LimitWords.integer(arguments, CreateOptions.outOfMemoryScore))
        setHost("OomKillDisable", flag(CreateOptions.noOutOfMemoryKill))
        setHost("NanoCpus", try LimitWords.cpus(arguments))
        let numbers = [
            ("CpuShares", CreateOptions.cpuShares), ("CpuPeriod", CreateOptions.cpuPeriod),
            ("CpuQuota", CreateOptions.cpuQuota), ("CpuRealtimePeriod", CreateOptions.cpuRealtimePeriod),
            ("CpuRealtimeRuntime", CreateOptions.cpuRealtimeRuntime), ("PidsLimit", CreateOptions.pids),
        ]
        for (key, option) in numbers { setHost(key, try LimitWords.integer(arguments, option)) }
        setHost("CpusetCpus", text(CreateOptions.cpuSet))
        setHost("CpusetMems", text(CreateOptions.memorySet))
        setHost("CgroupParent", text(CreateOptions.cgroupParent))
        // The last limit of a name counts.
        var ulimits: [String: JSONValue] = [:]
        for limit in try arguments.values(of: CreateOptions.ulimit, read: LimitWords.ulimit) {
            ulimits[limit["Name"]?.stringValue ?? ""] = limit
        }
        if !ulimits.isEmpty {
            setHost("Ulimits", .array(ulimits.sorted { $0.key < $1.key }.map(\.value)))
        }
        try addBlockLimits()
    }

    private mutating func addBlockLimits() throws(Diagnostic) {
        setHost("BlkioWeight", try LimitWords.integer(arguments, CreateOptions.blockWeight, in: 0...65535))
        let weights = try arguments.values(of: CreateOptions.blockWeightDevice) { text throws(Reason) in
            let (path, value) = try CreateBody.deviceValue(text)
            guard let weight = Int64(value), weight == 0 || (10...1000).contains(weight) else {
                throw Reason("invalid weight for device: \(text)")
            }
            return ["Path": .string(path), "Weight": .int(weight)] as JSONValue
        }
        if !weights.isEmpty { setHost("BlkioWeightDevice", .array(weights)) }
        let rates = [
            ("BlkioDeviceReadBps", CreateOptions.readBytes), ("BlkioDeviceWriteBps", CreateOptions.writeBytes),
        ]
        for (key, option) in rates {
            let values = try arguments.values(of: option) { text throws(Reason) in
                let (path, value) = try CreateBody.deviceValue(text)
                guard let rate = try? GoText.bytes(value), rate >= 0 else {
                    throw Reason(
                        "invalid rate for device: \(text). The correct format is <device-path>:<number>[<unit>]. "
                            + "Number must be a positive integer. Unit is optional and can be kb, mb, or gb")
                }
                return ["Path": .string(path), "Rate": .int(rate)] as JSONValue
            }
            if !values.isEmpty { setHost(key, .array(values)) }
        }
        let operations = [
            ("BlkioDeviceReadIOps", CreateOptions.readOperations),
            ("BlkioDeviceWriteIOps", CreateOptions.writeOperations),
        ]
        for (key, option) in operations {
            let values = try arguments.values(of: option) { text throws(Reason) in
                let (path, value) = try CreateBody.deviceValue(text)
                guard let rate = Int64(value), rate >= 0 else {
                    throw Reason(
                        "invalid rate for device: \(text). The correct format is <device-path>:<number>. "
                            + "Number must be a positive integer")
                }
                return ["Path": .string(path), "Rate": .int(rate)] as JSONValue
            }
            if !values.isEmpty { setHost(key, .array(values)) }
        }
    }

    private static func deviceValue(_ text: String) throws(Reason) -> (path: String, value: String) {
        let (path, value) = CommaSeparated.cut(text, at: ":")
        guard let value, !path.isEmpty else { throw Reason("bad format: \(text)") }
        guard path.hasPrefix("/dev/") else { throw Reason("bad format for device path: \(text)") }
        return (path, value)
    }
}
