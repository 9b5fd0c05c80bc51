import CLinux

/// What the daemon asks for.
extension NameServer {
    func acceptControl() {
        while true {
            let connection = dns_accept(listener)
            guard connection >= 0 else { return }
            guard dns_peer_is_own_user(connection) != 0 else {
                close(connection)
                continue
            }
            watch(connection, as: .control)
        }
    }

    /// Takes one message.
    ///
    /// Its descriptors are kept by `attach`, and closed otherwise.
    func serveControl(_ connection: Int32) {
        var passed = [Int32](repeating: -1, count: LINUX_MAXIMUM_DESCRIPTORS)
        var passedCount = 0
        let count = linux_receive_descriptors(connection, buffer, NameServer.bufferSize, &passed, &passedCount)
        if count <= 0 {
            if count < 0 && (linux_errno() == EAGAIN || linux_errno() == EINTR) { return }
            drop(connection)
            return
        }
        let descriptors = [Int32](passed[..<min(passedCount, passed.count)])
        var reply = NameServiceReply.error(text("this is not a message of the name service"))
        // A packet that fills the buffer may have been cut.
        if count < NameServer.bufferSize, let message = NameServiceMessage(decoding: received(count)) {
            reply = perform(message, descriptors)
        }
        if case .error = reply { closeAll(descriptors) }
        let sent = reply.encoded().withUnsafeBytes { dns_stream_send(connection, $0.baseAddress, $0.count) }
        if sent < 0 { drop(connection) }
    }

    private func perform(_ message: NameServiceMessage, _ descriptors: [Int32]) -> NameServiceReply {
        if case .attach(let container, let forwards, let networks) = message {
            guard descriptors.count == 2 else { return .error(text("attach needs two sockets")) }
            closeSockets(of: container)
            attach(container, Sockets(datagrams: descriptors[0], streams: descriptors[1]))
            table.admit(container, networks: networks, forwards: forwards)
            return .ok([])
        }
        if case .relay(let container, let target, let port) = message {
            guard descriptors.count == 1 else { return .error(text("relay needs a socket")) }
            relays[descriptors[0]] = Relay(container: container, target: target + [0], port: port)
            watch(descriptors[0], as: .relay)
            return .ok([])
        }
        guard descriptors.isEmpty else { return .error(text("only attach and relay take descriptors")) }
        switch message {
        case .attach, .relay: break
        case .unrelay(let container): closeRelays(of: container, connections: false)
        case .networks(let container, let forwards, let networks):
            guard sockets[container] != nil else { return .error(text("this container is not attached")) }
            table.admit(container, networks: networks, forwards: forwards)
        case .names(let container, let network, let address, let address6, let names):
            table.setNames(names, of: container, in: network, address: address, address6: address6)
        case .links(let container, let names):
            var pairs: [(DNSName, DNSName)] = []
            var index = 0
            while index + 1 < names.count {
                pairs.append((names[index], names[index + 1]))
                index += 2
            }
            table.setLinks(pairs, of: container)
        case .servers(let container, let resolvers): servers[container] = resolvers.isEmpty ? nil : resolvers
        case .unname(let container, let network): table.removeNames(of: container, in: network)
        case .remove(let container):
            closeSockets(of: container)
            servers[container] = nil
            closeRelays(of: container, connections: true)
            table.remove(container)
        case .upstreams(let resolvers): upstreams = resolvers
        case .list(let after): return .ok(page(after: after))
        case .shutdown:
            guard sockets.isEmpty, relays.isEmpty else { return .error(text("containers are attached")) }
            // Gone before the reply: whoever asked may start another at once.
            dns_unlink_control(path)
            close(lock)
            isEnding = true
        }
        return .ok([])
    }

    private func attach(_ container: Identifier, _ pair: Sockets) {
        sockets[container] = pair
        watch(pair.datagrams, as: .datagrams(container))
        watch(pair.streams, as: .streams(container))
    }

    /// Closes all that is held for a container.
    ///
    /// Its network namespace lives as long as a socket in it is open.
    private func closeSockets(of container: Identifier) {
        guard let pair = sockets.removeValue(forKey: container) else { return }
        drop(pair.datagrams)
        drop(pair.streams)
        for (descriptor, client) in clients where client.container == container {
            clients[descriptor] = nil
            drop(descriptor)
        }
        for (descriptor, entry) in forwarded where entry.container == container {
            forwarded[descriptor] = nil
            drop(descriptor)
        }
    }

    private func page(after: Identifier) -> [Identifier] {
        var found: [Identifier] = []
        for container in sockets.keys where precedes(after, container) { found.append(container) }
        for relay in relays.values where precedes(after, relay.container) && !found.contains(relay.container) {
            found.append(relay.container)
        }
        found.sort { precedes($0, $1) }
        return [Identifier](found.prefix(NameServiceMessage.pageLength))
    }

    private func precedes(_ left: Identifier, _ right: Identifier) -> Bool {
        left.lexicographicallyPrecedes(right)
    }

    private func closeAll(_ descriptors: [Int32]) {
        for descriptor in descriptors { close(descriptor) }
    }

    private func text(_ literal: StaticString) -> [UInt8] {
        literal.withUTF8Buffer { [UInt8]($0) }
    }
}
