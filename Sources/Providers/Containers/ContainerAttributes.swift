import Diagnostics
import Engine
import JSONText
import Linux
import Networking
import StackModel

/// The normal form of a container's attributes.
enum ContainerAttributes {
    private static let known = [
        "image", "command", "entrypoint", "env", "labels", "user", "workdir", "hostname", "networks", "mounts", "ports",
        "limits", "healthcheck", "restart", "stopSignal", "stopTimeout", "init", "readOnlyRoot", "oneShot",
    ]

    static func normalize(
        _ attributes: JSONObject, for hierarchy: CgroupHierarchy?
    ) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("image", { $0.isEmpty ? nil : $0 }, expected: "an image")
        reader.strings("command")
        reader.strings("entrypoint")
        reader.dictionary("env")
        reader.dictionary("labels")
        reader.text("user")
        reader.text("workdir", { $0.hasPrefix("/") ? $0 : nil }, expected: "an absolute path")
        reader.text("hostname", { $0.utf8.count <= 64 ? $0 : nil }, expected: "a name of at most 64 bytes")
        reader.objects("networks") { (endpoint) throws(DiagnosticList) in try Self.endpoint(endpoint) }
        reader["networks"] = reader["networks"].map(Self.ordered(networks:))
        reader.objects("mounts", order: { $0["target"]?.stringValue ?? "" }) { (mount) throws(DiagnosticList) in
            try Self.mount(mount)
        }
        reader.objects("ports", order: Self.portOrder) { (port) throws(DiagnosticList) in try Self.port(port) }
        reader.object("limits") { (limits) throws(DiagnosticList) in try Self.limits(limits, hierarchy) }
        reader.object("healthcheck") { (check) throws(DiagnosticList) in try Self.healthcheck(check) }
        reader.object("restart") { (policy) throws(DiagnosticList) in try Self.restart(policy) }
        reader.text("stopSignal", signal, expected: "a signal such as SIGTERM")
        reader.integer("stopTimeout", in: -1...31_536_000)
        reader.flag("init")
        reader.flag("readOnlyRoot")
        reader.flag("oneShot")
        return try reader.finished(known: known)
    }

    /// `TERM`, `sigterm` and `15` are `SIGTERM`.
    static func signal(_ text: String) -> String? {
        Signals.number(named: text).map { Signals.name($0) }
    }

    /// The first network has the default route; the others are a set.
    static func ordered(networks: JSONValue) -> JSONValue {
        guard let endpoints = networks.arrayValue, endpoints.count > 2 else { return networks }
        func name(_ endpoint: JSONValue) -> String { endpoint["network"]?.serialized(.canonical) ?? "" }
        return .array(endpoints.prefix(1) + endpoints.dropFirst().sorted { name($0) < name($1) })
    }

    private static func endpoint(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("network", { $0.isEmpty ? nil : $0 }, expected: "a network")
        reader.strings("aliases", isSet: true)
        if reader["aliases"]?.arrayValue?.isEmpty == true { reader["aliases"] = nil }
        reader.text("address", { IPv4Address($0)?.description }, expected: "an IPv4 address")
        return try reader.finished(known: ["network", "aliases", "address"])
    }

    private static func mount(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("type", { MountSpecification.Kind(rawValue: $0)?.rawValue }, expected: "volume, bind or tmpfs")
        reader.text("source")
        reader.text("target", { $0.hasPrefix("/") ? $0 : nil }, expected: "an absolute path")
        reader.flag("readOnly")
        reader.fill("readOnly", false)
        return try reader.finished(known: ["type", "source", "target", "readOnly"])
    }

    static func portOrder(_ port: JSONObject) -> String {
        let number = String(port["published"]?.intValue ?? 0)
        return String(repeating: "0", count: max(0, 6 - number.count)) + number + (port["protocol"]?.stringValue ?? "")
            + (port["hostAddress"]?.stringValue ?? "")
    }

    private static func port(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.integer("published", in: 0...65_535)
        reader.integer("target", in: 1...65_535)
        reader.text("protocol", { TransportProtocol(rawValue: $0)?.rawValue }, expected: "tcp, udp or sctp")
        reader.fill("protocol", "tcp")
        reader.text("hostAddress", { $0.isEmpty ? $0 : IPv4Address($0)?.description }, expected: "an IPv4 address")
        if reader["hostAddress"] == "" || reader["hostAddress"] == "0.0.0.0" { reader["hostAddress"] = nil }
        return try reader.finished(known: ["published", "target", "protocol", "hostAddress"])
    }

    private static func limits(
        _ attributes: JSONObject, _ hierarchy: CgroupHierarchy?
    ) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.integer("memory", in: 6 << 20...Int64.max)
        reader.integer("nanoCPUs", in: 1_000_000...1_000_000_000_000_000)
        reader.integer("pids", in: 1...Int64(Int32.max))
        reader.integer("cpuShares", in: 2...262_144)
        let read = try reader.finished(known: ["memory", "nanoCPUs", "pids", "cpuShares"])
        guard let hierarchy else { return read }
        // The kernel rounds: compare with what it can hold.
        let kept = CgroupLimits(attributes: read).normalized(for: hierarchy).attributes
        return JSONObject(read.map { ($0.key, kept[$0.key] ?? $0.value) })
    }

    private static func healthcheck(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.strings("test")
        for key in ["interval", "timeout", "startPeriod"] { reader.integer(key, in: 0...Int64.max) }
        reader.integer("retries", in: 0...100_000)
        return try reader.finished(known: ["test", "interval", "timeout", "startPeriod", "retries"])
    }

    private static func restart(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text(
            "policy", { RestartSettings.Name(rawValue: $0)?.rawValue },
            expected: "no, always, on-failure or unless-stopped")
        reader.integer("maximumRetryCount", in: 0...1_000_000)
        reader.fill("policy", "no")
        if reader["maximumRetryCount"] == 0 { reader["maximumRetryCount"] = nil }
        return try reader.finished(known: ["policy", "maximumRetryCount"])
    }
}

extension CgroupLimits {
    /// Limits from the attribute `limits`; absent is none.
    init(attributes: JSONObject?) {
        self.init(
            memoryBytes: attributes?["memory"]?.intValue, nanoCPUs: attributes?["nanoCPUs"]?.intValue,
            cpuShares: attributes?["cpuShares"]?.intValue, pids: attributes?["pids"]?.intValue)
    }

    /// The attribute `limits`.
    var attributes: JSONObject {
        var object = JSONObject()
        object["memory"] = memoryBytes.map { .int($0) }
        object["nanoCPUs"] = nanoCPUs.map { .int($0) }
        object["pids"] = pids.map { .int($0) }
        object["cpuShares"] = cpuShares.map { .int($0) }
        return object
    }
}
