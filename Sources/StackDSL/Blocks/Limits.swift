import Diagnostics
import JSONText

/// The most the container may use.
public struct Limit: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Limits; what is left out is unlimited, or as the kernel has it.
    ///
    /// - Parameters:
    ///   - memory: memory without swap.
    ///   - cpus: processors, e.g. 0.5 for half of one.
    ///   - processes: processes and threads; -1 is no limit.
    ///   - cpuShares: the weight against other containers when processors are short; 1024 is usual.
    ///   - memoryReservation: memory that is left to the container when the host runs short.
    ///   - memorySwap: memory and swap together; `.unlimited` for no limit of swap.
    ///   - swappiness: how willingly memory is swapped out, 0 to 100.
    ///   - isOOMKillDisabled: whether processes wait for memory rather than being killed.
    ///   - cpuQuota: microseconds of processor time in each period.
    ///   - cpuPeriod: the length of a period in microseconds.
    ///   - cpuset: the processors, such as "0-3" or "0,2".
    ///   - cpusetMems: the nodes of memory, such as "0".
    ///   - cpuRealtimePeriod: the length of a period of real-time processes in microseconds.
    ///   - cpuRealtimeRuntime: microseconds of processor time of real-time processes in each period.
    ///   - blkioWeight: the weight against other containers at block devices, 10 to 1000.
    public init(
        memory: ByteCount? = nil, cpus: Double? = nil, processes: Int? = nil, cpuShares: Int? = nil,
        memoryReservation: ByteCount? = nil, memorySwap: ByteCount? = nil, swappiness: Int? = nil,
        isOOMKillDisabled: Bool? = nil, cpuQuota: Int? = nil, cpuPeriod: Int? = nil, cpuset: String? = nil,
        cpusetMems: String? = nil, cpuRealtimePeriod: Int? = nil, cpuRealtimeRuntime: Int? = nil,
        blkioWeight: Int? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement("Limit", fileID, line)
        element.limit(memory, "memory", "memory limit", isUnlimited: false)
        element.limit(cpus)
        element.limit(processes, "pids", "processes", "processes:", 1...Int.max, -1)
        element.limit(cpuShares, "cpuShares", "processor shares", "cpuShares:", 0...262_144)
        element.limit(memoryReservation, "memoryReservation", "memory reservation", isUnlimited: false)
        element.limit(memorySwap, "memorySwap", "limit of memory and swap", isUnlimited: true)
        element.limit(swappiness, "swappiness", "swappiness", "swappiness:", 0...100, -1)
        if let isOOMKillDisabled {
            element.changes.append(.insert(map: "limits", key: "oomKillDisable", .bool(isOOMKillDisabled)))
        }
        element.limit(cpuQuota, "cpuQuota", "microseconds", "cpuQuota:", 0...Int.max, -1)
        element.limit(cpuPeriod, "cpuPeriod", "microseconds", "cpuPeriod:", 0...1_000_000)
        for (key, set) in [("cpuset", cpuset), ("cpusetMems", cpusetMems)] {
            guard let set else { continue }
            element.changes.append(.insert(map: "limits", key: key, .string(set)))
            if set.isEmpty || !set.utf8.allSatisfy({ (0x30...0x39).contains($0) || ",-".utf8.contains($0) }) {
                element.problem("SC1106", "\(key): \"\(set)\" is no set of numbers", hint: "write \"0-3\" or \"0,2\"")
            }
        }
        element.limit(cpuRealtimePeriod, "cpuRealtimePeriod", "microseconds", "cpuRealtimePeriod:", 0...Int.max)
        element.limit(cpuRealtimeRuntime, "cpuRealtimeRuntime", "microseconds", "cpuRealtimeRuntime:", 0...Int.max, -1)
        element.limit(blkioWeight, "blkioWeight", "weight", "blkioWeight:", 10...1000)
        self.element = element
    }
}

extension BlockElement {
    fileprivate mutating func limit(_ amount: ByteCount?, _ key: String, _ what: String, isUnlimited: Bool) {
        guard let amount else { return }
        changes.append(.insert(map: "limits", key: key, .int(amount.bytes)))
        guard !(isUnlimited && amount == .unlimited), amount < .mebibytes(6) || amount.bytes == .max else { return }
        problem(
            "SC1106", "the \(what) \(amount) is too \(amount.bytes == .max ? "large" : "small")",
            hint: "use at least 6 MiB, e.g. .mebibytes(128)")
    }

    fileprivate mutating func limit(_ cpus: Double?) {
        guard let cpus else { return }
        let isUsable = cpus.isFinite && cpus >= 0.01 && cpus <= 4096
        changes.append(.insert(map: "limits", key: "nanoCPUs", .int(isUsable ? Int64((cpus * 1e9).rounded()) : 0)))
        if !isUsable { problem("SC1106", "\(cpus) is no number of processors", hint: "use 0.01 or more") }
    }

    fileprivate mutating func limit(
        _ number: Int?, _ key: String, _ what: String, _ label: String, _ range: ClosedRange<Int>,
        _ unlimited: Int? = nil
    ) {
        guard let number else { return }
        changes.append(.insert(map: "limits", key: key, .int(Int64(number))))
        guard number != unlimited, !range.contains(number) else { return }
        let end = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
        problem("SC1106", "\(label) \(number) is no number of \(what)", hint: "use \(range.lowerBound) \(end)")
    }
}

/// The most the container may do at a block device of the host.
public struct DeviceLimit: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Limits of one device; what is left out is unlimited.
    ///
    /// - Parameters:
    ///   - path: the device, such as "/dev/sda".
    ///   - weight: the weight against other containers, 10 to 1000.
    ///   - readBytes: bytes read in a second.
    ///   - writeBytes: bytes written in a second.
    ///   - readOperations: reads in a second.
    ///   - writeOperations: writes in a second.
    public init(
        _ path: String, weight: Int? = nil, readBytes: ByteCount? = nil, writeBytes: ByteCount? = nil,
        readOperations: Int? = nil, writeOperations: Int? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement("DeviceLimit", fileID, line)
        element.requireAbsolute(path, "the device")
        if let weight {
            element.changes.append(
                .extend(
                    map: "limits", list: "blkioWeightDevices", ["path": .string(path), "weight": .int(Int64(weight))]))
            if !(10...1000).contains(weight) {
                element.problem("SC1106", "\(weight) is no weight of a device", hint: "use 10 to 1000")
            }
        }
        let rates = [
            ("readBps", readBytes?.bytes), ("writeBps", writeBytes?.bytes),
            ("readIops", readOperations.map { Int64($0) }), ("writeIops", writeOperations.map { Int64($0) }),
        ]
        for (list, rate) in rates {
            guard let rate else { continue }
            element.changes.append(
                .extend(map: "limits", list: list, ["path": .string(path), "rate": .int(rate)]))
            if rate < 1 {
                element.problem("SC1106", "\(rate) in a second is no rate of a device", hint: "use 1 or more")
            }
        }
        self.element = element
    }
}

/// A limit of processes, as `ulimit` of a shell sets it.
public struct Ulimit: ContainerSetting {
    /// What is limited; names are those of limits.conf.
    public struct Name: Sendable, ExpressibleByStringLiteral {
        let text: String

        /// A limit by its name.
        public init(stringLiteral value: String) { text = value }

        /// Open files.
        public static let nofile: Name = "nofile"
        /// Processes of the user.
        public static let nproc: Name = "nproc"
        /// Bytes of a core file.
        public static let core: Name = "core"
        /// Bytes of memory that is locked.
        public static let memlock: Name = "memlock"
        /// Bytes of the stack.
        public static let stack: Name = "stack"
    }

    /// What the element changes.
    public let element: BlockElement

    /// A limit; -1 is none.
    ///
    /// - Parameters:
    ///   - soft: where the process is stopped at.
    ///   - hard: how far the process may raise it; the soft one when nil.
    public init(_ name: Name, soft: Int, hard: Int? = nil, fileID: String = #fileID, line: Int = #line) {
        let value: JSONValue = ["soft": .int(Int64(soft)), "hard": .int(Int64(hard ?? soft))]
        var element = BlockElement(
            "Ulimit", fileID, line, changes: [.insert(map: "ulimits", key: name.text, value)])
        let names = [
            "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
            "rttime", "sigpending", "stack",
        ]
        if !names.contains(name.text) {
            element.problem(
                "SC1109", "\"\(name.text)\" is no limit of processes",
                hint: nearest(name.text, among: names).map { "did you mean \($0)?" })
        }
        let isAbove = hard.map { $0 != -1 && (soft > $0 || soft == -1) } ?? false
        if soft < -1 || (hard ?? 0) < -1 || isAbove {
            element.problem(
                "SC1106", "the limit \(name.text) of \(soft) to \(hard ?? soft) is none",
                hint: "use -1 for no limit; soft is at most hard")
        }
        self.element = element
    }
}

/// The size of /dev/shm; 64 MiB unless set.
public struct SharedMemory: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A size.
    public init(_ size: ByteCount, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("SharedMemory", fileID, line, changes: [.set("shmSize", .int(size.bytes))])
        if size.bytes < 1 || size.bytes == .max {
            element.problem("SC1106", "\(size) is no size of shared memory", hint: "use e.g. .mebibytes(256)")
        }
        self.element = element
    }
}

/// An option of the storage of the container's own files.
public struct StorageOption: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An option of the driver, such as `StorageOption("size", "10G")`.
    public init(_ key: String, _ value: String, fileID: String = #fileID, line: Int = #line) {
        element = .entry("StorageOption", "storageOptions", key, value, fileID, line)
    }
}

extension BlockElement {
    /// One text of an attribute that is a dictionary.
    static func entry(
        _ name: String, _ map: String, _ key: String, _ value: String, _ fileID: String, _ line: Int
    ) -> BlockElement {
        var element = BlockElement(name, fileID, line, changes: [.insert(map: map, key: key, .string(value))])
        if key.isEmpty || key.hasPrefix("$") {
            element.problem("SC1120", "\"\(key)\" is no key of \(name)", hint: "keys are not empty nor begin with '$'")
        }
        return element
    }
}
