/// Writes replies, and judges those of other resolvers.
package enum DNSResponse {
    /// Seconds a reply may be kept.
    ///
    /// Short: a container that is made again may have another address.
    package static let timeToLive: UInt32 = 5

    /// The largest UDP reply to an asker who has not said what it takes (RFC 1035, section 4.2.1).
    package static let plainLimit = 512
    /// The largest UDP reply whatever the asker says: above it packets are fragmented.
    package static let largestDatagram = 1232

    /// The largest reply by TCP (RFC 1035, section 4.2.2).
    package static let largestStream = 65_535

    /// Bytes that a UDP reply to `query` may have.
    package static func datagramLimit(for query: borrowing DNSQuery) -> Int {
        guard let size = query.payloadSize else { return plainLimit }
        return min(max(size, plainLimit), largestDatagram)
    }

    /// A reply with the addresses of the name asked for, none being "the name exists, but not this type".
    ///
    /// - Parameter limit: bytes; a longer reply is cut to none and marked truncated, so that the asker comes by TCP.
    package static func addresses(
        _ addresses: borrowing [UInt32], to query: borrowing DNSQuery, limit: Int
    ) -> [UInt8] {
        var message = head(query, .noError, answers: addresses.count)
        for index in 0..<addresses.count {
            record(&message, DNSRecordType.a, length: 4)
            let address = addresses[index]
            for shift in [UInt32(24), 16, 8, 0] { message.append(UInt8(truncatingIfNeeded: address >> shift)) }
        }
        finish(&message, query)
        return message.count <= limit ? message : truncated(query)
    }

    /// As `addresses`, for IPv6 addresses of 16 bytes (RFC 3596).
    package static func addresses6(
        _ addresses: borrowing [[UInt8]], to query: borrowing DNSQuery, limit: Int
    ) -> [UInt8] {
        var message = head(query, .noError, answers: addresses.count)
        for index in 0..<addresses.count {
            record(&message, DNSRecordType.aaaa, length: 16)
            message += addresses[index]
        }
        finish(&message, query)
        return message.count <= limit ? message : truncated(query)
    }

    /// A reply with the name of the address asked for.
    package static func pointer(_ name: borrowing DNSName, to query: borrowing DNSQuery) -> [UInt8] {
        var message = head(query, .noError, answers: 1)
        record(&message, DNSRecordType.ptr, length: UInt16(truncatingIfNeeded: name.wire.count + 1))
        message += name.wire
        message.append(0)
        finish(&message, query)
        return message
    }

    /// A reply without records.
    package static func empty(_ code: DNSResponseCode, to query: borrowing DNSQuery) -> [UInt8] {
        var message = head(query, code, answers: 0)
        finish(&message, query)
        return message
    }

    /// True if `packet` is a reply to the question that was forwarded with `id`: anything else may be forged.
    package static func isReply(_ packet: borrowing [UInt8], id: UInt16, to query: borrowing DNSQuery) -> Bool {
        guard packet.count >= DNSQuery.headerLength, packet[2] & 0x80 != 0, DNSQuery.number(packet, 0) == id else {
            return false
        }
        // A server that cannot read the question sends none back.
        if DNSQuery.number(packet, 4) == 0 { return packet[3] & 0x0F != 0 }
        var offset = DNSQuery.headerLength
        guard DNSQuery.number(packet, 4) == 1, let name = DNSName(reading: packet, at: &offset) else { return false }
        return name == query.name && DNSQuery.number(packet, offset) == query.type
            && DNSQuery.number(packet, offset + 2) == query.recordClass
    }

    /// True if a reply says that another server might know better: it failed or refused.
    package static func isFailure(_ packet: borrowing [UInt8]) -> Bool {
        guard packet.count >= DNSQuery.headerLength else { return true }
        let code = packet[3] & 0x0F
        return code == DNSResponseCode.serverFailure.rawValue || code == DNSResponseCode.refused.rawValue
    }

    /// The same packet with another id.
    package static func renumbered(_ packet: consuming [UInt8], id: UInt16) -> [UInt8] {
        guard packet.count >= 2 else { return packet }
        packet[0] = UInt8(truncatingIfNeeded: id >> 8)
        packet[1] = UInt8(truncatingIfNeeded: id)
        return packet
    }

    /// A reply that says no more than "ask again by TCP".
    package static func truncated(_ query: borrowing DNSQuery) -> [UInt8] {
        var message = head(query, .noError, answers: 0)
        message[2] |= 0x02
        finish(&message, query)
        return message
    }

    /// Header and question.
    ///
    /// The reply is authoritative, and recursion is offered.
    private static func head(_ query: borrowing DNSQuery, _ code: DNSResponseCode, answers: Int) -> [UInt8] {
        var message: [UInt8] = []
        append(&message, query.id)
        message.append(0x84 | (query.recursionDesired ? 1 : 0))
        message.append(0x80 | code.rawValue)
        append(&message, 1)
        append(&message, UInt16(truncatingIfNeeded: answers))
        append(&message, 0)
        append(&message, query.payloadSize == nil ? 0 : 1)
        message += query.question
        return message
    }

    /// The fixed part of a record whose owner is the name asked for, at offset 12.
    private static func record(_ message: inout [UInt8], _ type: UInt16, length: UInt16) {
        append(&message, 0xC00C)
        append(&message, type)
        append(&message, 1)
        append(&message, UInt16(truncatingIfNeeded: timeToLive >> 16))
        append(&message, UInt16(truncatingIfNeeded: timeToLive))
        append(&message, length)
    }

    /// An asker that speaks EDNS gets it back (RFC 6891, section 6.1.1).
    private static func finish(_ message: inout [UInt8], _ query: borrowing DNSQuery) {
        guard query.payloadSize != nil else { return }
        message.append(0)
        append(&message, DNSRecordType.opt)
        append(&message, UInt16(largestDatagram))
        for _ in 0..<6 { message.append(0) }
    }

    private static func append(_ message: inout [UInt8], _ number: UInt16) {
        message.append(UInt8(truncatingIfNeeded: number >> 8))
        message.append(UInt8(truncatingIfNeeded: number))
    }
}
