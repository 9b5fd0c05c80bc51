import JSONText
import Linux
import OCI

extension ContainerSpecification {
    /// Reads the body of `POST /containers/create`.
    ///
    /// - Throws: also for what Docker knows and this engine does not do, naming the member.
    package init(json: JSONValue) throws(EngineError) { try self.init(FieldReader(json)) }

    /// Reads the stored form, which has the same shape, without the rules for requests.
    package init(stored json: JSONValue) throws(EngineError) { try self.init(FieldReader(json, isStored: true)) }

    private init(_ body: FieldReader) throws(EngineError) {
        try readConfig(body)
        if let host = try body.reader("HostConfig") { try readHost(host) }
        exposedPorts.sort()
        if let endpoints = try body.reader("NetworkingConfig")?.reader("EndpointsConfig") {
            for name in endpoints.keys {
                self.endpoints.append(try EndpointSettings(network: name, try endpoints.reader(name)))
            }
        }
    }

    private mutating func readConfig(_ body: FieldReader) throws(EngineError) {
        try readNetworkConfig(body)
        image = try body.text("Image")
        hostname = try body.text("Hostname")
        domainname = try body.text("Domainname")
        user = try body.text("User")
        env = try body.strings("Env") ?? []
        command = try body.strings("Cmd")
        entrypoint = try body.strings("Entrypoint")
        workingDirectory = try body.text("WorkingDir")
        labels = try body.dictionary("Labels")
        tty = try body.flag("Tty")
        openStdin = try body.flag("OpenStdin")
        stdinOnce = try body.flag("StdinOnce")
        volumes = try body.set("Volumes")
        for text in try body.set("ExposedPorts") {
            guard let port = ContainerPort(text) else {
                throw EngineError(.invalid, "invalid port specification: \(text)")
            }
            exposedPorts.append(port)
        }
        healthcheck = try body.reader("Healthcheck").map { (reader) throws(EngineError) in
            try Self.healthcheck(reader)
        }
        let signal = try body.text("StopSignal")
        stopSignal = signal.isEmpty ? nil : signal
        stopTimeout = try body.integer("StopTimeout", in: -1...86_400 * 365).map { Int($0) }
    }

    /// Reads Docker's `Healthcheck` object; our own `HTTP` form has the same shape.
    package static func healthcheck(_ reader: FieldReader) throws(EngineError) -> Healthcheck {
        let longest: Int64 = 86_400_000_000_000 * 365
        func duration(_ name: String) throws(EngineError) -> Int64 {
            let value = try reader.integer(name, in: 0...longest) ?? 0
            try reader.require(value == 0 || value >= 1_000_000, "\(name) in Healthcheck cannot be less than 1ms")
            return value
        }
        let test = try reader.strings("Test") ?? []
        if let form = test.first {
            try reader.require(
                ["NONE", "CMD", "CMD-SHELL", "HTTP"].contains(form), "unknown healthcheck type '\(form)'")
        }
        return Healthcheck(
            test: test, interval: try duration("Interval"), timeout: try duration("Timeout"),
            startPeriod: try duration("StartPeriod"), startInterval: try duration("StartInterval"),
            retries: Int(try reader.integer("Retries", in: 0...100_000) ?? 0))
    }

    private mutating func readHost(_ host: FieldReader) throws(EngineError) {
        try Self.refuseUnsupported(host)
        try readMounts(host)
        try readNetworkHost(host)
        if let policy = try host.reader("RestartPolicy") { restart = try RestartSettings(policy) }
        autoRemove = try host.flag("AutoRemove")
        try host.require(
            !autoRemove || restart.name == .no, "can't create 'AutoRemove' container with restart policy")
        limits = try Self.limits(host)
        readOnlyRoot = try host.flag("ReadonlyRootfs")
        usesInit = try host.flag("Init")
        addedCapabilities = try host.strings("CapAdd") ?? []
        droppedCapabilities = try host.strings("CapDrop") ?? []
        isPrivileged = try host.flag("Privileged")
        if let bytes = try host.integer("ShmSize") {
            try host.require(bytes >= 0, "SHM size can not be less than 0")
            if bytes > 0 { sharedMemoryBytes = bytes }
        }
        securityOptions = try host.strings("SecurityOpt") ?? []
        for option in securityOptions where !Self.isSupported(securityOption: option) && !host.isStored {
            throw EngineError(.notImplemented, "HostConfig.SecurityOpt \(option) is not supported by this engine")
        }
        if let log = try host.reader("LogConfig") { try readLog(log) }
    }

    private mutating func readLog(_ log: FieldReader) throws(EngineError) {
        try log.refuse(["Type"], accepting: ["json-file"])
        if let options = try log.reader("Config") {
            try options.refuse(options.keys.filter { $0 != "max-size" && $0 != "max-file" })
        }
        logOptions = try log.dictionary("Config")
        if let size = logOptions["max-size"] {
            try log.require(HostEngine.bytes(size) != nil, "invalid value for max-size: \(size)")
        }
        if let count = logOptions["max-file"] {
            try log.require(UInt32(count).map { $0 > 0 } ?? false, "invalid value for max-file: \(count)")
        }
    }

    /// Reads the limits of `HostConfig`, also the body of `POST /containers/{id}/update`.
    ///
    /// 0 leaves what `base` has; -1 lifts a limit.
    package static func limits(
        _ host: FieldReader, over base: CgroupLimits = CgroupLimits()
    ) throws(EngineError) -> CgroupLimits {
        func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }
        var limits = base
        if let memory = positive(try host.integer("Memory", in: 0...Int64.max)) {
            try host.require(memory >= 6 << 20, "Minimum memory limit allowed is 6MB")
            limits.memoryBytes = memory
        }
        if let swap = try host.integer("MemorySwap", in: -1...Int64.max), swap != 0 {
            limits.memorySwapBytes = swap
            try host.require(
                swap < 0 || limits.memoryBytes != nil,
                "You should always set the Memory limit when using Memoryswap limit, see usage")
            try host.require(
                swap < 0 || base.memoryBytes != nil || swap >= limits.memoryBytes ?? 0,
                "Minimum memoryswap limit should be larger than memory limit, see usage")
        }
        if limits.memorySwapBytes == nil, let memory = limits.memoryBytes, memory <= Int64.max / 2 {
            limits.memorySwapBytes = memory * 2
        }
        let given = positive(try host.integer("NanoCpus", in: 0...1_000_000_000_000_000))
        if let given { limits.nanoCPUs = given }
        if let quota = positive(try host.integer("CpuQuota")) {
            try host.require(given == nil, "Conflicting options: Nano CPUs and CPU Quota cannot both be set")
            let period = positive(try host.integer("CpuPeriod", in: 0...1_000_000)) ?? 100_000
            if given == nil { limits.nanoCPUs = min(quota, 1_000_000_000) * 1_000_000_000 / period }
        }
        if let shares = positive(try host.integer("CpuShares", in: 0...262_144)) { limits.cpuShares = shares }
        if let pids = try host.integer("PidsLimit", in: -1...Int64(Int32.max)) { limits.pids = positive(pids) }
        return limits
    }
}
