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
        try reader.refuse(["DriverOpts", "GwPriority", "Links"])
        try reader.reader("IPAMConfig")?.refuse(["IPv6Address", "LinkLocalIPs"])
        aliases = try reader.strings("Aliases") ?? []
        let fixed = try reader.reader("IPAMConfig")?.text("IPv4Address") ?? ""
        address = fixed.isEmpty ? nil : fixed
        let mac = try reader.text("MacAddress")
        macAddress = mac.isEmpty ? nil : mac
    }

    var json: JSONObject {
        var object: JSONObject = ["Aliases": .strings(orNull: aliases.isEmpty ? nil : aliases)]
        object["IPAMConfig"] = address.map { .object(["IPv4Address": .string($0)]) } ?? .null
        object["MacAddress"] = .string(macAddress ?? "")
        return object
    }
}
