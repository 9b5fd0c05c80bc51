import Diagnostics
import JSONText
import StackModel

extension ContainerSource {
    mutating func writeLimits() throws(Diagnostic) {
        if var limits = try attributes.group("limits") {
            try writeLimit(&limits)
            try limits.finish()
        }
        for (name, value) in try attributes.pairs("ulimits") { lines.append(try Self.ulimit(name, value, attributes)) }
        write("OOMScore", try attributes.integer("oomScoreAdj"))
    }

    private mutating func writeLimit(_ limits: inout SourceAttributes) throws(Diagnostic) {
        var call = SourceCall("Limit")
        call.add("memory", try limits.bytes("memory"))
        call.add("cpus", try limits.number("nanoCPUs").map { "\(Double($0) / 1e9)" })
        call.add("processes", try limits.integer("pids"))
        call.add("cpuShares", try limits.integer("cpuShares"))
        call.add("memoryReservation", try limits.bytes("memoryReservation"))
        call.add("memorySwap", try limits.bytes("memorySwap"))
        call.add("swappiness", try limits.integer("swappiness"))
        call.add("isOOMKillDisabled", try limits.truth("oomKillDisable"))
        call.add("cpuQuota", try limits.integer("cpuQuota"))
        call.add("cpuPeriod", try limits.integer("cpuPeriod"))
        call.add("cpuset", try limits.text("cpuset"))
        call.add("cpusetMems", try limits.text("cpusetMems"))
        call.add("cpuRealtimePeriod", try limits.integer("cpuRealtimePeriod"))
        call.add("cpuRealtimeRuntime", try limits.integer("cpuRealtimeRuntime"))
        call.add("blkioWeight", try limits.integer("blkioWeight"))
        write(call)
        let lists = [
            ("blkioWeightDevices", "weight", "weight"), ("readBps", "rate", "readBytes"),
            ("writeBps", "rate", "writeBytes"), ("readIops", "rate", "readOperations"),
            ("writeIops", "rate", "writeOperations"),
        ]
        for (list, key, label) in lists {
            for var device in try limits.groups(list) {
                guard let path = try device.text("path"), let value = try device.number(key) else {
                    throw device.failure(key, "is missing, or the path is")
                }
                try device.finish()
                let isSize = label == "readBytes" || label == "writeBytes"
                lines.append("DeviceLimit(\(path), \(label): \(isSize ? SourceText.bytes(value) : "\(value)"))")
            }
        }
    }

    /// `Ulimit(.nofile, soft: 1024, hard: 2048)`.
    static func ulimit(
        _ name: String, _ value: JSONValue, _ attributes: SourceAttributes
    ) throws(Diagnostic) -> String {
        guard let soft = value["soft"]?.intValue, let hard = value["hard"]?.intValue else {
            throw attributes.failure("ulimits.\(name)", "has no soft and hard limit")
        }
        let isNamed = ["nofile", "nproc", "core", "memlock", "stack"].contains(name)
        let first = isNamed ? ".\(name)" : SourceText.literal(name)
        return "Ulimit(\(first), soft: \(soft)\(soft == hard ? "" : ", hard: \(hard)"))"
    }
}
