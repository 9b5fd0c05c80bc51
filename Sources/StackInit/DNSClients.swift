import CLinux

/// Containers that ask by TCP.
extension NameServer {
    /// A connection from a container.
    struct Client {
        var container: Identifier
        /// Tells it from a later connection with the same descriptor.
        var serial: UInt64
        var input: [UInt8] = []
        var output: [UInt8] = []
        var deadline: Int64
    }

    /// Milliseconds without a question after which a connection is closed (RFC 7766, section 6.2.3).
    private static let idleTime: Int64 = 10_000
    /// Connections of one container, and of all.
    private static let clientsOfContainer = 32
    private static let clientsTotal = 512
    /// Bytes that a client may leave unread.
    private static let outputLimit = 256 << 10

    func acceptClient(_ socket: Int32, of container: Identifier) {
        let descriptor = dns_accept(socket)
        guard descriptor >= 0 else { return }
        var own = 0
        for client in clients.values where client.container == container { own += 1 }
        guard own < NameServer.clientsOfContainer, clients.count < NameServer.clientsTotal else {
            close(descriptor)
            return
        }
        serial += 1
        let deadline = dns_now() + NameServer.idleTime
        clients[descriptor] = Client(container: container, serial: serial, deadline: deadline)
        expect(deadline: deadline)
        watch(descriptor, as: .client)
    }

    func serveClient(_ descriptor: Int32, _ state: Int32) {
        if state & Int32(DNS_WRITABLE) != 0 { flush(descriptor) }
        guard state & Int32(DNS_READABLE | DNS_CLOSED) != 0, clients[descriptor] != nil else { return }
        let count = dns_stream_receive(descriptor, buffer, NameServer.bufferSize)
        guard count > 0 else {
            if count == 0 || (linux_errno() != EAGAIN && linux_errno() != EINTR) { dropClient(descriptor) }
            return
        }
        // In place: a copy for each byte that trickles in would cost the square of a message's length.
        clients[descriptor]?.input.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: count))
        guard let client = clients[descriptor] else { return }
        var packets: [[UInt8]] = []
        var taken = 0
        while let packet = unframed(client.input[taken...]) {
            packets.append(packet)
            taken += 2 + packet.count
        }
        guard !packets.isEmpty else { return }
        clients[descriptor]?.input = [UInt8](client.input[taken...])
        clients[descriptor]?.deadline = dns_now() + NameServer.idleTime
        for packet in packets { answerClient(descriptor, client, packet) }
    }

    private func answerClient(_ descriptor: Int32, _ client: Client, _ packet: [UInt8]) {
        let route = Route.stream(client: descriptor, serial: client.serial)
        switch DNSQuery.read(packet) {
        case .query(let query): answer(query, packet, from: client.container, to: route)
        case .reject(let reply): send(reply, route)
        case .ignore: dropClient(descriptor)
        }
    }

    /// Queues a reply on a connection, if it still is the same one.
    func sendToClient(_ descriptor: Int32, _ serial: UInt64, _ reply: UnsafeRawBufferPointer) {
        guard clients[descriptor]?.serial == serial else { return }
        clients[descriptor]?.output += framed([UInt8](reply))
        flush(descriptor)
    }

    private func flush(_ descriptor: Int32) {
        guard var client = clients[descriptor] else { return }
        let wasWaiting = client.output.isEmpty
        while !client.output.isEmpty {
            let count = client.output.withUnsafeBytes { dns_stream_send(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if linux_errno() == EINTR { continue }
                if linux_errno() == EAGAIN, client.output.count <= NameServer.outputLimit { break }
                dropClient(descriptor)
                return
            }
            client.output.removeFirst(count)
        }
        clients[descriptor] = client
        let readable = Int32(DNS_READABLE)
        let interest = client.output.isEmpty ? readable : readable | Int32(DNS_WRITABLE)
        if !wasWaiting || !client.output.isEmpty { _ = dns_epoll_change(poll, descriptor, interest) }
    }

    private func dropClient(_ descriptor: Int32) {
        guard clients.removeValue(forKey: descriptor) != nil else { return }
        drop(descriptor)
    }
}
