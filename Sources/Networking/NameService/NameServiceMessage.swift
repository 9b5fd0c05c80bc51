/// What the daemon tells the name server.
///
/// One message is one packet on a `SOCK_SEQPACKET` socket: a verb and its fields, parted by zero bytes.
package enum NameServiceMessage: Sendable, Equatable {
    /// Identifiers of containers and networks, as bytes.
    package typealias Identifier = NameTable.Identifier

    /// Serve a container.
    ///
    /// Its UDP socket and its listening TCP socket come with the message (`SCM_RIGHTS`).
    case attach(container: Identifier, forwards: Bool, networks: [Identifier])
    /// The networks whose names a container may ask for, and whether others are forwarded.
    case networks(container: Identifier, forwards: Bool, networks: [Identifier])
    /// The names of a container in a network.
    ///
    /// The address is dotted decimal.
    ///
    /// An IPv6 address is 16 bytes; none is an empty list.
    case names(
        container: Identifier, network: Identifier, address: UInt32, address6: [UInt8] = [], names: [DNSName])
    /// Names that a container alone has for others, each behind it the name it stands for.
    case links(container: Identifier, names: [DNSName])
    /// The resolvers that a container's names are asked from, in place of the host's; none are the host's.
    case servers(container: Identifier, resolvers: [[UInt8]])
    /// Pass connections on to a container.
    ///
    /// The listening socket comes with the message. The address is text.
    case relay(container: Identifier, target: [UInt8], port: UInt16)
    /// Pass no more connections on to a container; those there are go on.
    case unrelay(container: Identifier)
    /// The container has left the network.
    case unname(container: Identifier, network: Identifier)
    /// The container has ended.
    case remove(container: Identifier)
    /// The addresses of the host's resolvers, IPv4 or IPv6 text.
    case upstreams([[UInt8]])
    /// Lists attached containers: at most `pageLength`, those behind `after` in byte order.
    case list(after: Identifier)
    /// End, if no container is attached.
    case shutdown

    /// Containers in one reply to `list`: 64 bytes each stay well below a packet's limit.
    package static let pageLength = 500

    /// The packet.
    package func encoded() -> [UInt8] {
        switch self {
        case .attach(let container, let forwards, let networks):
            return join("attach", [container, NameServiceMessage.flag(forwards)] + networks)
        case .networks(let container, let forwards, let networks):
            return join("networks", [container, NameServiceMessage.flag(forwards)] + networks)
        case .names(let container, let network, let address, let address6, let names):
            var fields = [container, network, NameServiceMessage.hexadecimal(address)]
            if !address6.isEmpty { fields.append(NameServiceMessage.hexadecimal(address6)) }
            for name in names { fields.append(NameServiceMessage.text(name)) }
            return address6.isEmpty ? join("names", fields) : join("names6", fields)
        case .links(let container, let names):
            var fields = [container]
            for name in names { fields.append(NameServiceMessage.text(name)) }
            return join("links", fields)
        case .servers(let container, let resolvers): return join("servers", [container] + resolvers)
        case .relay(let container, let target, let port):
            return join("relay", [container, target, NameServiceMessage.hexadecimal(UInt32(port))])
        case .unrelay(let container): return join("unrelay", [container])
        case .unname(let container, let network): return join("unname", [container, network])
        case .remove(let container): return join("remove", [container])
        case .upstreams(let resolvers): return join("upstreams", resolvers)
        case .list(let after): return join("list", [after])
        case .shutdown: return join("shutdown", [])
        }
    }

    /// Reads a packet; nil if it is not one of ours.
    package init?(decoding packet: [UInt8]) {
        var fields: [[UInt8]] = []
        for field in packet.split(separator: 0, omittingEmptySubsequences: false) { fields.append([UInt8](field)) }
        guard let verb = fields.first else { return nil }
        fields.removeFirst()
        guard let message = NameServiceMessage.decode(verb, fields) else { return nil }
        self = message
    }

    private static func decode(_ verb: [UInt8], _ fields: [[UInt8]]) -> NameServiceMessage? {
        if verb == bytes("attach"), fields.count >= 2, let forwards = flag(fields[1]) {
            return .attach(container: fields[0], forwards: forwards, networks: [[UInt8]](fields[2...]))
        }
        if verb == bytes("networks"), fields.count >= 2, let forwards = flag(fields[1]) {
            return .networks(container: fields[0], forwards: forwards, networks: [[UInt8]](fields[2...]))
        }
        if verb == bytes("names"), fields.count >= 3, let address = number(fields[2]), let names = names(fields[3...]) {
            return .names(container: fields[0], network: fields[1], address: address, names: names)
        }
        if verb == bytes("names6"), fields.count >= 4, let address = number(fields[2]),
            let address6 = address6(fields[3]), let names = names(fields[4...])
        {
            return .names(
                container: fields[0], network: fields[1], address: address, address6: address6, names: names)
        }
        if verb == bytes("links"), fields.count % 2 == 1, let names = names(fields[1...]) {
            return .links(container: fields[0], names: names)
        }
        if verb == bytes("servers"), !fields.isEmpty {
            return .servers(container: fields[0], resolvers: [[UInt8]](fields[1...]))
        }
        if verb == bytes("relay"), fields.count == 3, let port = number(fields[2]), port <= 0xFFFF {
            return .relay(container: fields[0], target: fields[1], port: UInt16(truncatingIfNeeded: port))
        }
        if verb == bytes("unrelay"), fields.count == 1 { return .unrelay(container: fields[0]) }
        if verb == bytes("unname"), fields.count == 2 { return .unname(container: fields[0], network: fields[1]) }
        if verb == bytes("remove"), fields.count == 1 { return .remove(container: fields[0]) }
        if verb == bytes("upstreams") { return .upstreams(fields) }
        if verb == bytes("list"), fields.count == 1 { return .list(after: fields[0]) }
        if verb == bytes("shutdown"), fields.isEmpty { return .shutdown }
        return nil
    }

    private func join(_ verb: StaticString, _ fields: [[UInt8]]) -> [UInt8] {
        var packet = bytes(verb)
        for field in fields {
            packet.append(0)
            packet += field
        }
        return packet
    }

    private static func flag(_ value: Bool) -> [UInt8] { [value ? UInt8(ascii: "1") : UInt8(ascii: "0")] }

    private static func flag(_ field: [UInt8]) -> Bool? {
        if field == [UInt8(ascii: "1")] { return true }
        return field == [UInt8(ascii: "0")] ? false : nil
    }

    private static func names(_ fields: ArraySlice<[UInt8]>) -> [DNSName]? {
        var names: [DNSName] = []
        for field in fields {
            guard let name = DNSName(text: field) else { return nil }
            names.append(name)
        }
        return names
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
        var digits: [UInt8] = []
        var index = 0
        while index + 3 < bytes.count {
            var value: UInt32 = 0
            for offset in 0..<4 { value = value << 8 | UInt32(bytes[index + offset]) }
            digits += hexadecimal(value)
            index += 4
        }
        return digits
    }

    private static func address6(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for part in 0..<4 {
            guard let value = number([UInt8](digits[(part * 8)..<(part * 8 + 8)])) else { return nil }
            for shift in [UInt32(24), 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        return bytes
    }

    private static func hexadecimal(_ value: UInt32) -> [UInt8] {
        var digits: [UInt8] = []
        for shift in [UInt32(28), 24, 20, 16, 12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: value >> shift & 0xF)
            digits.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        }
        return digits
    }

    private static func number(_ digits: [UInt8]) -> UInt32? {
        guard digits.count == 8 else { return nil }
        var value: UInt32 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    /// Dotted text of a name.
    package static func text(_ name: DNSName) -> [UInt8] {
        var text: [UInt8] = []
        var left = 0
        for byte in name.wire {
            if left == 0 {
                if !text.isEmpty { text.append(UInt8(ascii: ".")) }
                left = Int(byte)
            } else {
                text.append(byte)
                left -= 1
            }
        }
        return text
    }
}

/// What the name server says back: `ok` and fields, or `error` and a reason; parted by zero bytes.
package enum NameServiceReply: Sendable, Equatable {
    /// Done; the fields are the answer.
    case ok([[UInt8]])
    /// Not done, and why.
    case error([UInt8])

    /// The packet.
    package func encoded() -> [UInt8] {
        switch self {
        case .ok(let fields):
            var packet = bytes("ok")
            for field in fields {
                packet.append(0)
                packet += field
            }
            return packet
        case .error(let reason): return bytes("error") + [0] + reason
        }
    }

    /// Reads a packet; nil if it is not one of ours.
    package init?(decoding packet: [UInt8]) {
        var fields: [[UInt8]] = []
        for field in packet.split(separator: 0, omittingEmptySubsequences: false) { fields.append([UInt8](field)) }
        guard let verb = fields.first else { return nil }
        fields.removeFirst()
        if verb == bytes("ok") {
            self = .ok(fields)
        } else if verb == bytes("error"), fields.count == 1 {
            self = .error(fields[0])
        } else {
            return nil
        }
    }
}

/// The bytes of a literal.
private func bytes(_ literal: StaticString) -> [UInt8] {
    var copy: [UInt8] = []
    literal.withUTF8Buffer { for byte in $0 { copy.append(byte) } }
    return copy
}
