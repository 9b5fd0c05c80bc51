import CLinux

/// Ports published on IPv6 that the firewall cannot lead to their container: on the host's loopback, and to containers
/// without IPv6.
///
/// The daemon opens the listening sockets and hands them over, so that they answer while it is away.
extension NameServer {
    /// A listening socket and where its connections lead.
    struct Relay {
        var container: Identifier
        /// The address as text that ends in a zero byte.
        var target: [UInt8]
        var port: UInt16
    }

    /// One end of a connection that is passed on.
    struct RelayEnd {
        var container: Identifier
        /// The other end.
        var peer: Int32
        /// Bytes of the other end that are still to be sent, and how many of them were.
        var pending: [UInt8] = []
        var sent = 0
        /// Whether it has said everything.
        var isDone = false
        /// Whether it was told that the other end has said everything.
        var isTold = false
        /// What it waits for; 0 while it is not in the epoll set.
        var interest: Int32 = 0
    }

    private static let connectionLimit = 8192
    /// Reads in one turn, so that others have theirs.
    private static let turns = 4

    func acceptRelayed(_ listener: Int32) {
        guard let relay = relays[listener] else { return }
        let near = dns_accept(listener)
        guard near >= 0 else { return }
        guard relayEnds.count < NameServer.connectionLimit else {
            close(near)
            return
        }
        let far = relay.target.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { dns_connect_port($0.baseAddress, relay.port, 1) }
        }
        guard far >= 0 else {
            close(near)
            return
        }
        dns_send_at_once(near)
        dns_send_at_once(far)
        relayEnds[near] = RelayEnd(container: relay.container, peer: far)
        relayEnds[far] = RelayEnd(container: relay.container, peer: near)
        roles[near] = .relayed
        roles[far] = .relayed
        rearm(near)
        rearm(far)
    }

    func serveRelayed(_ descriptor: Int32, _ state: Int32) {
        if state & Int32(DNS_WRITABLE) != 0, !deliver(to: descriptor) { return }
        if state & Int32(DNS_READABLE | DNS_CLOSED) != 0, !take(from: descriptor) { return }
        guard let end = relayEnds[descriptor] else { return }
        if end.isDone, relayEnds[end.peer]?.isDone == true, end.pending.isEmpty,
            relayEnds[end.peer]?.pending.isEmpty == true
        {
            return closeRelayed(descriptor)
        }
        rearm(descriptor)
        rearm(end.peer)
    }

    /// Reads what an end says and hands it on; false if the connection is over.
    private func take(from descriptor: Int32) -> Bool {
        for _ in 0..<NameServer.turns {
            guard let end = relayEnds[descriptor], !end.isDone, relayEnds[end.peer]?.pending.isEmpty == true else {
                return true
            }
            let count = dns_stream_receive(descriptor, buffer, NameServer.bufferSize)
            if count > 0 {
                guard pass(UnsafeRawBufferPointer(start: buffer, count: count), to: end.peer) else { return false }
            } else if count == 0 {
                relayEnds[descriptor]?.isDone = true
                tellEnd(to: end.peer)
            } else {
                if linux_errno() == EAGAIN || linux_errno() == EINTR { return true }
                closeRelayed(descriptor)
                return false
            }
        }
        return true
    }

    private func pass(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var count = dns_stream_send(descriptor, bytes.baseAddress, bytes.count)
        if count < 0 {
            // A connection that is not yet there takes nothing, but is not broken.
            guard linux_errno() == EAGAIN || linux_errno() == EINTR || linux_errno() == ENOTCONN else {
                closeRelayed(descriptor)
                return false
            }
            count = 0
        }
        if count < bytes.count {
            relayEnds[descriptor]?.pending = [UInt8](bytes[count...])
            relayEnds[descriptor]?.sent = 0
        }
        return true
    }

    /// Sends what is waiting for an end; false if the connection is over.
    private func deliver(to descriptor: Int32) -> Bool {
        guard let end = relayEnds[descriptor], !end.pending.isEmpty else { return true }
        let count = end.pending.withUnsafeBytes { bytes in
            dns_stream_send(descriptor, bytes.baseAddress?.advanced(by: end.sent), bytes.count - end.sent)
        }
        if count < 0 {
            if linux_errno() == EAGAIN || linux_errno() == EINTR { return true }
            closeRelayed(descriptor)
            return false
        }
        relayEnds[descriptor]?.sent += count
        guard end.sent + count == end.pending.count else { return true }
        relayEnds[descriptor]?.pending = []
        if relayEnds[end.peer]?.isDone == true { tellEnd(to: descriptor) }
        return true
    }

    /// Half a connection may end before the other half.
    private func tellEnd(to descriptor: Int32) {
        guard let end = relayEnds[descriptor], end.pending.isEmpty, !end.isTold else { return }
        relayEnds[descriptor]?.isTold = true
        dns_end_stream(descriptor)
    }

    /// Waits for what there is to wait for: no more is read of an end than the other one takes.
    private func rearm(_ descriptor: Int32) {
        guard let end = relayEnds[descriptor] else { return }
        var wanted: Int32 = end.pending.isEmpty ? 0 : Int32(DNS_WRITABLE)
        if !end.isDone, relayEnds[end.peer]?.pending.isEmpty == true { wanted |= Int32(DNS_READABLE) }
        guard wanted != end.interest else { return }
        if wanted == 0 {
            dns_epoll_remove(poll, descriptor)
        } else if end.interest == 0 {
            _ = dns_epoll_add(poll, descriptor, wanted)
        } else {
            _ = dns_epoll_change(poll, descriptor, wanted)
        }
        relayEnds[descriptor]?.interest = wanted
    }

    private func closeRelayed(_ descriptor: Int32) {
        guard let end = relayEnds.removeValue(forKey: descriptor) else { return }
        relayEnds[end.peer] = nil
        drop(descriptor)
        drop(end.peer)
    }

    /// Closes a container's listening sockets, and its connections too once it has ended.
    func closeRelays(of container: Identifier, connections: Bool) {
        for (descriptor, relay) in relays where relay.container == container {
            relays[descriptor] = nil
            drop(descriptor)
        }
        guard connections else { return }
        for (descriptor, end) in relayEnds where end.container == container { closeRelayed(descriptor) }
    }
}
