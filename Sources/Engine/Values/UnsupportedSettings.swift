import JSONText

/// What Docker's `HostConfig` can ask for and this engine does not do.
///
/// Ignored, it would make a container that is not what was asked for: without its device, or less apart from the host.
extension ContainerSpecification {
    /// Limits, which `POST /containers/{id}/update` has, too.
    private static let limits = [
        "BlkioDeviceReadBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteBps", "BlkioDeviceWriteIOps", "BlkioWeight",
        "BlkioWeightDevice", "CpuCount", "CpuPercent", "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpusetCpus",
        "CpusetMems", "IOMaximumBandwidth", "IOMaximumIOps", "KernelMemory", "KernelMemoryTCP", "MemoryReservation",
        "OomKillDisable", "Ulimits",
    ]

    private static let others = [
        "Annotations", "Cgroup", "CgroupParent", "DeviceCgroupRules", "DeviceRequests", "Devices", "GroupAdd",
        "OomScoreAdj", "Sysctls", "UTSMode",
    ]

    /// Modes of which one is what every container gets.
    private static let modes: [(name: String, accepted: [String])] = [
        ("CgroupnsMode", ["private"]), ("IpcMode", ["private"]), ("Isolation", ["default"]), ("PidMode", ["private"]),
        ("Runtime", ["stackctl"]), ("UsernsMode", ["host"]),
    ]

    /// Refuses what would be ignored of a `HostConfig`.
    static func refuseUnsupported(_ host: FieldReader) throws(EngineError) {
        try refuseUnsupportedLimits(host)
        try host.refuse(others)
        for mode in modes { try host.refuse([mode.name], accepting: mode.accepted) }
        // An empty list asks that nothing be hidden; null is the usual list.
        for name in ["MaskedPaths", "ReadonlyPaths"] where host.value(name) != nil && !host.isStored {
            throw EngineError(.notImplemented, "HostConfig.\(name) is not supported by this engine")
        }
    }

    /// Refuses limits that would be ignored.
    package static func refuseUnsupportedLimits(_ host: FieldReader) throws(EngineError) {
        try host.refuse(limits)
        // -1 is the kernel's own setting.
        if host.value("MemorySwappiness")?.intValue != -1 { try host.refuse(["MemorySwappiness"]) }
    }

    /// Whether a security option is done, or is so already: nothing here uses AppArmor or SELinux.
    static func isSupported(securityOption option: String) -> Bool {
        [
            "no-new-privileges", "no-new-privileges=true", "no-new-privileges:true", "no-new-privileges=false",
            "no-new-privileges:false", "seccomp=unconfined", "seccomp=builtin", "apparmor=unconfined",
            "apparmor:unconfined", "label=disable", "label:disable",
        ].contains(option)
    }
}
