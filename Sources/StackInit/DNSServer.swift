import CLinux

/// The name server of one data root: answers containers through sockets that were opened in their network namespaces,
/// forwards what it does not know, and does as the daemon says on the control socket.
///
/// One thread, one epoll set.
final class NameServer {
    typealias Identifier = NameTable.Identifier

    /// What a descriptor in the epoll set is.
    enum Role {
        case listener
        case control
        case datagrams(Identifier)
        case streams(Identifier)
        case client
        case upstream
        case relay
        case relayed
    }

    /// The two sockets of a container.
    struct Sockets {
        var datagrams: Int32
        var streams: Int32
    }

    /// Where a reply goes.
    enum Route {
        case datagram(socket: Int32, address: UInt32, port: UInt16, limit: Int)
        case stream(client: Int32, serial: UInt64)
    }

    let poll: Int32
    let listener: Int32
    /// Held while the socket is this process's own.
    let lock: Int32
    let path: UnsafePointer<CChar>
    var roles: [Int32: Role] = [:]
    var sockets: [Identifier: Sockets] = [:]
    var table = NameTable()
    var upstreams: [[UInt8]] = []
    /// The resolvers of containers that have others than the host's.
    var servers: [Identifier: [[UInt8]]] = [:]
    var forwarded: [Int32: Forwarded] = [:]
    var clients: [Int32: Client] = [:]
    var relays: [Int32: Relay] = [:]
    var relayEnds: [Int32: RelayEnd] = [:]
    var serial: UInt64 = 0
    var isEnding = false
    /// When the next query or connection expires, in milliseconds of `dns_now`; nil while there is none.
    var nextDeadline: Int64?

    /// One buffer for all that is received; every message fits (RFC 1035, section 4.2.2).
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: NameServer.bufferSize, alignment: 16)
    static let bufferSize = 65_536
    /// Datagrams taken from one socket before the others have their turn.
    static let burst = 32

    /// Serves the daemon at `listener`, whose name is the last part of `path` in the working directory.
    init?(listener: Int32, lock: Int32, path: UnsafePointer<CChar>) {
        self.listener = listener
        self.lock = lock
        self.path = path
        poll = dns_epoll_create()
        guard poll >= 0 else { return nil }
        watch(listener, as: .listener)
    }

    /// Serves until told to end.
    func serve() {
        var descriptors = [Int32](repeating: -1, count: DNS_EVENTS)
        var states = [Int32](repeating: 0, count: DNS_EVENTS)
        while !isEnding {
            let count = dns_epoll_wait(poll, &descriptors, &states, timeout())
            if count > 0 {
                for index in 0..<Int(count) { handle(descriptors[index], states[index]) }
            }
            if let deadline = nextDeadline, dns_now() >= deadline { expire() }
        }
    }

    private func timeout() -> Int32 {
        guard let deadline = nextDeadline else { return -1 }
        return Int32(truncatingIfNeeded: max(0, min(deadline - dns_now() + 1, 60_000)))
    }

    private func handle(_ descriptor: Int32, _ state: Int32) {
        // An earlier event of this round may have closed it.
        guard let role = roles[descriptor] else { return }
        switch role {
        case .listener: acceptControl()
        case .control: serveControl(descriptor)
        case .datagrams(let container): serveDatagrams(descriptor, of: container)
        case .streams(let container): acceptClient(descriptor, of: container)
        case .client: serveClient(descriptor, state)
        case .upstream: serveUpstream(descriptor, state)
        case .relay: acceptRelayed(descriptor)
        case .relayed: serveRelayed(descriptor, state)
        }
    }

    // MARK: - Descriptors

    func watch(_ descriptor: Int32, as role: Role, writable: Bool = false) {
        roles[descriptor] = role
        let interest = Int32(writable ? DNS_READABLE | DNS_WRITABLE : DNS_READABLE)
        _ = dns_epoll_add(poll, descriptor, interest)
    }

    func drop(_ descriptor: Int32) {
        roles[descriptor] = nil
        close(descriptor)
    }

    /// Copies what was received.
    func received(_ count: Int) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: buffer, count: count))
    }

    func expect(deadline: Int64) {
        nextDeadline = min(nextDeadline ?? deadline, deadline)
    }

    // MARK: - Questions

    private func serveDatagrams(_ socket: Int32, of container: Identifier) {
        for _ in 0..<NameServer.burst {
            var address: UInt32 = 0
            var port: UInt16 = 0
            let count = dns_receive(socket, buffer, NameServer.bufferSize, &address, &port)
            guard count >= 0 else { return }
            let packet = received(count)
            switch DNSQuery.read(packet) {
            case .ignore: break
            case .reject(let reply):
                send(reply, .datagram(socket: socket, address: address, port: port, limit: DNSResponse.plainLimit))
            case .query(let query):
                let limit = DNSResponse.datagramLimit(for: query)
                answer(
                    query, packet, from: container,
                    to: .datagram(socket: socket, address: address, port: port, limit: limit))
            }
        }
    }

    /// Answers from the table, or forwards.
    func answer(_ query: DNSQuery, _ packet: [UInt8], from container: Identifier, to route: Route) {
        var limit = DNSResponse.largestStream
        if case .datagram(_, _, _, let size) = route { limit = size }
        switch table.answer(query, from: container, limit: limit) {
        case .reply(let reply): send(reply, route)
        case .forward: forward(query, packet, from: container, to: route)
        }
    }

    /// Sends a reply.
    ///
    /// One that cannot be sent at once is lost, as datagrams may be; the asker asks again.
    func send(_ reply: [UInt8], _ route: Route) {
        switch route {
        case .datagram(let socket, let address, let port, _):
            reply.withUnsafeBytes { _ = dns_send(socket, $0.baseAddress, $0.count, address, port) }
        case .stream(let client, let serial): reply.withUnsafeBytes { sendToClient(client, serial, $0) }
        }
    }
}
