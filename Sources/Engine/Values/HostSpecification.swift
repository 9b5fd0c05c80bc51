import JSONText
import OCI

/// When a container is started again after its process ended.
package struct RestartSettings: Sendable, Hashable {
    /// Docker's policies.
    package enum Name: String, Sendable, Hashable {
        case no
        case always
        case onFailure = "on-failure"
        case unlessStopped = "unless-stopped"
    }

    /// The policy.
    package var name: Name
    /// For `on-failure`: how often at most; 0 is without end.
    package var maximumRetryCount: Int

    /// A policy.
    package init(_ name: Name = .no, maximumRetryCount: Int = 0) {
        self.name = name
        self.maximumRetryCount = maximumRetryCount
    }

    /// Reads Docker's `RestartPolicy`.
    package init(_ reader: FieldReader) throws(EngineError) {
        let text = try reader.text("Name")
        guard let name = Name(rawValue: text.isEmpty ? "no" : text) else {
            throw EngineError(
                .invalid,
                "invalid restart policy: unknown policy '\(text)'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            )
        }
        let count = Int(try reader.integer("MaximumRetryCount", in: 0...1_000_000) ?? 0)
        try reader.require(
            count == 0 || name == .onFailure,
            "invalid restart policy: maximum retry count can only be used with 'on-failure'")
        self.init(name, maximumRetryCount: count)
    }

    var json: JSONObject { ["Name": .string(name.rawValue), "MaximumRetryCount": .int(Int64(maximumRetryCount))] }
}

/// Something mounted into a container.
package struct MountSpecification: Sendable, Hashable {
    /// Where it comes from.
    package enum Kind: String, Sendable, Hashable { case bind, volume, tmpfs }

    /// The kind.
    package var kind: Kind
    /// A path on the host, a volume's name (empty: made for this container), or empty for tmpfs.
    package var source: String
    /// An absolute path in the container.
    package var target: String
    /// Whether writing is refused.
    package var readOnly: Bool
    /// Docker's `-v`: a missing source directory is made.
    package var createsSource = false
    /// Whether a new volume takes over what the image has at the target.
    package var copiesImageContent = true
    /// tmpfs: the size in bytes.
    package var tmpfsBytes: Int64?
    /// tmpfs: permission bits.
    package var tmpfsMode: UInt32?
    /// A volume made for this container alone and removed with it (`rm -v`).
    package var isAnonymous = false

    /// A mount.
    package init(_ kind: Kind, source: String, target: String, readOnly: Bool = false) {
        self.kind = kind
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}

/// A port published on the host.
package struct PortBinding: Sendable, Hashable {
    /// The container's port and protocol, such as `80/tcp`.
    package var container: ContainerPort
    /// An address of the host; empty for all.
    package var hostAddress: String
    /// The host's port; 0 lets the engine choose.
    package var hostPort: UInt16

    /// A binding.
    package init(container: ContainerPort, hostAddress: String = "", hostPort: UInt16) {
        self.container = container
        self.hostAddress = hostAddress
        self.hostPort = hostPort
    }
}

/// A port and its protocol.
package struct ContainerPort: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number.
    package var number: UInt16
    /// `tcp`, `udp` or `sctp`.
    package var transport: String

    /// A port.
    package init(_ number: UInt16, transport: String = "tcp") {
        self.number = number
        self.transport = transport
    }

    /// Reads `80/tcp` or `80`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let number = UInt16(first), number > 0 else { return nil }
        let transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
        guard ["tcp", "udp", "sctp"].contains(transport) else { return nil }
        self.init(number, transport: transport)
    }

    /// `80/tcp`.
    package var description: String { "\(number)/\(transport)" }

    package static func < (left: ContainerPort, right: ContainerPort) -> Bool {
        (left.number, left.transport) < (right.number, right.transport)
    }
}

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
