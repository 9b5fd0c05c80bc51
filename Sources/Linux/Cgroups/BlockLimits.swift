/// What a group may use of block devices.
package struct BlockLimits: Sendable, Hashable {
    /// A number for one device.
    package struct DeviceValue: Sendable, Hashable {
        /// The device's node on this host.
        package var path: String
        /// A weight, bytes a second or operations a second.
        package var value: Int64

        /// A number for the device at a path.
        package init(path: String, value: Int64) {
            self.path = path
            self.value = value
        }
    }

    /// The share of every device, 10 to 1,000; nil is the kernel's usual one.
    package var weight: Int64?
    /// The share of single devices, 10 to 1,000.
    package var deviceWeights: [DeviceValue] = []
    /// Bytes a second that may be read.
    package var readBytes: [DeviceValue] = []
    /// Bytes a second that may be written.
    package var writeBytes: [DeviceValue] = []
    /// Reads a second.
    package var readOperations: [DeviceValue] = []
    /// Writes a second.
    package var writeOperations: [DeviceValue] = []

    /// No limits.
    package init() {}

    /// Version 2's weight (1 to 10,000) for version 1's (10 to 1,000), as every container engine converts them.
    static func unifiedWeight(_ weight: Int64) -> Int64 {
        1 + (min(max(weight, 10), 1_000) - 10) * 9_999 / 990
    }
}

extension Cgroup {
    /// Sets what version 1 has for block devices.
    func applyBlockV1(_ limits: BlockLimits) throws(SystemError) {
        let weights = ["blkio.weight", "blkio.bfq.weight"]
        if let weight = limits.weight, let name = firstFile("blkio", weights) {
            try write("blkio", name, "\(weight)")
        }
        let perDevice = ["blkio.weight_device", "blkio.bfq.weight_device"]
        if let name = firstFile("blkio", perDevice) { try writeEach("blkio", name, limits.deviceWeights) }
        try writeEach("blkio", "blkio.throttle.read_bps_device", limits.readBytes)
        try writeEach("blkio", "blkio.throttle.write_bps_device", limits.writeBytes)
        try writeEach("blkio", "blkio.throttle.read_iops_device", limits.readOperations)
        try writeEach("blkio", "blkio.throttle.write_iops_device", limits.writeOperations)
    }

    /// Sets what version 2 has for block devices.
    func applyBlockV2(_ limits: BlockLimits) throws(SystemError) {
        let isProportional = firstFile("io", ["io.bfq.weight"]) == nil
        let name = isProportional ? "io.weight" : "io.bfq.weight"
        if let weight = limits.weight, firstFile("io", [name]) != nil {
            try write("io", name, "default \(isProportional ? BlockLimits.unifiedWeight(weight) : weight)")
        }
        if firstFile("io", [name]) != nil {
            for device in limits.deviceWeights {
                let weight = isProportional ? BlockLimits.unifiedWeight(device.value) : device.value
                try write("io", name, "\(try Self.number(of: device.path)) \(weight)")
            }
        }
        let kinds = [
            ("rbps", limits.readBytes), ("wbps", limits.writeBytes), ("riops", limits.readOperations),
            ("wiops", limits.writeOperations),
        ]
        for (kind, devices) in kinds {
            for device in devices {
                try write("io", "io.max", "\(try Self.number(of: device.path)) \(kind)=\(device.value)")
            }
        }
    }

    private func writeEach(
        _ controller: String, _ name: String, _ devices: [BlockLimits.DeviceValue]
    ) throws(SystemError) {
        for device in devices {
            try write(controller, name, "\(try Self.number(of: device.path)) \(device.value)")
        }
    }

    private func firstFile(_ controller: String, _ names: [String]) -> String? {
        names.first { name in file(controller, name).map { Files.exists($0) } ?? false }
    }

    /// `8:0` of a block device's node.
    ///
    /// Throws `ENOTBLK` for anything else.
    private static func number(of path: String) throws(SystemError) -> String {
        let status = try Files.status(path)
        guard status.kind == .blockDevice else { throw SystemError(call: "stat", errno: .ENOTBLK, subject: path) }
        return "\(status.deviceID.major):\(status.deviceID.minor)"
    }
}
