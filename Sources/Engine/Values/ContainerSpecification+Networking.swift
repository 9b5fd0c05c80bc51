import JSONText

/// The members of `Config` and `HostConfig` about the network.
extension ContainerSpecification {
    mutating func readNetworkConfig(_ body: FieldReader) throws(EngineError) {
        macAddress = try body.text("MacAddress")
        isNetworkDisabled = try body.flag("NetworkDisabled")
    }

    mutating func readNetworkHost(_ host: FieldReader) throws(EngineError) {
        let mode = try host.text("NetworkMode")
        networkMode = mode.isEmpty ? "default" : mode
        try readPorts(host.reader("PortBindings"))
        publishesAllPorts = try host.flag("PublishAllPorts")
        extraHosts = try host.strings("ExtraHosts") ?? []
        dns = try host.strings("Dns") ?? []
        dnsOptions = try host.strings("DnsOptions") ?? []
        dnsSearch = try host.strings("DnsSearch") ?? []
        links = try host.strings("Links") ?? []
    }

    /// A port of the host: `8080`, `8000-8010` for any of these, or nothing for any at all.
    static func hostPorts(_ text: String) throws(EngineError) -> (first: UInt16, last: UInt16) {
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
        switch bounds.count {
        case 1 where text.isEmpty: return (0, 0)
        case 1: if let only = bounds[0] { return (only, 0) }
        default: if let first = bounds[0], let last = bounds[1], first <= last, first > 0 { return (first, last) }
        }
        throw EngineError(.invalid, "invalid port specification: \"\(text)\"")
    }

    private mutating func readPorts(_ bindings: FieldReader?) throws(EngineError) {
        guard let bindings else { return }
        for key in bindings.keys.sorted() {
            guard let port = ContainerPort(key) else {
                throw EngineError(.invalid, "invalid port specification: \"\(key)\"")
            }
            let hosts = try bindings.objects(key)
            if hosts.isEmpty { ports.append(PortBinding(container: port, hostPort: 0)) }
            for host in hosts {
                let range = try Self.hostPorts(try host.text("HostPort"))
                var binding = PortBinding(
                    container: port, hostAddress: try host.text("HostIp"), hostPort: range.first)
                if range.last > range.first { binding.lastHostPort = range.last }
                ports.append(binding)
            }
            if !exposedPorts.contains(port) { exposedPorts.append(port) }
        }
    }

    func writeNetworkConfig(_ object: inout JSONObject) {
        if !macAddress.isEmpty { object["MacAddress"] = .string(macAddress) }
        if isNetworkDisabled { object["NetworkDisabled"] = true }
    }

    func writeNetworkHost(_ object: inout JSONObject) {
        object["NetworkMode"] = .string(networkMode)
        object["PortBindings"] = .object(portBindings)
        object["PublishAllPorts"] = .bool(publishesAllPorts)
        object["ExtraHosts"] = .strings(orNull: extraHosts.isEmpty ? nil : extraHosts)
        object["Dns"] = .strings(dns)
        object["DnsOptions"] = .strings(dnsOptions)
        object["DnsSearch"] = .strings(dnsSearch)
        object["Links"] = .strings(orNull: links.isEmpty ? nil : links)
    }

    private var portBindings: JSONObject {
        var object = JSONObject()
        for port in Set(ports.map(\.container)).sorted() {
            object[port.description] = .array(
                ports.filter { $0.container == port }.map { binding in
                    ["HostIp": .string(binding.hostAddress), "HostPort": .string(binding.hostPortText)]
                })
        }
        return object
    }

    /// The container whose network it shares, where it does.
    package var networkOwner: String? {
        networkMode.hasPrefix("container:") ? String(networkMode.dropFirst("container:".count)) : nil
    }

    /// Whether it has a network of its own, if only one with nothing in it.
    package var hasOwnNetwork: Bool { networkMode != "host" && networkOwner == nil }

    /// Refuses settings that stand against each other, in Docker's words.
    package func checkNetwork() throws(EngineError) {
        func refuse(_ holds: Bool, _ text: String) throws(EngineError) {
            if holds { throw EngineError(.invalid, text) }
        }
        if let owner = networkOwner {
            try refuse(owner.isEmpty, "invalid container format container:<name|id>")
            try refuse(!hostname.isEmpty, "conflicting options: hostname and the network mode")
            try refuse(
                !links.isEmpty,
                "conflicting options: container type network can't be used with links. "
                    + "This would result in undefined behavior")
            try refuse(!dns.isEmpty, "conflicting options: dns and the network mode")
            try refuse(
                !extraHosts.isEmpty, "conflicting options: custom host-to-IP mapping and the network mode")
            try refuse(
                !macAddress.isEmpty || endpoints.contains { $0.macAddress != nil },
                "conflicting options: mac-address and the network mode")
            try refuse(
                !ports.isEmpty || publishesAllPorts,
                "conflicting options: port publishing and the container type network mode")
            try refuse(
                !exposedPorts.isEmpty, "conflicting options: port exposing and the container type network mode")
        }
        try refuse(
            networkMode == "host" && !links.isEmpty,
            "conflicting options: host type networking can't be used with links. "
                + "This would result in undefined behavior")
        for server in dns where IPText.address(server) == nil {
            throw EngineError(.invalid, "bad parameter: DNS address \(server) is not an IP address")
        }
        for text in dnsSearch + dnsOptions where text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
            throw EngineError(.invalid, "bad parameter: \"\(text)\" cannot stand in resolv.conf")
        }
    }
}
