import Linux

/// A socket of the host that already answers a port.
struct ListeningPort: Sendable, Hashable {
    /// The address it listens on; nil is every address.
    var address: IPv4Address?
    /// The port.
    var port: UInt16
    /// The transport.
    var transport: TransportProtocol
    /// The socket's inode, by which its process is found.
    var inode: String
}

/// Finds out which ports programs of the host answer.
///
/// A published port would take such a port away from its program without a word, because the translation comes first; so
/// it is refused.
enum ListeningPorts {
    /// Every listening socket of the calling thread's network namespace.
    static func read() throws(SystemError) -> [ListeningPort] {
        do throws(SystemError) {
            return convert(try SocketDiagnostics.listeningTCP(), .tcp)
                + convert(try SocketDiagnostics.listeningUDP(), .udp)
        } catch  where error.errno == .ENOENT {
            // A kernel without CONFIG_INET_DIAG.
            return try readTables()
        }
    }

    private static func convert(_ sockets: [ListeningSocket], _ transport: TransportProtocol) -> [ListeningPort] {
        sockets.compactMap { socket in
            guard case .some(let address) = address(socket) else { return nil }
            return ListeningPort(address: address, port: socket.port, transport: transport, inode: "\(socket.inode)")
        }
    }

    /// The IPv4 address that a socket answers: `.some(nil)` is every one, `nil` is none.
    private static func address(_ socket: ListeningSocket) -> IPv4Address?? {
        let bytes = socket.address.bytes
        if let value = socket.address.v4Value { return .some(value == 0 ? nil : IPv4Address(rawValue: value)) }
        // `::ffff:192.0.2.1`, an IPv4 address on an IPv6 socket.
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10...11].allSatisfy({ $0 == 0xFF }) {
            return .some(IPv4Address(rawValue: bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }))
        }
        return !socket.isV6Only && bytes.allSatisfy { $0 == 0 } ? .some(nil) : nil
    }

    /// The same from the tables in `/proc/net` (proc(5)).
    static func readTables() throws(SystemError) -> [ListeningPort] {
        var found: [ListeningPort] = []
        for transport in [TransportProtocol.tcp, .udp] {
            for family in ["", "6"] {
                let path = "/proc/thread-self/net/\(transport.rawValue)\(family)"
                // Without IPv6 there is no such file.
                guard Files.exists(path) else { continue }
                found += parse(try Files.readText(path), transport: transport)
            }
        }
        return found
    }

    /// Reads one table.
    static func parse(_ text: String, transport: TransportProtocol) -> [ListeningPort] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            // TCP_LISTEN; a UDP socket that takes from anybody is TCP_CLOSE.
            guard fields.count > 9, fields[3] == (transport == .tcp ? "0A" : "07") else { return nil }
            let local = fields[1].split(separator: ":")
            guard local.count == 2, let port = UInt16(local[1], radix: 16) else { return nil }
            switch address(local[0]) {
            case .none: return nil
            case .some(let address):
                return ListeningPort(address: address, port: port, transport: transport, inode: String(fields[9]))
            }
        }
    }

    /// The IPv4 address that a socket answers: `.some(nil)` is every one, `nil` is none.
    private static func address(_ digits: Substring) -> IPv4Address?? {
        // `::ffff:192.0.2.1`, an IPv4 address on an IPv6 socket.
        if digits.count == 32, digits.hasPrefix("0000000000000000FFFF0000") { return address(digits.suffix(8)) }
        if digits.count == 8, let value = UInt32(digits, radix: 16) {
            // Written as a number in the machine's byte order.
            return .some(value == 0 ? nil : IPv4Address(rawValue: UInt32(bigEndian: value)))
        }
        // An IPv6 socket on every address takes IPv4 as well, by default.
        return digits.count == 32 && digits.allSatisfy { $0 == "0" } ? .some(nil) : nil
    }

    /// The process that holds the socket, as `name (pid 12)`; nil if it cannot be found.
    static func owner(ofInode inode: String) -> String? {
        guard inode != "0", let processes = try? Files.list("/proc") else { return nil }
        for process in processes {
            guard let pid = Int32(process.name), let descriptors = try? Files.list("/proc/\(pid)/fd") else { continue }
            for descriptor in descriptors
            where (try? Files.readLink("/proc/\(pid)/fd/\(descriptor.name)")) == "socket:[\(inode)]" {
                let name = (try? Files.readText("/proc/\(pid)/comm"))?.prefix { $0 != "\n" } ?? "process"
                return "\(name) (pid \(pid))"
            }
        }
        return nil
    }
}
