import Diagnostics
import Engine
import JSONText
import Linux
import Networking

/// How others reach a container, and what it calls them.
enum NetworkAttributes {
    static let all: [ContainerAttribute] = [
        ContainerAttribute(
            "networks", .live,
            read: { reader, _ in
                reader.objects("networks") { (endpoint) throws(DiagnosticList) in
                    try EndpointSettings.normalize(endpoint)
                }
                reader["networks"] = reader["networks"].map(ordered)
                if reader["networks"] == [] { reader["networks"] = nil }
            },
            write: { value, specification in
                specification.endpoints = (value?.arrayValue ?? []).compactMap { EndpointSettings(attributes: $0) }
            },
            see: { sight, _ in sight.networks }),
        ContainerAttribute(
            "networkMode", .recreate,
            read: { reader, _ in
                reader.text("networkMode")
                if reader["networkMode"] == "" || reader["networkMode"] == "default" { reader["networkMode"] = nil }
            },
            write: { $1.networkMode = $0?.stringValue ?? "default" },
            see: { sight, asked in
                let found = sight.specification.networkMode
                return asked.flatMap { sight.isSameContainer($0.stringValue ?? "", found) ? $0 : nil } ?? .string(found)
            }),
        ports,
        // Read after the ports, which are exposed as well.
        ContainerAttribute(
            "expose", .noted,
            read: { reader, _ in
                reader.texts("expose", isSet: true, expected: "ports such as 80/tcp") {
                    ContainerPort($0)?.description
                }
            },
            write: { value, specification in
                let ports = (value?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { ContainerPort($0) } }
                specification.exposedPorts = Set(specification.exposedPorts + ports).sorted()
            },
            see: { sight, asked in
                // What the image exposes, and what is published, is exposed as well.
                let found = Set(sight.specification.exposedPorts.map { JSONValue.string($0.description) })
                let wanted = asked?.arrayValue ?? []
                return .array(wanted.filter { found.contains($0) })
            }),
        .text("macAddress", \.macAddress, .recreate, expected: "a hardware address such as 02:42:ac:11:00:02") { text in
            text.isEmpty ? text : MACAddress(text)?.description
        },
        .texts("extraHosts", \.extraHosts, .restart, expected: "entries such as db:10.0.0.5") { entry in
            entry.contains(":") ? entry : nil
        },
        .texts("dns", \.dns, .restart, expected: "addresses") { IPAddress($0)?.description },
        .texts("dnsSearch", \.dnsSearch, .restart),
        .texts("dnsOptions", \.dnsOptions, .restart),
        .texts("links", \.links, .recreate),
    ]

    /// The first network has the default route; the others are a set.
    @Sendable static func ordered(networks: JSONValue) -> JSONValue {
        guard let endpoints = networks.arrayValue, endpoints.count > 2 else { return networks }
        func name(_ endpoint: JSONValue) -> String { endpoint["network"]?.serialized(.canonical) ?? "" }
        return .array(endpoints.prefix(1) + endpoints.dropFirst().sorted { name($0) < name($1) })
    }

    private static let ports = ContainerAttribute(
        "ports", .live,
        read: { reader, _ in
            reader.objects("ports", order: portOrder) { (port) throws(DiagnosticList) in try PortBinding.normalize(port)
            }
        },
        write: { value, specification in
            specification.ports = (value?.arrayValue ?? []).compactMap { PortBinding(attributes: $0) }
            specification.exposedPorts = Set(specification.ports.map(\.container)).sorted()
        },
        see: { sight, _ in
            .array(
                sight.specification.ports.map(\.attributes).sorted { portOrder($0) < portOrder($1) }
                    .map { .object($0) })
        })

    @Sendable static func portOrder(_ port: JSONObject) -> String {
        func padded(_ key: String) -> String {
            let number = String(port[key]?.intValue ?? 0)
            return String(repeating: "0", count: max(0, 6 - number.count)) + number
        }
        return padded("published") + (port["protocol"]?.stringValue ?? "") + (port["hostAddress"]?.stringValue ?? "")
            + padded("target") + padded("publishedLast")
    }
}

extension PortBinding: AttributeElement {
    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.integer("published", in: 0...65_535)
        reader.integer("publishedLast", in: 1...65_535)
        reader.integer("target", in: 1...65_535)
        reader.require("target", "a port of the container")
        reader.text("protocol", { TransportProtocol(rawValue: $0)?.rawValue }, expected: "tcp, udp or sctp")
        reader.fill("protocol", "tcp")
        reader.fill("published", 0)
        reader.text("hostAddress", { $0.isEmpty ? $0 : IPAddress($0)?.description }, expected: "an IP address")
        if reader["hostAddress"] == "" || reader["hostAddress"] == "0.0.0.0" { reader["hostAddress"] = nil }
        if let last = reader["publishedLast"]?.intValue, let first = reader["published"]?.intValue {
            if last == first { reader["publishedLast"] = nil }
            if last < first || first == 0 {
                reader.refuse("the range of published ports ends before it begins", detail: "it is \(first)-\(last)")
            }
        }
        return try reader.finished(known: ["published", "publishedLast", "target", "protocol", "hostAddress"])
    }

    init?(attributes port: JSONValue) {
        guard let target = port["target"]?.intValue.flatMap({ UInt16(exactly: $0) }),
            let published = port["published"]?.intValue.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        self.init(
            container: ContainerPort(target, transport: port["protocol"]?.stringValue ?? "tcp"),
            hostAddress: port["hostAddress"]?.stringValue ?? "", hostPort: published)
        lastHostPort = port["publishedLast"]?.intValue.flatMap { UInt16(exactly: $0) } ?? 0
    }

    var attributes: JSONObject {
        var object: JSONObject = [
            "published": .int(Int64(hostPort)), "target": .int(Int64(container.number)),
            "protocol": .string(container.transport),
        ]
        if lastHostPort > hostPort { object["publishedLast"] = .int(Int64(lastHostPort)) }
        if !hostAddress.isEmpty { object["hostAddress"] = .string(hostAddress) }
        return object
    }
}

extension EndpointSettings: AttributeElement {
    /// Docker's option that names a container's interface.
    static let interfaceOption = "com.docker.network.endpoint.ifname"

    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("network", { $0.isEmpty ? nil : $0 }, expected: "a network")
        reader.texts("aliases", isSet: true)
        reader.text("address", { IPv4Address($0)?.description }, expected: "an IPv4 address")
        reader.text(
            "address6", { text in IPAddress(text).flatMap { $0.isV4 ? nil : $0.description } },
            expected: "an IPv6 address")
        reader.text(
            "macAddress", { MACAddress($0)?.description }, expected: "a hardware address such as 02:42:ac:11:00:02")
        reader.dictionary("driverOptions")
        if reader["driverOptions"] == .object(JSONObject()) { reader["driverOptions"] = nil }
        reader.integer("gatewayPriority", in: Int64(Int32.min)...Int64(Int32.max))
        if reader["gatewayPriority"] == 0 { reader["gatewayPriority"] = nil }
        reader.text(
            "interfaceName", { NetworkOptions.isInterfaceName($0) && $0 != "lo" ? $0 : nil },
            expected: "the name of an interface, at most 15 bytes")
        reader.texts("linkLocal")
        if reader["linkLocal"] != nil {
            reader.refuse("linkLocal: this engine gives interfaces no link-local addresses by hand", hint: "remove it")
        }
        return try reader.finished(known: [
            "network", "aliases", "address", "address6", "macAddress", "linkLocal", "driverOptions",
            "gatewayPriority", "interfaceName",
        ])
    }

    init?(attributes endpoint: JSONValue) {
        guard let network = endpoint["network"]?.stringValue else { return nil }
        self.init(
            network: network, aliases: endpoint["aliases"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            address: endpoint["address"]?.stringValue, macAddress: endpoint["macAddress"]?.stringValue)
        address6 = endpoint["address6"]?.stringValue
        driverOptions = endpoint.objectValue?.strings("driverOptions") ?? [:]
        if let name = endpoint["interfaceName"]?.stringValue { driverOptions[Self.interfaceOption] = name }
        gatewayPriority = Int(endpoint["gatewayPriority"]?.intValue ?? 0)
    }

    var attributes: JSONObject {
        var object: JSONObject = ["network": .string(network)]
        if !aliases.isEmpty { object["aliases"] = .strings(aliases.sorted()) }
        object["address"] = address.map { .string($0) }
        object["address6"] = address6.map { .string($0) }
        object["macAddress"] = macAddress.map { .string($0) }
        if let name = driverOptions[Self.interfaceOption] { object["interfaceName"] = .string(name) }
        let others = driverOptions.filter { $0.key != Self.interfaceOption }
        if !others.isEmpty { object["driverOptions"] = .object(.strings(others)) }
        if gatewayPriority != 0 { object["gatewayPriority"] = .int(Int64(gatewayPriority)) }
        return object
    }
}
