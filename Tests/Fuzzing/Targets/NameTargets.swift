import Networking

extension FuzzTarget {
    /// A packet to the name server: each reply is one to the question asked, and short enough.
    static let nameQueries = FuzzTarget("dns-query", mutations: 300) { input in
        guard case .query(let query) = DNSQuery.read(input) else { return }
        let limit = DNSResponse.datagramLimit(for: query)
        try require((512...1232).contains(limit), "limit \(limit)")
        let many = [UInt32](repeating: 0x0A01_0203, count: 200)
        for reply in [
            DNSResponse.addresses(many, to: query, limit: limit),
            DNSResponse.addresses([1], to: query, limit: DNSResponse.largestStream),
            DNSResponse.empty(.nameError, to: query), DNSResponse.truncated(query),
            DNSResponse.pointer(query.name, to: query),
        ] {
            try require(DNSResponse.isReply(reply, id: query.id, to: query), "a reply is not one to its question")
            _ = DNSResponse.isFailure(reply)
        }
        try require(DNSResponse.addresses(many, to: query, limit: limit).count <= limit, "a datagram is too long")
        _ = query.name.reverseAddress
        // Bytes of a label may be dots, which text cannot say.
        if !query.name.wire.isEmpty, let name = DNSName(text: NameServiceMessage.text(query.name)) {
            try require(
                DNSName(text: NameServiceMessage.text(name)) == name, "name \(query.name.wire) changes as text")
        }
    }

    /// What daemon and name server say to one another.
    static let nameMessages = FuzzTarget("dns-message", mutations: 200) { input in
        if let message = NameServiceMessage(decoding: input) {
            try require(NameServiceMessage(decoding: message.encoded()) == message, "message \(message)")
        }
        if let reply = NameServiceReply(decoding: input) {
            try require(NameServiceReply(decoding: reply.encoded()) == reply, "reply \(reply)")
        }
    }
}
