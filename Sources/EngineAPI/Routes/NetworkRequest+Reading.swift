import Engine
import JSONText
import Linux
import Networking

extension NetworkRequest {
    /// Reads the body of `POST /networks/create`.
    init(body: FieldReader, id: String) throws(EngineError) {
        let driver = try Self.driver(try body.text("Driver"))
        self.init(
            id: id, name: try body.text("Name"), isInternal: try body.flag("Internal"),
            labels: try body.dictionary("Labels"))
        self.driver = driver
        options = try body.dictionary("Options")
        isAttachable = try body.flag("Attachable")
        hasIPv6 = try body.flag("EnableIPv6")
        try body.refuse(["ConfigOnly", "Ingress"])
        if let text = try body.reader("ConfigFrom")?.text("Network"), !text.isEmpty {
            throw EngineError(.notImplemented, "ConfigFrom is not supported by this engine")
        }
        guard try body.boolean("EnableIPv4") ?? true else {
            throw EngineError(.notImplemented, "networks without IPv4 are not supported by this engine")
        }
        let scope = try body.text("Scope")
        guard scope.isEmpty || scope == "local" else {
            throw EngineError(.invalid, "invalid network scope: \(scope)")
        }
        try readPools(body)
    }

    private static func driver(_ text: String) throws(EngineError) -> NetworkDriver {
        if text.isEmpty || text == "default" { return .bridge }
        if let driver = NetworkDriver(rawValue: text) { return driver }
        switch text {
        case "host", "null":
            throw EngineError(.forbidden, "only one instance of \"\(text)\" network is allowed")
        case "overlay":
            throw EngineError(
                .forbidden,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this "
                    + "node to swarm and try again.")
        default:
            throw EngineError(.notFound, "could not find plugin \(text) in v1 plugin registry: plugin not found")
        }
    }

    private mutating func readPools(_ body: FieldReader) throws(EngineError) {
        guard let ipam = try body.reader("IPAM") else { return }
        let driver = try ipam.text("Driver")
        guard driver.isEmpty || driver == "default" else {
            throw EngineError(
                .invalid, "error retrieving ipam driver: could not find plugin \(driver) in v1 plugin registry")
        }
        addressOptions = try ipam.dictionary("Options")
        for pool in try ipam.objects("Config") {
            let text = try pool.text("Subnet")
            if text.isEmpty {
                guard try pool.text("Gateway").isEmpty, try pool.text("IPRange").isEmpty else {
                    throw EngineError(.invalid, "invalid network config: a gateway or range needs its subnet")
                }
                continue
            }
            guard let prefix = IPPrefix(text) else {
                throw EngineError(.invalid, "invalid subnet \(text): invalid CIDR block notation")
            }
            guard prefix.isNetwork else {
                throw EngineError(.invalid, "invalid subnet \(text): it should be \(prefix.network)")
            }
            guard prefix.address.isV4 ? subnet == nil : subnet6 == nil else {
                throw EngineError(.forbidden, "bridge driver doesn't support multiple subnets")
            }
            if prefix.address.isV4 { try readPool(pool, prefix) } else { try readPool6(pool, prefix) }
        }
    }

    private mutating func readPool(_ pool: FieldReader, _ prefix: IPPrefix) throws(EngineError) {
        subnet = Subnet("\(prefix)")
        gateway = try Self.given(pool, "Gateway") { IPv4Address($0) }
        range = try Self.given(pool, "IPRange") { Subnet($0) }
        for (name, text) in try pool.dictionary("AuxiliaryAddresses") {
            guard let address = IPv4Address(text) else {
                throw EngineError(.invalid, "invalid auxiliary address \(text)")
            }
            auxiliary[name] = address
        }
    }

    private mutating func readPool6(_ pool: FieldReader, _ prefix: IPPrefix) throws(EngineError) {
        subnet6 = prefix
        gateway6 = try Self.given(pool, "Gateway") { text in IPAddress(text).flatMap { $0.isV4 ? nil : $0 } }
        range6 = try Self.given(pool, "IPRange") { IPPrefix($0)?.network }
        for (name, text) in try pool.dictionary("AuxiliaryAddresses") {
            guard let address = IPAddress(text), !address.isV4 else {
                throw EngineError(.invalid, "invalid auxiliary address \(text)")
            }
            auxiliary6[name] = address
        }
    }

    private static func given<Value>(
        _ pool: FieldReader, _ member: String, _ read: (String) -> Value?
    ) throws(EngineError) -> Value? {
        let text = try pool.text(member)
        if text.isEmpty { return nil }
        guard let value = read(text) else {
            throw EngineError(.invalid, "invalid \(member == "Gateway" ? "gateway address" : "ip-range") \(text)")
        }
        return value
    }
}
