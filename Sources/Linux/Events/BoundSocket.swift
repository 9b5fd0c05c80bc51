import CLinux
import Glibc

/// Sockets that are bound here and served by another process, which gets their descriptors.
///
/// They do not block.
///
/// They belong to the network namespace of the calling thread, whoever serves them.
package enum BoundSocket {
    /// A UDP socket at an address, be that on an interface already or not (`IP_FREEBIND`).
    package static func datagrams(at address: IPAddress, port: UInt16) throws(SystemError) -> FileDescriptor {
        try make(type: 2, address, port)  // SOCK_DGRAM
    }

    /// A listening TCP socket at an address, be that on an interface already or not.
    package static func streams(
        at address: IPAddress, port: UInt16, backlog: Int32 = 64
    ) throws(SystemError) -> FileDescriptor {
        let socket = try make(type: Sockets.stream, address, port)
        let number = socket.raw
        _ = try system("listen", "\(address):\(port)") { listen(number, backlog) }
        return socket
    }

    private static func make(
        type: Int32, _ address: IPAddress, _ port: UInt16
    ) throws(SystemError) -> FileDescriptor {
        let socket = try Sockets.make(address.isV4 ? AF_INET : AF_INET6, type)
        let number = socket.raw
        if address.isV4 {
            _ = try system("setsockopt", "IP_FREEBIND") { linux_setsockopt_int(number, 0, 15, 1) }
        }
        // What is left of connections of an earlier socket does not stand in the way of one that listens.
        if type == Sockets.stream {
            _ = try system("setsockopt", "SO_REUSEADDR") { linux_setsockopt_int(number, SOL_SOCKET, SO_REUSEADDR, 1) }
        }
        // IPv4 has sockets of its own, or is led on by the firewall.
        if !address.isV4 {
            _ = try system("setsockopt", "IPV6_V6ONLY") { linux_setsockopt_int(number, 41, 26, 1) }
        }
        let bytes = address.bytes
        _ = try system("bind", "\(address):\(port)") { linux_bind_inet(number, bytes, bytes.count, port) }
        return socket
    }
}

extension AsyncSocket {
    /// Connects to a unix socket that keeps packets apart (`SOCK_SEQPACKET`), of any path length.
    ///
    /// Every read gives one packet, every write sends one.
    package static func connect(unixPackets path: String) async throws -> AsyncSocket {
        let descriptor = try Sockets.make(AF_UNIX, 5)  // SOCK_SEQPACKET
        let number = descriptor.raw
        try Sockets.withUnixPath(path, "connect") { linux_connect_unix(number, $0) }
        return try AsyncSocket(descriptor)
    }
}
