import JSONText

/// The network that a container is on without being attached to one.
public struct NetworkMode: ContainerSetting {
    /// Whose network it is.
    public struct Mode: Sendable {
        let text: Text

        /// The host's own.
        public static let host = Mode(text: "host")
        /// None but the loopback.
        public static let none = Mode(text: "none")
        /// The engine's default one.
        public static let bridge = Mode(text: "bridge")

        /// That of another container of the stack; of one of several, `.container(db[1])`.
        public static func container(_ container: Container) -> Mode { Mode(text: "container:\(container.id)") }

        /// That of a container outside the stack, by its name or id.
        @_disfavoredOverload
        public static func container(_ name: some StringProtocol) -> Mode { Mode(text: "container:\(String(name))") }
    }

    /// What the element changes.
    public let element: BlockElement

    /// A network that is not the container's own.
    public init(_ mode: Mode, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("NetworkMode", fileID, line, changes: [.set("networkMode", mode.text.json)])
        element.uses(mode.text)
        self.element = element
    }
}

/// A name that the container knows beside those of its networks.
public struct ExtraHost: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A name and its address; "host-gateway" is the host's address as the container sees it.
    public init(_ name: String, _ address: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement(
            "ExtraHost", fileID, line, changes: [.append(list: "extraHosts", .string("\(name):\(address)"))])
        if name.isEmpty || name.contains(where: { ":= ".contains($0) }) {
            element.problem("SC1109", "\"\(name)\" is no host name", hint: "use letters, digits and '-'")
        }
        if address != "host-gateway", parseIPv4(address) == nil, !isIPv6(address) {
            element.problem(
                "SC1116", "\"\(address)\" is no address", hint: "write \"10.0.0.1\", \"fd00::1\" or \"host-gateway\"")
        }
        self.element = element
    }
}

/// How names are looked up that the container's networks do not know.
public struct Resolver: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// What is left out is the host's.
    ///
    /// - Parameters:
    ///   - servers: addresses of DNS servers.
    ///   - search: domains that are tried for short names.
    ///   - options: as in resolv.conf, such as "ndots:2".
    public init(
        servers: [String] = [], search: [String] = [], options: [String] = [], fileID: String = #fileID,
        line: Int = #line
    ) {
        var element = BlockElement("Resolver", fileID, line)
        for (key, words) in [("dns", servers), ("dnsSearch", search), ("dnsOptions", options)] where !words.isEmpty {
            element.changes.append(.set(key, .array(words.map { .string($0) })))
        }
        for server in servers where parseIPv4(server) == nil && !isIPv6(server) {
            element.problem("SC1116", "\"\(server)\" is no address of a DNS server")
        }
        if (search + options).contains(where: { $0.isEmpty || $0.contains(" ") }) {
            element.problem("SC1119", "Resolver has a word that is empty or has a space")
        }
        self.element = element
    }
}

/// Another name for a container.
public struct Link: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A container by its name on the host, and what this container calls it.
    public init(_ name: Text, as alias: String? = nil, fileID: String = #fileID, line: Int = #line) {
        let text: Text = if let alias { "\(name):\(alias)" } else { name }
        var element = BlockElement("Link", fileID, line, changes: [.append(list: "links", text.json)])
        element.uses(text)
        if let alias, !isHostName(alias) {
            element.problem("SC1109", "the alias \"\(alias)\" is no host name", hint: "use letters, digits and '-'")
        }
        self.element = element
    }
}

/// The address of the container's interface, where it is on one network.
public struct MACAddress: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An address, such as "02:42:ac:11:00:02".
    public init(_ address: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("MACAddress", fileID, line, changes: [.set("macAddress", .string(address))])
        element.requireMACAddress(address)
        self.element = element
    }
}
