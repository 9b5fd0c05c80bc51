import JSONText

/// What a container gets where its request does not say.
package struct ContainerDefaults: Sendable, Hashable {
    /// A limit of `setrlimit(2)`.
    package struct Ulimit: Sendable, Hashable {
        package var name: String
        package var soft: Int64
        package var hard: Int64

        package init(name: String, soft: Int64, hard: Int64) {
            self.name = name
            self.soft = soft
            self.hard = hard
        }
    }

    /// Options of the log: `max-size`, `max-file`.
    package var logOptions: [String: String] = [:]
    /// Bytes of `/dev/shm`.
    package var sharedMemoryBytes: Int64?
    /// Limits by name.
    package var ulimits: [Ulimit] = []
    /// Name servers.
    package var dnsServers: [String] = []
    /// Options of resolv.conf(5).
    package var dnsOptions: [String] = []
    /// Search domains.
    package var dnsSearch: [String] = []
    /// Whether there is an init process.
    package var usesInit: Bool?

    /// Nothing but the engine's own.
    package init() {}

    /// A create request's body with what it lacks filled in; one that is no object is left as it is.
    package func filled(_ body: JSONValue) -> JSONValue {
        guard self != ContainerDefaults(), var object = body.objectValue else { return body }
        guard var host = object["HostConfig"].map({ $0.objectValue }) ?? JSONObject() else { return body }
        if let sharedMemoryBytes, (host["ShmSize"]?.intValue ?? 0) == 0 { host["ShmSize"] = .int(sharedMemoryBytes) }
        if let usesInit, host["Init"] ?? .null == .null { host["Init"] = .bool(usesInit) }
        fillLog(&host)
        // Who shares another container's network shares its resolv.conf.
        let sharesNetwork = host["NetworkMode"]?.stringValue?.hasPrefix("container:") ?? false
        for (name, values) in [("Dns", dnsServers), ("DnsOptions", dnsOptions), ("DnsSearch", dnsSearch)] {
            if !values.isEmpty, !sharesNetwork, Self.isEmpty(host[name]) { host[name] = .strings(values) }
        }
        if !ulimits.isEmpty, Self.isEmpty(host["Ulimits"]) || host["Ulimits"]?.arrayValue != nil {
            var list = host["Ulimits"]?.arrayValue ?? []
            let named = Set(list.compactMap { $0["Name"]?.stringValue })
            for limit in ulimits where !named.contains(limit.name) {
                list.append(["Name": .string(limit.name), "Soft": .int(limit.soft), "Hard": .int(limit.hard)])
            }
            host["Ulimits"] = .array(list)
        }
        object["HostConfig"] = .object(host)
        return .object(object)
    }

    /// What is of another type is the request's mistake, and is left to be told of.
    private static func isEmpty(_ value: JSONValue?) -> Bool {
        value == nil || value == .null || value == .array([])
    }

    /// Options belong to the default driver: another one of the request's own gets none.
    private func fillLog(_ host: inout JSONObject) {
        let given = host["LogConfig"] ?? .null
        guard !logOptions.isEmpty, given == .null || given.objectValue != nil else { return }
        var log = given.objectValue ?? JSONObject()
        guard ["", "json-file", "local"].contains(log["Type"]?.stringValue ?? "") else { return }
        var options = log["Config"]?.objectValue ?? JSONObject()
        for (name, value) in logOptions where options[name] == nil { options[name] = .string(value) }
        log["Config"] = .object(options)
        host["LogConfig"] = .object(log)
    }
}

/// Sizes as Docker's flags write them.
package enum ByteText {
    /// `20m`, `1g`, `500k`, `64mb` or bytes; nil for what is no size or does not fit.
    package static func bytes(_ text: String) -> Int64? {
        var text = text.lowercased()
        if text.hasSuffix("b") { text.removeLast() }
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40]
        guard let last = text.last, let unit = units[last] else { return Int64(text) }
        guard let number = Int64(text.dropLast()) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }
}
