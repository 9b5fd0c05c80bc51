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
        // Not Docker's: what a container of `compose run` has of its service's secrets and configurations.
        files = try body.objects("Files").map { (file) throws(EngineError) in try FileSpecification(stored: file) }
        if !body.isStored { for file in files { try file.check() } }
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
        attachesInput = try body.flag("AttachStdin")
        attachesOutput = try body.flag("AttachStdout")
        attachesError = try body.flag("AttachStderr")
        shell = try body.strings("Shell")
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
        try readMounts(host)
        try readNetworkHost(host)
        if let policy = try host.reader("RestartPolicy") { restart = try RestartSettings(policy) }
        autoRemove = try host.flag("AutoRemove")
        try host.require(
            !autoRemove || restart.name == .no, "can't create 'AutoRemove' container with restart policy")
        limits = try CgroupLimits(host)
        hostSettings = try HostSettings(host)
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
        if !host.isStored { try checkHostSettings() }
        if let log = try host.reader("LogConfig") {
            (hostSettings.logDriver, logOptions) = try LogSettings.read(log)
        }
    }
}
