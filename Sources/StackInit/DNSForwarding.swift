import CLinux

/// Questions on their way to the host's resolvers.
extension NameServer {
    /// A question that waits for a resolver's answer.
    ///
    /// It is kept under its socket: every question has its own, so that both the number and the port must be guessed to
    /// forge an answer (RFC 5452).
    struct Forwarded {
        var container: Identifier
        var query: DNSQuery
        /// The packet, with `id` in it.
        var packet: [UInt8]
        var id: UInt16
        var route: Route
        /// Tries so far; picks the resolver.
        var attempts: Int
        var deadline: Int64
        /// Of a question by TCP: bytes still to be sent, and received so far.
        var unsent: [UInt8] = []
        var input: [UInt8] = []
    }

    /// Milliseconds before the next resolver is tried, and how often: together less than the 5 s after which resolvers
    /// in libc ask again.
    private static let patience: Int64 = 1500
    private static let attempts = 3
    /// Questions under way, of one container and of all.
    private static let containerLimit = 128
    private static let totalLimit = 1024

    func forward(_ query: DNSQuery, _ packet: [UInt8], from container: Identifier, to route: Route) {
        var own = 0
        for entry in forwarded.values where entry.container == container { own += 1 }
        guard own < NameServer.containerLimit, forwarded.count < NameServer.totalLimit else {
            send(DNSResponse.empty(.serverFailure, to: query), route)
            return
        }
        let id = dns_random()
        launch(
            Forwarded(
                container: container, query: query, packet: DNSResponse.renumbered(packet, id: id), id: id,
                route: route,
                attempts: 0, deadline: 0))
    }

    private func resolvers(of container: Identifier) -> [[UInt8]] { servers[container] ?? upstreams }

    /// Sends the question to the next resolver, or gives up.
    private func launch(_ start: Forwarded) {
        var entry = start
        let upstreams = resolvers(of: entry.container)
        while entry.attempts < NameServer.attempts, !upstreams.isEmpty {
            let resolver = upstreams[entry.attempts % upstreams.count]
            entry.attempts += 1
            var isStream = false
            if case .stream = entry.route { isStream = true }
            let terminated = resolver + [0]
            let socket = terminated.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { dns_connect($0.baseAddress, isStream ? 1 : 0) }
            }
            guard socket >= 0 else { continue }
            if isStream {
                entry.unsent = framed(entry.packet)
                entry.input = []
            } else if entry.packet.withUnsafeBytes({ dns_stream_send(socket, $0.baseAddress, $0.count) }) < 0 {
                close(socket)
                continue
            }
            entry.deadline = dns_now() + NameServer.patience
            forwarded[socket] = entry
            expect(deadline: entry.deadline)
            watch(socket, as: .upstream, writable: isStream)
            return
        }
        send(DNSResponse.empty(.serverFailure, to: entry.query), entry.route)
    }

    func serveUpstream(_ socket: Int32, _ state: Int32) {
        guard let route = forwarded[socket]?.route else { return }
        if case .stream = route {
            serveUpstreamStream(socket, state)
            return
        }
        let count = dns_stream_receive(socket, buffer, NameServer.bufferSize)
        if count < 0 {
            // Nobody listens there (ECONNREFUSED by ICMP), or the way is gone.
            if linux_errno() != EAGAIN && linux_errno() != EINTR { retry(socket) }
            return
        }
        // A forged or foreign datagram is passed over; the right one may follow.
        _ = finish(socket, received(count))
    }

    private func serveUpstreamStream(_ socket: Int32, _ state: Int32) {
        if let unsent = forwarded[socket]?.unsent, !unsent.isEmpty, state & Int32(DNS_WRITABLE) != 0 {
            let count = unsent.withUnsafeBytes { dns_stream_send(socket, $0.baseAddress, $0.count) }
            if count > 0 { forwarded[socket]?.unsent = [UInt8](unsent.dropFirst(count)) }
            if count == unsent.count { _ = dns_epoll_change(poll, socket, Int32(DNS_READABLE)) }
        }
        let count = dns_stream_receive(socket, buffer, NameServer.bufferSize)
        let code = linux_errno()
        if count > 0 {
            forwarded[socket]?.input.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: count))
        }
        if let input = forwarded[socket]?.input, let packet = unframed(input[...]) {
            // On a stream nothing better follows a wrong answer.
            if !finish(socket, packet) { retry(socket) }
        } else if count == 0 || (count < 0 && code != EAGAIN && code != EINTR && code != ENOTCONN) {
            retry(socket)
        }
    }

    /// Hands an answer on, and says whether it was one.
    private func finish(_ socket: Int32, _ packet: [UInt8]) -> Bool {
        guard let entry = forwarded[socket], DNSResponse.isReply(packet, id: entry.id, to: entry.query) else {
            return false
        }
        if DNSResponse.isFailure(packet),
            entry.attempts < min(NameServer.attempts, resolvers(of: entry.container).count)
        {
            retry(socket)
            return true
        }
        forwarded[socket] = nil
        drop(socket)
        var reply = DNSResponse.renumbered(packet, id: entry.query.id)
        if case .datagram(_, _, _, let limit) = entry.route, reply.count > limit {
            reply = DNSResponse.truncated(entry.query)
        }
        send(reply, entry.route)
        return true
    }

    private func retry(_ socket: Int32) {
        guard let entry = forwarded.removeValue(forKey: socket) else { return }
        drop(socket)
        launch(entry)
    }

    /// Tries again what has waited too long, closes idle connections, and finds the next deadline.
    func expire() {
        let now = dns_now()
        nextDeadline = nil
        var late: [Int32] = []
        for (socket, entry) in forwarded {
            if entry.deadline <= now { late.append(socket) } else { expect(deadline: entry.deadline) }
        }
        for (descriptor, client) in clients {
            if client.deadline <= now { late.append(descriptor) } else { expect(deadline: client.deadline) }
        }
        for descriptor in late {
            if forwarded[descriptor] != nil {
                retry(descriptor)
            } else {
                clients[descriptor] = nil
                drop(descriptor)
            }
        }
    }

    /// A message behind its length, as TCP carries it (RFC 1035, section 4.2.2).
    func framed(_ packet: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: packet.count >> 8), UInt8(truncatingIfNeeded: packet.count)] + packet
    }

    /// The first whole message, without its length.
    func unframed(_ stream: ArraySlice<UInt8>) -> [UInt8]? {
        guard stream.count >= 2 else { return nil }
        let start = stream.startIndex
        let length = Int(stream[start]) << 8 | Int(stream[start + 1])
        guard stream.count >= 2 + length else { return nil }
        return [UInt8](stream[(start + 2)..<(start + 2 + length)])
    }
}
