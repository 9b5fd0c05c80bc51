/// Record types that are answered here (RFC 1035, section 3.2.2; RFC 3596; RFC 8482).
package enum DNSRecordType {
    package static let a: UInt16 = 1
    package static let ptr: UInt16 = 12
    package static let aaaa: UInt16 = 28
    package static let opt: UInt16 = 41
    package static let any: UInt16 = 255
}

/// Response codes (RFC 1035, section 4.1.1).
package enum DNSResponseCode: UInt8, Sendable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
}

/// A question that came from a container.
package struct DNSQuery: Sendable {
    /// The asker's number for it.
    package let id: UInt16
    /// True if the asker wants recursion.
    package let recursionDesired: Bool
    /// What is asked for, lower case.
    package let name: DNSName
    /// The record type.
    package let type: UInt16
    /// The class; 1 is the Internet.
    package let recordClass: UInt16
    /// The question's bytes as they came, letter case included: a reply repeats them (RFC 1035, section 4.1.2).
    package let question: [UInt8]
    /// The largest UDP answer that the asker takes (EDNS, RFC 6891); nil if it has not said.
    package let payloadSize: Int?

    /// The header's length in bytes.
    static let headerLength = 12

    /// What a packet turned out to be.
    package enum Reading: Sendable {
        /// A question to answer.
        case query(DNSQuery)
        /// Not a question, but its sender should hear so.
        case reject(reply: [UInt8])
        /// Not worth a reply: too short, or a reply itself.
        case ignore
    }

    /// Reads a packet.
    ///
    /// Any bytes whatever are fine.
    package static func read(_ packet: borrowing [UInt8]) -> Reading {
        guard packet.count >= headerLength else { return .ignore }
        let flags = packet[2]
        // A reply to a reply could go on for ever.
        guard flags & 0x80 == 0 else { return .ignore }
        guard flags >> 3 & 0x0F == 0 else { return .reject(reply: bareReply(to: packet, .notImplemented)) }
        var offset = headerLength
        guard number(packet, 4) == 1, number(packet, 6) == 0, number(packet, 8) == 0,
            let name = DNSName(reading: packet, at: &offset), offset + 4 <= packet.count,
            // A pointer could only lead into the header, of which the reply has another.
            offset == headerLength + name.wire.count + 1
        else { return .reject(reply: bareReply(to: packet, .formatError)) }
        let end = offset + 4
        let query = DNSQuery(
            id: number(packet, 0), recursionDesired: flags & 1 == 1, name: name, type: number(packet, offset),
            recordClass: number(packet, offset + 2), question: slice(packet, headerLength, end),
            payloadSize: payloadSize(packet, additional: number(packet, 10), at: end))
        return .query(query)
    }

    /// The sender's UDP size from the OPT record, if there is one in the additional section.
    private static func payloadSize(_ packet: borrowing [UInt8], additional: UInt16, at start: Int) -> Int? {
        var offset = start
        // More than a few additional records in a question is nobody's habit.
        for _ in 0..<min(additional, 4) {
            guard DNSName(reading: packet, at: &offset) != nil, offset + 10 <= packet.count else { return nil }
            if number(packet, offset) == DNSRecordType.opt { return Int(number(packet, offset + 2)) }
            offset += 10 + Int(number(packet, offset + 8))
        }
        return nil
    }

    /// A reply without a question section, for packets whose question could not be read.
    private static func bareReply(to packet: borrowing [UInt8], _ code: DNSResponseCode) -> [UInt8] {
        [packet[0], packet[1], 0x80 | packet[2] & 0x79, 0x80 | code.rawValue, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// The 16-bit number at `offset`; 0 past the end.
    static func number(_ bytes: borrowing [UInt8], _ offset: Int) -> UInt16 {
        guard offset >= 0, offset + 1 < bytes.count else { return 0 }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    static func slice(_ bytes: borrowing [UInt8], _ start: Int, _ end: Int) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(end - start)
        for index in start..<end { copy.append(bytes[index]) }
        return copy
    }
}
