import Linux
import Runtime

extension ContainerSpecification {
    /// Leaves out what this host's kernel cannot limit, as Docker does.
    ///
    /// - Returns: Docker's sentences about what was left out.
    package mutating func discardUnsupported(_ support: CgroupSupport) -> [String] {
        var warnings: [String] = []
        func discard(_ isLacking: Bool, _ text: String, _ body: () -> Void) {
            guard isLacking else { return }
            warnings.append("Your kernel does not support \(text)")
            body()
        }
        discard(
            limits.memoryBytes != nil && !support.memory,
            "memory limit capabilities or the cgroup is not mounted. Limitation discarded."
        ) {
            limits.memoryBytes = nil
            limits.memorySwapBytes = -1
        }
        discard(
            limits.memoryBytes != nil && limits.memorySwapBytes != -1 && !support.swap,
            "swap limit capabilities or the cgroup is not mounted. Memory limited without swap."
        ) { limits.memorySwapBytes = -1 }
        discard(
            limits.memorySwappiness != nil && !support.swappiness,
            "memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded."
        ) { limits.memorySwappiness = nil }
        discard(
            limits.memoryReservationBytes != nil && !support.memoryReservation,
            "memory soft limit capabilities or the cgroup is not mounted. Limitation discarded."
        ) { limits.memoryReservationBytes = nil }
        discard(
            limits.disablesOutOfMemoryKiller && !support.outOfMemoryControl,
            "OomKillDisable. OomKillDisable discarded."
        ) { limits.disablesOutOfMemoryKiller = false }
        if limits.disablesOutOfMemoryKiller, limits.memoryBytes == nil {
            warnings.append(
                "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources."
            )
        }
        discard(
            limits.pids != nil && !support.pids,
            "PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded."
        ) { limits.pids = nil }
        warnings += discardUnsupportedProcessor(support)
        return warnings + discardUnsupportedDevices(support)
    }

    private mutating func discardUnsupportedProcessor(_ support: CgroupSupport) -> [String] {
        var warnings: [String] = []
        if limits.cpuShares != nil, !support.cpuShares {
            warnings.append("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.")
            limits.cpuShares = nil
        }
        if limits.cpuPeriod != nil || limits.cpuQuota != nil, !support.cpuQuota {
            warnings.append("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.")
            limits.cpuPeriod = nil
            limits.cpuQuota = nil
        }
        if !limits.cpuSet.isEmpty || !limits.memoryNodes.isEmpty, !support.cpuSets {
            warnings.append("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.")
            limits.cpuSet = ""
            limits.memoryNodes = ""
        }
        return warnings
    }

    private mutating func discardUnsupportedDevices(_ support: CgroupSupport) -> [String] {
        var warnings: [String] = []
        let end = "or the cgroup is not mounted."
        if limits.blockIO.weight != nil, !support.blockWeight {
            warnings.append("Your kernel does not support Block I/O weight \(end) Weight discarded.")
            limits.blockIO.weight = nil
        }
        if !limits.blockIO.deviceWeights.isEmpty, !support.blockDeviceWeight {
            warnings.append("Your kernel does not support Block I/O weight_device \(end) Weight-device discarded.")
            limits.blockIO.deviceWeights = []
        }
        guard !support.blockThrottling else { return warnings }
        if !limits.blockIO.readBytes.isEmpty {
            warnings.append(
                "Your kernel does not support BPS Block I/O read limit \(end) Block I/O BPS read limit discarded.")
        }
        if !limits.blockIO.writeBytes.isEmpty {
            warnings.append(
                "Your kernel does not support BPS Block I/O write limit \(end) Block I/O BPS write limit discarded.")
        }
        if !limits.blockIO.readOperations.isEmpty {
            warnings.append(
                "Your kernel does not support IOPS Block read limit \(end) Block I/O IOPS read limit discarded.")
        }
        if !limits.blockIO.writeOperations.isEmpty {
            warnings.append(
                "Your kernel does not support IOPS Block write limit \(end) Block I/O IOPS write limit discarded.")
        }
        let (weight, weights) = (limits.blockIO.weight, limits.blockIO.deviceWeights)
        limits.blockIO = BlockLimits()
        limits.blockIO.weight = weight
        limits.blockIO.deviceWeights = weights
        return warnings
    }

    /// Refuses limits that this host does not have the parts for.
    ///
    /// - Throws: Docker's texts.
    package func checkHost(_ support: CgroupSupport) throws(EngineError) {
        let count = support.cpuCount
        if let nano = limits.nanoCPUs {
            guard support.cpuQuota else {
                throw EngineError(
                    .invalid,
                    "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted"
                )
            }
            guard nano <= Int64(count) * 1_000_000_000 else {
                throw EngineError(
                    .invalid,
                    "Range of CPUs is from 0.01 to \(count).00, as there are only \(count) CPUs available")
            }
        }
        guard support.cpuRealtime || limits.cpuRealtimePeriod == nil && limits.cpuRealtimeRuntime == nil else {
            throw EngineError(.invalid, "Your kernel does not support CPU real-time scheduler")
        }
        if let period = limits.cpuRealtimePeriod, let runtime = limits.cpuRealtimeRuntime, runtime > period {
            throw EngineError(.invalid, "cpu real-time runtime cannot be higher than cpu real-time period")
        }
        try Self.check(limits.cpuSet, isIn: support.cpus, "CPUs", "cpus")
        try Self.check(limits.memoryNodes, isIn: support.memoryNodes, "memory nodes", "mems")
    }

    private static func check(
        _ text: String, isIn available: String, _ what: String, _ kind: String
    ) throws(EngineError) {
        guard !text.isEmpty else { return }
        let isList = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2C || $0 == 0x2D }
        let asked = isList ? HostProcessors.numbers(inList: text) : []
        guard !asked.isEmpty else { throw EngineError(.invalid, "Invalid value \(text) for cpuset \(kind)") }
        let has = Set(HostProcessors.numbers(inList: available))
        guard asked.allSatisfy({ has.contains($0) }) else {
            throw EngineError(
                .invalid, "Requested \(what) are not available - requested \(text), available: \(available)")
        }
    }

    /// Checks what the host's parts do not matter for.
    ///
    /// - Throws: Docker's texts.
    package func checkHostSettings() throws(EngineError) {
        _ = try SecuritySettings(securityOptions, checksProfile: true)
        for (names, list) in [(addedCapabilities, "CapAdd"), (droppedCapabilities, "CapDrop")] {
            for name in names where name.uppercased() != "ALL" && Capability(named: name) == nil {
                let upper = name.uppercased()
                let full = upper.hasPrefix("CAP_") ? upper : "CAP_\(upper)"
                throw EngineError(.invalid, "invalid \(list): unknown capability: \"\(full)\"")
            }
        }
        for rule in hostSettings.deviceRules where DeviceRule.rules(line: rule) == nil {
            throw EngineError(.invalid, "invalid device cgroup rule format: '\(rule)'")
        }
        for device in hostSettings.devices where DeviceRule.access(letters: device.access) == nil {
            throw EngineError(.invalid, "invalid device mode: \(device.access)")
        }
        if hostSettings.utsMode == "host", !hostname.isEmpty {
            throw EngineError(.invalid, "conflicting options: hostname and the UTS mode")
        }
        var namespaces = NamespaceConfiguration()
        if hostSettings.ipcMode == "host" { namespaces.ipc = .host }
        namespaces.usesHostNames = hostSettings.utsMode == "host"
        for name in hostSettings.sysctls.keys.sorted() {
            if let reason = KernelParameters.refusal(
                of: name, namespaces, usesHostNetwork: networkMode == "host")
            {
                throw EngineError(.invalid, reason)
            }
        }
    }
}
