import Diagnostics
import Linux

/// What the options of a network's driver mean.
///
/// Names and meaning are Docker's, but for those that begin with `io.stackctl`.
package struct NetworkOptions: Sendable, Hashable {
    /// The bridge's interface name; nil is one made of the network's id.
    package var bridgeName: String?
    /// Whether containers of the network reach each other (`enable_icc`).
    package var joinsContainers = true
    /// Whether what leaves has the host's address (`enable_ip_masquerade`).
    package var masquerades = true
    /// Where ports are published that name no address of the host.
    package var hostBinding: IPAddress?
    /// How IPv4 packets get in.
    package var mode4 = GatewayMode.nat
    /// How IPv6 packets get in.
    package var mode6 = GatewayMode.nat
    /// Interfaces of the host whose neighbours reach every port of the containers.
    package var trusted: [String] = []
    /// Whether the bridge gets no IPv4 address.
    package var inhibitsIPv4 = false
    /// What interface names in containers begin with.
    package var interfacePrefix: String?
    /// Bytes.
    package var mtu: Int?
    /// Interfaces of the host through which published ports are reached; nil is every one.
    ///
    /// The host itself always reaches them.
    package var publishInterfaces: [String]?
    /// Of macvlan and ipvlan: the interface of the host, perhaps with `.` and a VLAN's number.
    package var parent: String?
    /// Of macvlan and ipvlan: the driver's mode, empty for its usual one.
    package var childMode = ""
    /// Of ipvlan: `bridge`, `private` or `vepa`.
    package var childFlag = ""

    /// The option that limits published ports to some interfaces.
    package static let publishInterfacesOption = "io.stackctl.publish_interfaces"

    private static let prefix = "com.docker.network."

    /// Reads options for `driver`.
    ///
    /// - Throws: a `Diagnostic` for a value that is none.
    package init(_ options: [String: String], driver: NetworkDriver = .bridge) throws(Diagnostic) {
        for (key, value) in options.sorted(by: { $0.key < $1.key }) { try read(key, value) }
        if driver == .bridge { return }
        try readChild(options, driver)
    }

    /// Options that were checked when they came in.
    init(stored options: [String: String], driver: NetworkDriver) {
        self = (try? NetworkOptions(options, driver: driver)) ?? NetworkOptions()
    }

    private init() {}

    private mutating func read(_ key: String, _ value: String) throws(Diagnostic) {
        switch key {
        case Self.prefix + "bridge.name":
            try Self.require(Self.isInterfaceName(value), key, value, "a name of 1 to 15 bytes without '/' and blanks")
            bridgeName = value
        case Self.prefix + "bridge.enable_icc": joinsContainers = try Self.flag(key, value)
        case Self.prefix + "bridge.enable_ip_masquerade": masquerades = try Self.flag(key, value)
        case Self.prefix + "bridge.inhibit_ipv4": inhibitsIPv4 = try Self.flag(key, value)
        case Self.prefix + "bridge.host_binding_ipv4":
            hostBinding = IPAddress(value)
            try Self.require(hostBinding?.isV4 == true, key, value, "an IPv4 address")
        case Self.prefix + "bridge.gateway_mode_ipv4": mode4 = try Self.mode(key, value)
        case Self.prefix + "bridge.gateway_mode_ipv6": mode6 = try Self.mode(key, value)
        case Self.prefix + "bridge.trusted_host_interfaces":
            trusted = try Self.interfaces(key, value, separator: ":")
        case Self.publishInterfacesOption: publishInterfaces = try Self.interfaces(key, value, separator: ",")
        case Self.prefix + "container_iface_prefix":
            try Self.require(
                Self.isInterfaceName(value) && value.utf8.count <= 12, key, value, "1 to 12 bytes of a name")
            interfacePrefix = value
        case Self.prefix + "driver.mtu":
            mtu = Int(value)
            try Self.require(mtu.map { (68...65_535).contains($0) } ?? false, key, value, "68 to 65535 bytes")
        default: break
        }
    }

    private mutating func readChild(_ options: [String: String], _ driver: NetworkDriver) throws(Diagnostic) {
        if let name = options["parent"] {
            try Self.require(Self.isInterfaceName(name), "parent", name, "the name of an interface")
            parent = name
        }
        if let mode = options["\(driver.rawValue)_mode"] {
            let known = driver == .macvlan ? ["bridge", "private", "vepa", "passthru"] : ["l2", "l3", "l3s"]
            try Self.require(
                known.contains(mode), "\(driver.rawValue)_mode", mode, "one of \(known.joined(separator: ", "))")
            childMode = mode
        }
        if driver == .ipvlan, let flag = options["ipvlan_flag"] {
            try Self.require(
                ["bridge", "private", "vepa"].contains(flag), "ipvlan_flag", flag, "bridge, private or vepa")
            childFlag = flag
        }
    }

    /// True for what the kernel takes as an interface's name (`dev_valid_name`).
    package static func isInterfaceName(_ text: String) -> Bool {
        (1...InterfaceName.maximumLength).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\"") }
    }

    /// As Go's `strconv.ParseBool`.
    private static func flag(_ key: String, _ value: String) throws(Diagnostic) -> Bool {
        if ["1", "t", "T", "true", "TRUE", "True"].contains(value) { return true }
        try require(["0", "f", "F", "false", "FALSE", "False"].contains(value), key, value, "true or false")
        return false
    }

    private static func mode(_ key: String, _ value: String) throws(Diagnostic) -> GatewayMode {
        guard let mode = GatewayMode(rawValue: value) else {
            throw problem(key, value, "nat, nat-unprotected, routed or isolated")
        }
        return mode
    }

    private static func interfaces(
        _ key: String, _ value: String, separator: Character
    ) throws(Diagnostic) -> [String] {
        let names = value.split(separator: separator).map(String.init)
        try require(names.allSatisfy(isInterfaceName), key, value, "names of interfaces parted by '\(separator)'")
        return names
    }

    private static func require(
        _ holds: Bool, _ key: String, _ value: String, _ expected: String
    ) throws(Diagnostic) {
        if !holds { throw problem(key, value, expected) }
    }

    private static func problem(_ key: String, _ value: String, _ expected: String) -> Diagnostic {
        Diagnostic(
            code: "SC6034", summary: "invalid value \"\(value)\" of network option \(key)",
            detail: "expected \(expected)")
    }
}
