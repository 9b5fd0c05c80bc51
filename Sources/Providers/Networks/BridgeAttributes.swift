import Diagnostics
import JSONText
import Linux
import Networking

/// The attributes of a network: how they are read, asked for and seen again.
enum BridgeAttributes {
    private static let known = [
        "name", "driver", "internal", "attachable", "ipv6", "options", "labels", "subnet", "gateway", "range",
        "auxiliary", "subnet6", "gateway6", "range6", "auxiliary6",
    ]

    /// The normal form.
    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("name", { $0.isEmpty ? nil : $0 }, expected: "a name")
        reader.text(
            "driver", { NetworkDriver(rawValue: $0)?.rawValue },
            expected: NetworkDriver.allCases.map(\.rawValue).joined(separator: ", "))
        for key in ["internal", "attachable", "ipv6"] { reader.flag(key) }
        reader.dictionary("options")
        reader.dictionary("labels")
        let (subnet, address) = ("a subnet such as 10.42.0.0/24", "an IPv4 address")
        reader.text("subnet", { Subnet($0)?.description }, expected: subnet)
        reader.text("gateway", { IPv4Address($0)?.description }, expected: address)
        reader.text("range", { Subnet($0)?.description }, expected: subnet)
        reader.addresses("auxiliary", address) { IPv4Address($0)?.description }
        let (subnet6, address6) = ("a subnet such as fd00:42::/64", "an IPv6 address")
        reader.text("subnet6", { prefix6($0)?.description }, expected: subnet6)
        reader.text("gateway6", { address6Text($0)?.description }, expected: address6)
        reader.text("range6", { prefix6($0)?.description }, expected: subnet6)
        reader.addresses("auxiliary6", address6) { address6Text($0)?.description }
        for (key, base) in [
            ("range", "subnet"), ("auxiliary", "subnet"), ("range6", "subnet6"), ("auxiliary6", "subnet6"),
        ]
        where reader[key] != nil && reader[base] == nil {
            reader.refuse("\(key) needs the \(base) that it is a part of")
        }
        try check(options: reader["options"]?.objectValue, driver: reader["driver"]?.stringValue)
        return try reader.finished(known: known)
    }

    private static func check(options: JSONObject?, driver: String?) throws(DiagnosticList) {
        let texts = JSONObject([("options", .object(options ?? JSONObject()))]).strings("options")
        do throws(Diagnostic) {
            _ = try NetworkOptions(texts, driver: driver.flatMap(NetworkDriver.init(rawValue:)) ?? .bridge)
        } catch {
            throw DiagnosticList(error)
        }
    }

    private static func prefix6(_ text: String) -> IPPrefix? {
        IPPrefix(text).flatMap { $0.address.isV4 ? nil : $0.network }
    }

    private static func address6Text(_ text: String) -> IPAddress? {
        IPAddress(text).flatMap { $0.isV4 ? nil : $0 }
    }

    /// Puts the normal form into a request.
    static func write(_ attributes: JSONObject, to request: inout NetworkRequest) {
        request.driver = attributes["driver"]?.stringValue.flatMap(NetworkDriver.init(rawValue:)) ?? .bridge
        request.isInternal = attributes["internal"]?.boolValue ?? false
        request.isAttachable = attributes["attachable"]?.boolValue ?? false
        request.options = attributes.strings("options")
        request.subnet = attributes["subnet"]?.stringValue.flatMap { Subnet($0) }
        request.gateway = attributes["gateway"]?.stringValue.flatMap { IPv4Address($0) }
        request.range = attributes["range"]?.stringValue.flatMap { Subnet($0) }
        request.auxiliary = attributes.strings("auxiliary").compactMapValues { IPv4Address($0) }
        request.subnet6 = attributes["subnet6"]?.stringValue.flatMap(prefix6)
        request.hasIPv6 = attributes["ipv6"]?.boolValue ?? (request.subnet6 != nil)
        request.gateway6 = attributes["gateway6"]?.stringValue.flatMap(address6Text)
        request.range6 = attributes["range6"]?.stringValue.flatMap(prefix6)
        request.auxiliary6 = attributes.strings("auxiliary6").compactMapValues { address6Text($0) }
    }

    /// What a network has, with these of its labels.
    static func of(_ network: NetworkSpecification, labels: [String: String]) -> JSONObject {
        var object: JSONObject = [
            "name": .string(network.name), "driver": .string(network.driver.rawValue),
            "internal": .bool(network.isInternal), "attachable": .bool(network.isAttachable),
            "ipv6": .bool(network.ipv6 != nil), "options": .object(.strings(network.options)),
            "labels": .object(.strings(labels)), "subnet": .string(network.subnet.description),
            "gateway": .string(network.gateway.description),
            "auxiliary": .object(.strings(network.auxiliary.mapValues(\.description))),
        ]
        object["range"] = network.range.map { .string($0.description) }
        guard let half = network.ipv6 else { return object }
        object["subnet6"] = .string(half.subnet.description)
        object["gateway6"] = .string(half.gateway.description)
        object["range6"] = half.range.map { .string($0.description) }
        object["auxiliary6"] = .object(.strings(half.auxiliary.mapValues(\.description)))
        return object
    }
}

extension AttributeReader {
    /// Copies addresses by name.
    fileprivate mutating func addresses(_ key: String, _ expected: String, _ check: (String) -> String?) {
        dictionary(key)
        guard let object = self[key]?.objectValue else { return }
        var normal = JSONObject()
        for (name, value) in object {
            guard let text = value.stringValue, let address = check(text) else {
                return report("\(key).\(name)", expected, value)
            }
            normal[name] = .string(address)
        }
        self[key] = normal.isEmpty ? nil : .object(normal)
    }
}
