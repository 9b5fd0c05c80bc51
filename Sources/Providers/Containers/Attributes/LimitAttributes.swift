import Diagnostics
import Engine
import JSONText
import Linux

/// What a container may use: the members of the attribute `limits`.
struct LimitAttribute: Sendable {
    let name: String
    /// Whether the kernel takes another value, and none, for what runs.
    let effect: ContainerAttribute.Effect
    let read: @Sendable (inout AttributeReader) -> Void
    let write: @Sendable (JSONValue?, inout CgroupLimits) -> Void
    let see: @Sendable (CgroupLimits) -> JSONValue?
}

extension LimitAttribute {
    static let all: [LimitAttribute] = [
        number("memory", \.memoryBytes, .live, in: 6 << 20...Int64.max),
        number("nanoCPUs", \.nanoCPUs, .live, in: 1_000_000...1_000_000_000_000_000),
        number("pids", \.pids, .live, in: 1...Int64(Int32.max)),
        number("cpuShares", \.cpuShares, .live, in: 2...262_144),
        number("memoryReservation", \.memoryReservationBytes, .live, in: 6 << 20...Int64.max),
        number("memorySwap", \.memorySwapBytes, .live, in: -1...Int64.max),
        number("swappiness", \.memorySwappiness, .restart, in: 0...100),
        LimitAttribute(
            name: "oomKillDisable", effect: .restart, read: { $0.flag("oomKillDisable") },
            write: { $1.disablesOutOfMemoryKiller = $0?.boolValue ?? false },
            see: { .bool($0.disablesOutOfMemoryKiller) }),
        number("cpuQuota", \.cpuQuota, .live, in: -1...Int64.max),
        number("cpuPeriod", \.cpuPeriod, .live, in: 1_000...1_000_000),
        text("cpuset", \.cpuSet),
        text("cpusetMems", \.memoryNodes),
        number("cpuRealtimePeriod", \.cpuRealtimePeriod, .restart, in: 1...Int64.max),
        number("cpuRealtimeRuntime", \.cpuRealtimeRuntime, .restart, in: 1...Int64.max),
        number("blkioWeight", \.blockIO.weight, .live, in: 10...1_000),
        devices("blkioWeightDevices", \.blockIO.deviceWeights, "weight"),
        devices("readBps", \.blockIO.readBytes, "rate"),
        devices("writeBps", \.blockIO.writeBytes, "rate"),
        devices("readIops", \.blockIO.readOperations, "rate"),
        devices("writeIops", \.blockIO.writeOperations, "rate"),
    ]

    private static func number(
        _ name: String, _ member: any WritableKeyPath<CgroupLimits, Int64?> & Sendable,
        _ effect: ContainerAttribute.Effect, in range: ClosedRange<Int64>
    ) -> LimitAttribute {
        LimitAttribute(
            name: name, effect: effect, read: { $0.integer(name, in: range) },
            write: { $1[keyPath: member] = $0?.intValue }, see: { $0[keyPath: member].map { .int($0) } })
    }

    private static func text(
        _ name: String, _ member: any WritableKeyPath<CgroupLimits, String> & Sendable
    ) -> LimitAttribute {
        LimitAttribute(
            name: name, effect: .live,
            read: { reader in
                reader.text(name)
                if reader[name] == "" { reader[name] = nil }
            },
            write: { $1[keyPath: member] = $0?.stringValue ?? "" },
            see: { $0[keyPath: member].isEmpty ? nil : .string($0[keyPath: member]) })
    }

    private static func devices(
        _ name: String, _ member: any WritableKeyPath<CgroupLimits, [BlockLimits.DeviceValue]> & Sendable,
        _ number: String
    ) -> LimitAttribute {
        LimitAttribute(
            name: name, effect: .restart,
            read: { reader in
                reader.objects(name) { (device) throws(DiagnosticList) in
                    var reader = AttributeReader(device)
                    reader.text("path", { $0.hasPrefix("/") ? $0 : nil }, expected: "a device of the host")
                    reader.require("path", "a device of the host")
                    reader.integer(number, in: 0...Int64.max)
                    reader.require(number, "a whole number")
                    return try reader.finished(known: ["path", number])
                }
                if reader[name] == [] { reader[name] = nil }
            },
            write: { value, limits in
                limits[keyPath: member] = (value?.arrayValue ?? []).compactMap { device in
                    guard let path = device["path"]?.stringValue, let value = device[number]?.intValue else {
                        return nil
                    }
                    return BlockLimits.DeviceValue(path: path, value: value)
                }
            },
            see: { limits in
                let devices = limits[keyPath: member]
                return devices.isEmpty
                    ? nil
                    : .array(
                        devices.map {
                            .object(JSONObject([("path", .string($0.path)), (number, .int($0.value))]))
                        })
            })
    }

    /// All of them, as one attribute.
    static let limits = ContainerAttribute(
        "limits", .live,
        read: { reader, norms in
            reader.object("limits") { (limits) throws(DiagnosticList) in try normalize(limits, norms.hierarchy) }
        },
        write: { value, specification in specification.limits = CgroupLimits(attributes: value?.objectValue) },
        see: { sight, _ in .object(sight.limits.attributes) })

    private static func normalize(
        _ attributes: JSONObject, _ hierarchy: CgroupHierarchy?
    ) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        for limit in all { limit.read(&reader) }
        let read = try reader.finished(known: all.map(\.name))
        guard let hierarchy else { return read }
        // The kernel rounds: compare with what it can hold.
        let kept = CgroupLimits(attributes: read).normalized(for: hierarchy).attributes
        return JSONObject(read.map { ($0.key, kept[$0.key] ?? $0.value) })
    }
}

extension CgroupLimits {
    /// Limits from the attribute `limits`; absent is none.
    init(attributes: JSONObject?) {
        self.init()
        for limit in LimitAttribute.all { limit.write(attributes?[limit.name], &self) }
    }

    /// The attribute `limits`.
    var attributes: JSONObject {
        var object = JSONObject()
        for limit in LimitAttribute.all { object[limit.name] = limit.see(self) }
        return object
    }
}
