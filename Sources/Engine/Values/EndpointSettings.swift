import JSONText

/// A network a container is to be in.
package struct EndpointSettings: Sendable, Hashable {
    /// The network's name or id, as asked.
    package var network: String
    /// Further DNS names.
    package var aliases: [String]
    /// A fixed address.
    package var address: String?
    /// A fixed hardware address.
    package var macAddress: String?
    /// A fixed IPv6 address.
    package var address6: String?
    /// Names that the container alone has for others of the network, `name:alias`.
    package var links: [String] = []
    /// Options of the network's driver for this container.
    package var driverOptions: [String: String] = [:]
    /// The highest of a container's networks carries the default route.
    package var gatewayPriority = 0

    /// Settings.
    package init(network: String, aliases: [String] = [], address: String? = nil, macAddress: String? = nil) {
        self.network = network
        self.aliases = aliases
        self.address = address
        self.macAddress = macAddress
    }

    /// Reads Docker's `EndpointSettings`.
    package init(network: String, _ reader: FieldReader?) throws(EngineError) {
        self.init(network: network)
        guard let reader else { return }
        let fixed = try reader.reader("IPAMConfig")
        try fixed?.refuse(["LinkLocalIPs"])
        aliases = try reader.strings("Aliases") ?? []
        address = Self.given(try fixed?.text("IPv4Address"))
        address6 = Self.given(try fixed?.text("IPv6Address"))
        macAddress = Self.given(try reader.text("MacAddress"))
        links = try reader.strings("Links") ?? []
        driverOptions = try reader.dictionary("DriverOpts")
        gatewayPriority = Int(try reader.integer("GwPriority", in: Int64(Int32.min)...Int64(Int32.max)) ?? 0)
    }

    private static func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

    /// Docker's `IPAMConfig`; null where nothing is fixed.
    var fixedAddresses: JSONValue {
        var fixed = JSONObject()
        if let address { fixed["IPv4Address"] = .string(address) }
        if let address6 { fixed["IPv6Address"] = .string(address6) }
        return fixed.isEmpty ? .null : .object(fixed)
    }

    var json: JSONObject {
        var object: JSONObject = ["Aliases": .strings(orNull: aliases.isEmpty ? nil : aliases)]
        object["IPAMConfig"] = fixedAddresses
        object["MacAddress"] = .string(macAddress ?? "")
        if !links.isEmpty { object["Links"] = .strings(links) }
        if !driverOptions.isEmpty { object["DriverOpts"] = .object(.strings(driverOptions)) }
        if gatewayPriority != 0 { object["GwPriority"] = .int(Int64(gatewayPriority)) }
        return object
    }
}
