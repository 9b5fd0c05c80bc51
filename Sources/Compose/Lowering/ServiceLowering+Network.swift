import Diagnostics
import JSONText
import StackModel

/// Where a container is found, and what it finds.
extension ServiceLowering {
    mutating func lowerNetworks() {
        guard let networks = service.reader("networks"), !networks.keys.isEmpty else {
            setText("macAddress", "mac_address")
            if draft.attributes["networkMode"] == nil { draft.set("networkMode", "none", at: location) }
            return
        }
        guard draft.attributes["networkMode"] == nil else {
            service.refuse(
                "network_mode", "SC2401", "and networks exclude each other", hint: "keep one of the two")
            return
        }
        // As Docker Compose: the highest priority first, then by name.
        let ordered = networks.keys.map { key in
            (key: key, priority: networks.reader(key)?.integer("priority") ?? 0)
        }.sorted { $0.priority == $1.priority ? $0.key < $1.key : $0.priority > $1.priority }
        var endpoints: [(value: JSONValue, location: SourceLocation)] = []
        for (offset, network) in ordered.enumerated() {
            guard let reference = self.network(network.key, at: networks.location(network.key)) else { continue }
            var endpoint = JSONObject()
            endpoint["network"] = reference
            if let reader = networks.reader(network.key) { read(reader, into: &endpoint) }
            if offset == 0, endpoint["macAddress"] == nil {
                endpoint["macAddress"] = service.given("mac_address").map { .string($0) }
            }
            endpoints.append((.object(endpoint), networks.location(network.key)))
        }
        if let address = service.given("mac_address"), endpoints.first?.value["macAddress"] != .string(address) {
            service.refuse("mac_address", "SC2401", "is another than the one of the first network")
        }
        draft.set("networks", endpoints)
    }

    /// A network of the stack, or the name of one that is there already.
    private func network(_ key: String, at location: SourceLocation) -> JSONValue? {
        guard let network = context.project.networks[key] else {
            service.refuse("networks", "SC2423", "names \(key), which the project does not have")
            return nil
        }
        if network.isExternal { return .string(network["name"]?.string ?? key) }
        return StackReference(address: ResourceAddress(kind: .network, name: key), attribute: "id").json
    }

    private func read(_ network: MemberReader, into endpoint: inout JSONObject) {
        if let aliases = network.texts("aliases"), !aliases.isEmpty { endpoint["aliases"] = .strings(aliases) }
        for (attribute, key) in [
            ("address", "ipv4_address"), ("address6", "ipv6_address"), ("macAddress", "mac_address"),
            ("interfaceName", "interface_name"),
        ] { endpoint[attribute] = network.given(key).map { .string($0) } }
        for key in ["ipv4_address", "ipv6_address", "mac_address"] where replicas > 1 && network.entry(key) != nil {
            network.refuse(
                key, "SC2421", "cannot be the same for \(replicas) containers", hint: "take it out, or keep one")
        }
        if let addresses = network.texts("link_local_ips"), !addresses.isEmpty {
            network.refuse("link_local_ips", "SC2414", "cannot be had: this engine gives no link-local addresses")
        }
        let options = network.textMap("driver_opts")
        if !options.isEmpty {
            endpoint["driverOptions"] = .object(JSONObject(options.map { ($0.key, .string($0.value)) }))
        }
        if let priority = network.integer("gw_priority"), priority != 0 { endpoint["gatewayPriority"] = .int(priority) }
        network.skip("priority")
        network.finish()
    }

    mutating func lowerNames() {
        if let name = service.given("container_name") {
            if replicas > 1 {
                service.refuse(
                    "container_name", "SC2421", "is one name for \(replicas) containers",
                    hint: "take it out, or keep one replica")
            }
            if name != context.hostName(self.name, 1) { set("name", .string(name), "container_name") }
        }
        // Docker writes NAME=ADDRESS in files, and NAME:ADDRESS in its API.
        if let hosts = service.texts("extra_hosts"), !hosts.isEmpty {
            set("extraHosts", .strings(hosts.map(Self.hostLine)), "extra_hosts")
        }
        if let servers = service.texts("dns")?.filter({ !$0.isEmpty }), !servers.isEmpty {
            set("dns", .strings(servers), "dns")
        }
        setTexts("dnsSearch", "dns_search")
        setTexts("dnsOptions", "dns_opt")
        lowerLinks()
    }

    static func hostLine(_ text: String) -> String {
        guard let sign = text.firstIndex(of: "=") else { return text }
        return "\(text[..<sign]):\(text[text.index(after: sign)...])"
    }

    private mutating func lowerLinks() {
        var links: [String] = []
        for link in service.texts("links") ?? [] {
            let sides = link.split(separator: ":", maxSplits: 1).map(String.init)
            guard let other = sides.first else { continue }
            for number in 1...max(context.replicas[other] ?? 1, 1) {
                let container = context.containerName(other, number)
                links.append("\(container):\(sides.count == 2 ? sides[1] : other)")
                links.append("\(container):\(other)-\(number)")
            }
        }
        for link in service.texts("external_links") ?? [] {
            let sides = link.split(separator: ":", maxSplits: 1).map(String.init)
            guard let container = sides.first else { continue }
            links.append("\(container):\(sides.count == 2 ? sides[1] : container)")
        }
        guard !links.isEmpty else { return }
        set("links", .strings(links), service.entry("links") == nil ? "external_links" : "links")
    }

    mutating func lowerPorts() {
        var ports: [(value: JSONValue, location: SourceLocation)] = []
        for port in service.readers("ports") {
            // What the port is called and speaks is for the reader; both modes publish on this host.
            port.skip("name", "app_protocol", "mode")
            guard let target = port.integer("target") else { continue }
            var value: JSONObject = ["published": 0, "target": .int(target)]
            if let published = port.given("published") {
                let bounds = published.split(separator: "-", omittingEmptySubsequences: false).map { text in
                    UInt16(text).map { Int64($0) }
                }
                guard let first = bounds[0], bounds.count <= 2, let last = bounds[bounds.count - 1], last >= first
                else {
                    port.refuse("published", "SC2401", "must be a port or a range such as 8000-8010")
                    continue
                }
                value["published"] = .int(first)
                if last > first { value["publishedLast"] = .int(last) }
                if first > 0, last - first + 1 < Int64(replicas) {
                    port.refuse(
                        "published", "SC2427", "is too few ports of the host for \(replicas) containers",
                        hint: "publish a range, as in \(first)-\(first + Int64(replicas) - 1):\(target)")
                }
            }
            value["protocol"] = .string(port.given("protocol") ?? "tcp")
            value["hostAddress"] = port.given("host_ip").map { .string($0) }
            port.finish()
            ports.append((.object(value), port.location))
        }
        if draft.attributes["networkMode"] == "host", !ports.isEmpty {
            service.warn(
                "ports", "SC2458", "ports of a service in the host's network",
                "are not published: what it listens on is the host's already", hint: "take one of the two out")
        } else {
            draft.set("ports", ports)
        }
        let exposed = (service.texts("expose") ?? []).flatMap { portTexts($0) }
        if !exposed.isEmpty { set("expose", .strings(exposed), "expose") }
    }

    /// `8000-8002/udp` as one text for each port.
    private func portTexts(_ text: String) -> [String] {
        let sides = text.split(separator: "/", maxSplits: 1).map(String.init)
        let bounds = (sides.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard let first = bounds.first.flatMap({ $0 }), bounds.count <= 2, let last = bounds[bounds.count - 1],
            last >= first
        else {
            service.refuse("expose", "SC2401", "must be ports such as 80, 80/udp or 8000-8010")
            return []
        }
        return (first...last).map { "\($0)/\(sides.count == 2 ? sides[1] : "tcp")" }
    }
}

extension ComposeNode {
    /// Whether an element of the project is one that is there already.
    package var isExternal: Bool {
        guard let external = self["external"] else { return false }
        return external.bool ?? (external.map != nil || external.string == "true")
    }
}
