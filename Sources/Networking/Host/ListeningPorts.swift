import Linux

/// A socket of the host that already answers a port.
struct ListeningPort: Sendable, Hashable {
    /// The address it listens on; nil is every address of its families.
    var address: IPAddress?
    /// The port.
    var port: UInt16
    /// The transport.
    var transport: TransportProtocol
    /// The socket's inode, by which its process is found.
    var inode: String
    /// Whether it answers IPv4.
    var isForV4 = true
    /// Whether it answers IPv6.
    var isForV6 = false
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
        sockets.map { socket in
            port(
                socket.address, isV6Only: socket.isV6Only, number: socket.port, transport, inode: "\(socket.inode)")
        }
    }

    private static func port(
        _ address: IPAddress, isV6Only: Bool, number: UInt16, _ transport: TransportProtocol, inode: String
    ) -> ListeningPort {
        var found = ListeningPort(address: address, port: number, transport: transport, inode: inode)
        let bytes = address.bytes
        if address.isV4 {
            if address.isUnspecified { found.address = nil }
        } else if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10...11].allSatisfy({ $0 == 0xFF }) {
            // `::ffff:192.0.2.1`, an IPv4 address on an IPv6 socket.
            found.address = IPAddress(bytes: Array(bytes.suffix(4)))
        } else {
            found.isForV6 = true
            found.isForV4 = address.isUnspecified && !isV6Only
            if address.isUnspecified { found.address = nil }
        }
        return found
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
            guard let address = address(local[0]) else { return nil }
            // The table does not say whether an IPv6 socket on every address leaves IPv4 to others.
            return self.port(address, isV6Only: false, number: port, transport, inode: String(fields[9]))
        }
    }

    /// An address as the tables have it: numbers of 32 bits in the machine's byte order.
    private static func address(_ digits: Substring) -> IPAddress? {
        guard digits.utf8.count == 8 || digits.utf8.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var rest = digits
        while !rest.isEmpty {
            guard let value = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
            rest = rest.dropFirst(8)
        }
        return IPAddress(bytes: bytes)
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
