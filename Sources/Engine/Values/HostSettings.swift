import JSONText
import Runtime

/// What of Docker's `HostConfig` says how far a container is apart from the host, and what of the host it gets.
package struct HostSettings: Sendable, Hashable {
    /// A device of the host.
    package struct Device: Sendable, Hashable {
        /// Its node, or a directory of nodes, on the host.
        package var hostPath: String
        /// Where the container has it.
        package var containerPath: String
        /// Of the letters `rwm`.
        package var access: String

        package init(hostPath: String, containerPath: String, access: String) {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.access = access
        }
    }

    /// Devices asked for by what they can do, or by the name a vendor's specification gives them.
    package struct DeviceRequest: Sendable, Hashable {
        package var driver: String
        /// How many; -1 is all.
        package var count: Int64
        package var ids: [String]
        /// Alternatives, each a list of capabilities that belong together.
        package var capabilities: [[String]]
        package var options: [String: String]

        package init(
            driver: String, count: Int64, ids: [String], capabilities: [[String]], options: [String: String]
        ) {
            self.driver = driver
            self.count = count
            self.ids = ids
            self.capabilities = capabilities
            self.options = options
        }
    }

    /// A limit of each process.
    package struct Ulimit: Sendable, Hashable {
        /// As `ulimit` names it.
        package var name: String
        /// -1 is none.
        package var soft: Int64
        /// -1 is none.
        package var hard: Int64

        package init(name: String, soft: Int64, hard: Int64) {
            self.name = name
            self.soft = soft
            self.hard = hard
        }

        /// As the runtime takes it; nil for a name the kernel has no limit of.
        package var resourceLimit: ResourceLimit? {
            ResourceLimit.Kind(named: name).map {
                ResourceLimit($0, soft: UInt64(bitPattern: soft), hard: UInt64(bitPattern: hard))
            }
        }
    }

    /// Facts for tools; the engine makes nothing of them.
    package var annotations: [String: String] = [:]
    /// `private` or `host`.
    package var cgroupNamespace = ""
    /// The group the container's is made in; empty is the engine's own.
    package var cgroupParent = ""
    /// Lines and columns of the client's terminal.
    package var consoleSize: [Int64] = [0, 0]
    /// Where the client writes the id.
    package var containerIDFile = ""
    /// Rules such as `c 1:3 rwm`.
    package var deviceRules: [String] = []
    package var deviceRequests: [DeviceRequest] = []
    package var devices: [Device] = []
    /// Further groups of the process, by name or number.
    package var groups: [String] = []
    /// `private`, `shareable`, `none`, `host` or `container:ID`.
    package var ipcMode = ""
    /// Empty or `default`.
    package var isolation = ""
    /// `json-file`, `local` or `none`.
    package var logDriver = "json-file"
    /// Paths that are hidden; nil is Docker's list.
    package var maskedPaths: [String]?
    /// Paths that are read-only; nil is Docker's list.
    package var readOnlyPaths: [String]?
    /// How likely the out-of-memory killer takes its processes, -1000 to 1000.
    package var outOfMemoryScore: Int32 = 0
    /// Empty, `host` or `container:ID`.
    package var pidMode = ""
    /// The runtime by name.
    package var runtime = ""
    /// Kernel parameters, by dotted name.
    package var sysctls: [String: String] = [:]
    package var ulimits: [Ulimit] = []
    /// Empty or `host`, which are the same here.
    package var userNamespace = ""
    /// Empty or `host`.
    package var utsMode = ""

    /// A container apart from the host as Docker's are.
    package init() {}

    /// The runtime's name where none is given.
    package static let standardRuntime = "stackctl"
    /// Names under which clients ask for the standard runtime.
    static let runtimes: Set<String> = [standardRuntime, "runc", "io.containerd.runc.v2"]

    /// The container of `container:X`.
    static func container(in mode: String) -> String? {
        mode.hasPrefix("container:") ? String(mode.dropFirst("container:".count)) : nil
    }
}

extension HostSettings {
    /// Reads them of a `HostConfig`.
    package init(_ host: FieldReader) throws(EngineError) {
        self.init()
        annotations = try host.dictionary("Annotations")
        try host.require(
            annotations[""] == nil,
            "invalid Annotations: the empty string is not permitted as an annotation key")
        consoleSize = try host.array("ConsoleSize").compactMap(\.intValue)
        if consoleSize.count != 2 { consoleSize = [0, 0] }
        containerIDFile = try host.text("ContainerIDFile")
        cgroupParent = try host.text("CgroupParent")
        groups = try host.strings("GroupAdd") ?? []
        try readModes(host)
        try readDevices(host)
        maskedPaths = try host.value("MaskedPaths") == nil ? nil : host.strings("MaskedPaths")
        readOnlyPaths = try host.value("ReadonlyPaths") == nil ? nil : host.strings("ReadonlyPaths")
        let score = try host.integer("OomScoreAdj") ?? 0
        try host.require(
            (-1000...1000).contains(score), "Invalid value \(score), range for oom score adj is [-1000, 1000]")
        outOfMemoryScore = Int32(min(max(score, -1000), 1000))
        sysctls = try host.dictionary("Sysctls")
        for reader in try host.objects("Ulimits") {
            let limit = Ulimit(
                name: try reader.text("Name"), soft: try reader.integer("Soft") ?? 0,
                hard: try reader.integer("Hard") ?? 0)
            try reader.require(limit.resourceLimit != nil, "invalid ulimit type: \(limit.name)")
            try reader.require(
                UInt64(bitPattern: limit.soft) <= UInt64(bitPattern: limit.hard),
                "ulimit soft limit must be less than or equal to hard limit: \(limit.soft) > \(limit.hard)")
            ulimits.append(limit)
        }
    }

    private mutating func readModes(_ host: FieldReader) throws(EngineError) {
        func mode(_ name: String, _ words: Set<String>, joins: Bool = false, _ what: String) throws(EngineError)
            -> String
        {
            let text = try host.text(name)
            let named = joins ? Self.container(in: text) : nil
            try host.require(
                words.contains(text) || text.isEmpty || named?.isEmpty == false, "invalid \(what): \(text)")
            return text
        }
        pidMode = try mode("PidMode", ["host"], joins: true, "PID mode")
        ipcMode = try mode("IpcMode", ["none", "private", "shareable", "host"], joins: true, "IPC mode")
        utsMode = try mode("UTSMode", ["host"], "UTS mode")
        userNamespace = try mode("UsernsMode", ["host"], "userns mode")
        cgroupNamespace = try mode("CgroupnsMode", ["private", "host"], "cgroup namespace mode")
        isolation = try host.text("Isolation")
        try host.require(
            isolation.isEmpty || isolation.lowercased() == "default",
            "invalid isolation (\(isolation)): linux only supports 'default'")
        runtime = try host.text("Runtime")
        try host.require(
            runtime.isEmpty || Self.runtimes.contains(runtime), "unknown or invalid runtime name: \(runtime)")
    }

    private mutating func readDevices(_ host: FieldReader) throws(EngineError) {
        for reader in try host.objects("Devices") {
            let path = try reader.text("PathOnHost")
            let inside = try reader.text("PathInContainer")
            let access = try reader.text("CgroupPermissions")
            devices.append(
                Device(
                    hostPath: path, containerPath: inside.isEmpty ? path : inside,
                    access: access.isEmpty ? "rwm" : access))
        }
        deviceRules = try host.strings("DeviceCgroupRules") ?? []
        for reader in try host.objects("DeviceRequests") {
            var capabilities: [[String]] = []
            for list in try reader.array("Capabilities") {
                capabilities.append((list.arrayValue ?? []).compactMap(\.stringValue))
            }
            deviceRequests.append(
                DeviceRequest(
                    driver: try reader.text("Driver"), count: try reader.integer("Count") ?? 0,
                    ids: try reader.strings("DeviceIDs") ?? [], capabilities: capabilities,
                    options: try reader.dictionary("Options")))
        }
    }

    /// Writes them into a `HostConfig`.
    func write(to object: inout JSONObject) {
        func list(_ texts: [String]) -> JSONValue { .strings(orNull: texts.isEmpty ? nil : texts) }
        if !annotations.isEmpty { object["Annotations"] = .object(.strings(annotations)) }
        object["ConsoleSize"] = .array(consoleSize.map { .int($0) })
        object["ContainerIDFile"] = .string(containerIDFile)
        object["CgroupParent"] = .string(cgroupParent)
        object["CgroupnsMode"] = .string(cgroupNamespace)
        object["Cgroup"] = ""
        object["GroupAdd"] = list(groups)
        object["IpcMode"] = .string(ipcMode)
        object["Isolation"] = .string(isolation)
        object["MaskedPaths"] = .strings(orNull: maskedPaths)
        object["ReadonlyPaths"] = .strings(orNull: readOnlyPaths)
        object["OomScoreAdj"] = .int(Int64(outOfMemoryScore))
        object["PidMode"] = .string(pidMode)
        object["Runtime"] = .string(runtime)
        if !sysctls.isEmpty { object["Sysctls"] = .object(.strings(sysctls)) }
        object["UTSMode"] = .string(utsMode)
        object["UsernsMode"] = .string(userNamespace)
        object["Ulimits"] = .array(
            ulimits.map { ["Name": .string($0.name), "Hard": .int($0.hard), "Soft": .int($0.soft)] })
        object["DeviceCgroupRules"] = list(deviceRules)
        object["Devices"] = .array(
            devices.map {
                [
                    "PathOnHost": .string($0.hostPath), "PathInContainer": .string($0.containerPath),
                    "CgroupPermissions": .string($0.access),
                ]
            })
        object["DeviceRequests"] = deviceRequests.isEmpty ? .null : .array(deviceRequests.map(\.json))
    }
}

extension HostSettings.DeviceRequest {
    /// Docker's `DeviceRequest`.
    var json: JSONValue {
        [
            "Driver": .string(driver), "Count": .int(count), "DeviceIDs": .strings(orNull: ids.isEmpty ? nil : ids),
            "Capabilities": .array(capabilities.map { .strings($0) }), "Options": .object(.strings(options)),
        ]
    }
}
