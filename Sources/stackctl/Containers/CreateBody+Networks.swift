import Diagnostics
import JSONText

/// One `--network`, short or long.
struct NetworkAttachment: Equatable {
    var target: String
    var aliases: [String] = []
    var links: [String] = []
    var ip: String?
    var ip6: String?
    var linkLocal: [String] = []
    var hardwareAddress: String?
    var driverOptions: [String] = []
    var gatewayPriority: Int64?

    /// Whether it is a network that has a name of its own.
    static func isUserDefined(_ name: String) -> Bool {
        !["default", "bridge", "host", "none", ""].contains(name) && !name.hasPrefix("container:")
    }

    var isUserDefined: Bool { NetworkAttachment.isUserDefined(target) }

    /// Reads `NETWORK` or `name=NETWORK,alias=…,ip=…`.
    static func parse(_ text: String) throws(Reason) -> NetworkAttachment {
        guard isLong(text) else { return NetworkAttachment(target: text) }
        var attachment = NetworkAttachment(target: "")
        for field in try CommaSeparated.fields(text) {
            let (name, value) = CommaSeparated.cut(field)
            let key = name.lowercased()
            guard let value, !key.isEmpty else { throw Reason("invalid field \(field)") }
            try attachment.take(key, value)
        }
        guard !attachment.target.isEmpty else { throw Reason("network name/id is not specified") }
        return attachment
    }

    private static func isLong(_ text: String) -> Bool {
        let (key, value) = CommaSeparated.cut(text)
        return value?.isEmpty == false && !key.isEmpty
            && key.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == "\"" }
    }

    private mutating func take(_ key: String, _ value: String) throws(Reason) {
        func address() throws(Reason) -> String {
            guard IPText.isAddress(value) else { throw Reason("ParseAddr(\"\(value)\"): unable to parse IP") }
            return value
        }
        switch key {
        case "name": target = value
        case "alias": aliases.append(value)
        case "ip": ip = try address()
        case "ip6": ip6 = try address()
        case "mac-address": hardwareAddress = value
        case "link-local-ip": linkLocal.append(try address())
        case "driver-opt":
            guard value.contains("="), !value.hasPrefix("=") else {
                throw Reason("invalid key value pair format in driver options")
            }
            driverOptions.append(value)
        case "gw-priority":
            guard let number = Int64(value) else { throw Reason("invalid gw-priority (\(value)): invalid syntax") }
            gatewayPriority = number
        default:
            throw Reason(
                "invalid field key \(key)",
                hint: "the keys are name, alias, ip, ip6, mac-address, link-local-ip, driver-opt and gw-priority")
        }
    }

    /// The settings of the endpoint.
    func json() throws(Diagnostic) -> JSONObject {
        guard target.contains(where: { !$0.isWhitespace }) else {
            throw FlagProblem.sentence("no name set for network")
        }
        if !isUserDefined {
            if !aliases.isEmpty {
                throw FlagProblem.sentence(
                    "network-scoped aliases are only supported for user-defined networks",
                    hint: "make one: stackctl network create NAME")
            }
            if !links.isEmpty { throw FlagProblem.sentence("links are only supported for user-defined networks") }
        }
        return try settings()
    }

    /// The settings, whether the network allows them or not.
    func settings() throws(Diagnostic) -> JSONObject {
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        var settings: JSONObject = [:]
        if let gatewayPriority { settings["GwPriority"] = .int(gatewayPriority) }
        if !aliases.isEmpty { settings["Aliases"] = list(aliases) }
        if !links.isEmpty { settings["Links"] = list(links) }
        settings["DriverOpts"] = CreateBody.object(driverOptions)
        var addresses: JSONObject = [:]
        if let ip { addresses["IPv4Address"] = .string(ip) }
        if let ip6 { addresses["IPv6Address"] = .string(ip6) }
        if !linkLocal.isEmpty { addresses["LinkLocalIPs"] = list(linkLocal) }
        if !addresses.isEmpty { settings["IPAMConfig"] = .object(addresses) }
        if let hardwareAddress {
            guard let address = IPText.hardwareAddress(hardwareAddress) else {
                throw FlagProblem.sentence("\(hardwareAddress) is not a valid mac address")
            }
            settings["MacAddress"] = .string(address)
        }
        return settings
    }
}

extension CreateBody {
    /// Names, DNS and the network mode.
    ///
    /// - Returns: the settings of the endpoints by network.
    mutating func addNetworks() throws(Diagnostic) -> JSONObject {
        set("Hostname", text(CreateOptions.hostname))
        set("Domainname", text(CreateOptions.domainName))
        try addNames()
        let given = try arguments.values(of: CreateOptions.network) { text throws(Reason) in
            try NetworkAttachment.parse(text)
        }
        var networks = given.isEmpty ? [NetworkAttachment(target: "default")] : given
        networks[0] = try withPlainOptions(networks[0])
        if !given.isEmpty { setHost("NetworkMode", .string(given[0].target)) }
        var endpoints: JSONObject = [:]
        for network in networks {
            let settings = try network.json()
            guard endpoints[network.target] == nil else {
                throw FlagProblem.sentence("network \"\(network.target)\" is specified multiple times")
            }
            if networks.count == 1, settings.isEmpty { continue }
            endpoints[network.target] = .object(settings)
        }
        if networks.contains(where: \.isUserDefined), networks.contains(where: { !$0.isUserDefined }) {
            throw FlagProblem.sentence(
                "conflicting options: cannot attach both user-defined and non-user-defined network-modes")
        }
        return endpoints
    }

    private mutating func addNames() throws(Diagnostic) {
        let hosts = try arguments.values(of: CreateOptions.addHost) { text throws(Reason) in
            try CreateBody.extraHost(text)
        }
        if !hosts.isEmpty { setHost("ExtraHosts", .array(hosts.map { .string($0) })) }
        let servers = try arguments.values(of: CreateOptions.dns) { text throws(Reason) in try IPText.canonical(text) }
        if !servers.isEmpty { setHost("Dns", .array(servers.map { .string($0) })) }
        // A dot alone means no search domain.
        setHost("DnsSearch", texts(CreateOptions.dnsSearch))
        setHost("DnsOptions", texts(CreateOptions.dnsOption))
    }

    /// `name:ip` from `name:ip`, `name=ip`, `name:[ip]` and `name:host-gateway`.
    static func extraHost(_ text: String) throws(Reason) -> String {
        let separator: Character = text.contains("=") ? "=" : ":"
        let (name, value) = CommaSeparated.cut(text, at: separator)
        guard var address = value, !name.isEmpty, !name.contains(":") else {
            throw Reason("bad format for add-host: \(FlagProblem.quoted(text))", hint: "write --add-host NAME:IP")
        }
        if address != "host-gateway" {
            if address.count > 2, address.hasPrefix("["), address.hasSuffix("]") {
                address = String(address.dropFirst().dropLast())
            }
            guard IPText.isAddress(address) else {
                throw Reason("invalid IP address in add-host: \(FlagProblem.quoted(address))")
            }
        }
        return "\(name):\(address)"
    }

    /// The first network has the options that stand by themselves.
    private mutating func withPlainOptions(_ network: NetworkAttachment) throws(Diagnostic) -> NetworkAttachment {
        var network = network
        func conflict(_ option: String, _ what: String) -> Diagnostic {
            FlagProblem.sentence("conflicting options: cannot specify both \(option) and per-network \(what)")
        }
        let aliases = arguments.values(of: CreateOptions.networkAlias)
        if !aliases.isEmpty {
            guard network.aliases.isEmpty else { throw conflict("--network-alias", "alias") }
            network.aliases = aliases
        }
        let links = try arguments.values(of: CreateOptions.link) { text throws(Reason) in
            guard !text.isEmpty, text.split(separator: ":", omittingEmptySubsequences: false).count <= 2 else {
                throw Reason("bad format for links: \(text)")
            }
            return text
        }
        if !links.isEmpty {
            // On the default bridge a link is one of the container, elsewhere one of its endpoint.
            setHost("Links", .array(links.map { .string($0) }))
            if network.isUserDefined { network.links = links }
        }
        if let ip = try arguments.value(of: CreateOptions.ip, read: { text throws(Reason) in try IPText.flag(text) }) {
            guard network.ip == nil else { throw conflict("--ip", "IPv4 address") }
            network.ip = ip
        }
        if let ip = try arguments.value(of: CreateOptions.ip6, read: { text throws(Reason) in try IPText.flag(text) }) {
            guard network.ip6 == nil else { throw conflict("--ip6", "IPv6 address") }
            network.ip6 = ip
        }
        if let address = arguments.value(of: CreateOptions.hardwareAddress) {
            guard network.hardwareAddress == nil else { throw conflict("--mac-address", "MAC address") }
            network.hardwareAddress = address
        }
        let local = arguments.values(of: CreateOptions.linkLocal)
        if !local.isEmpty {
            guard network.linkLocal.isEmpty else { throw conflict("--link-local-ip", "link-local IP addresses") }
            network.linkLocal = local
        }
        return network
    }
}
