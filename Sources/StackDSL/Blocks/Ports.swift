import JSONText

/// The protocol of a port.
public enum PortProtocol: String, Sendable {
    /// TCP.
    case tcp
    /// UDP.
    case udp
    /// SCTP.
    case sctp
}

/// Makes a port of the container reachable on the host.
public struct Publish: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A port of the host leads to a port of the container.
    ///
    /// - Parameters:
    ///   - port: the port of the host.
    ///   - target: the port of the container.
    ///   - transport: TCP unless written.
    ///   - hostAddress: the host's address to listen on, IPv4 or IPv6; all of them when nil.
    public init(
        _ port: UInt16, to target: UInt16, protocol transport: PortProtocol = .tcp, on hostAddress: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = Self.element(Int64(port), nil, Int64(target), transport, hostAddress, fileID, line)
    }

    /// A port from a variable, such as an input.
    @_disfavoredOverload
    public init(
        _ port: some BinaryInteger, to target: some BinaryInteger, protocol transport: PortProtocol = .tcp,
        on hostAddress: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        element = Self.element(
            Int64(clamping: port), nil, Int64(clamping: target), transport, hostAddress, fileID, line)
    }

    /// The first free port of a range leads to a port of the container: each replica gets one.
    public init(
        anyOf ports: ClosedRange<UInt16>, to target: UInt16, protocol transport: PortProtocol = .tcp,
        on hostAddress: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        element = Self.element(
            Int64(ports.lowerBound), Int64(ports.upperBound), Int64(target), transport, hostAddress, fileID, line)
    }

    /// Any free port of the host leads to a port of the container.
    public init(
        anyTo target: UInt16, protocol transport: PortProtocol = .tcp, on hostAddress: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = Self.element(nil, nil, Int64(target), transport, hostAddress, fileID, line)
    }

    private static func element(
        _ port: Int64?, _ last: Int64?, _ target: Int64, _ transport: PortProtocol, _ hostAddress: String?,
        _ fileID: String, _ line: Int
    ) -> BlockElement {
        var entry: JSONObject = [
            "published": .int(port ?? 0), "target": .int(target), "protocol": .string(transport.rawValue),
        ]
        if let last { entry["publishedLast"] = .int(last) }
        if let hostAddress { entry["hostAddress"] = .string(hostAddress) }
        var element = BlockElement("Publish", fileID, line, changes: [.append(list: "ports", .object(entry))])
        for number in [port, target].compactMap(\.self) where !(1...65535).contains(number) {
            element.problem("SC1127", "\(number) is no port", hint: "use 1 to 65535")
        }
        if let hostAddress, parseIPv4(hostAddress) == nil, !isIPv6(hostAddress) {
            element.problem(
                "SC1127", "\"\(hostAddress)\" is no address of the host",
                hint: "write \"127.0.0.1\" or \"::1\", or leave it out")
        }
        return element
    }
}

/// Documents a port that containers of the image listen on, or that the container does.
public struct Expose: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A port.
    public init(
        _ port: UInt16, protocol transport: PortProtocol = .tcp, fileID: String = #fileID, line: Int = #line
    ) {
        let value = JSONValue.string("\(port)/\(transport.rawValue)")
        var element = BlockElement("Expose", fileID, line, changes: [.append(list: "exposed", value)])
        if port == 0 { element.problem("SC1127", "port 0 cannot be exposed", hint: "use 1 to 65535") }
        self.element = element
    }
}
