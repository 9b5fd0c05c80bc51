/// Builds one netlink message (netlink(7)): header, a family's fixed part, attributes that may nest.
struct NetlinkMessage {
    /// The message so far; numbers are in the machine's order.
    private(set) var bytes: [UInt8]

    /// Starts a message.
    ///
    /// Length, sequence and port are filled in by `finished`.
    init(type: UInt16, flags: UInt16) {
        bytes = [UInt8](repeating: 0, count: 16)
        Self.store(type, &bytes, 4)
        Self.store(flags, &bytes, 6)
    }

    /// Appends part of the fixed header.
    mutating func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    /// Appends an attribute with these bytes.
    mutating func attribute(_ type: Int, _ payload: [UInt8]) {
        // Longer cannot be said in the 16 bits of its length; the kernel knows no such attribute.
        let payload = payload.prefix(Int(UInt16.max) - 8)
        append(UInt16(4 + payload.count))
        append(UInt16(truncatingIfNeeded: type))
        bytes.append(contentsOf: payload)
        pad()
    }

    /// Appends a number.
    mutating func attribute(_ type: Int, _ value: some FixedWidthInteger) {
        attribute(type, withUnsafeBytes(of: value) { Array($0) })
    }

    /// Appends text with its NUL.
    mutating func attribute(_ type: Int, _ text: String) {
        attribute(type, Array(text.utf8) + [0])
    }

    /// Appends an attribute whose content is what `body` appends.
    mutating func nested(_ type: Int, _ body: (inout NetlinkMessage) -> Void) {
        let start = bytes.count
        append(UInt16(0))
        append(UInt16(truncatingIfNeeded: type) | 0x8000)  // NLA_F_NESTED
        body(&self)
        Self.store(UInt16(truncatingIfNeeded: bytes.count - start), &bytes, start)
        pad()
    }

    /// The message as it is sent.
    func finished(sequence: UInt32, port: UInt32) -> [UInt8] {
        var result = bytes
        Self.store(UInt32(truncatingIfNeeded: result.count), &result, 0)
        Self.store(sequence, &result, 8)
        Self.store(port, &result, 12)
        return result
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    private static func store(_ value: some FixedWidthInteger, _ bytes: inout [UInt8], _ offset: Int) {
        withUnsafeBytes(of: value) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }
}

/// A message the kernel sent.
struct NetlinkAnswer {
    var type: UInt16
    var flags: UInt16
    var sequence: UInt32
    var port: UInt32
    /// What follows the 16 bytes of the header.
    var payload: ArraySlice<UInt8>

    /// The messages of one datagram; what does not parse ends the list.
    static func parse(_ bytes: [UInt8]) -> [NetlinkAnswer] {
        var answers: [NetlinkAnswer] = []
        var rest = bytes[...]
        while let length = rest.integer(UInt32.self, at: 0), length >= 16, Int(length) <= rest.count,
            let type = rest.integer(UInt16.self, at: 4), let flags = rest.integer(UInt16.self, at: 6),
            let sequence = rest.integer(UInt32.self, at: 8), let port = rest.integer(UInt32.self, at: 12)
        {
            let payload = rest.prefix(Int(length)).dropFirst(16)
            answers.append(
                NetlinkAnswer(type: type, flags: flags, sequence: sequence, port: port, payload: payload))
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
        return answers
    }
}

/// Attributes by type; a later one of a type wins.
struct NetlinkAttributes {
    private var values: [(type: UInt16, bytes: ArraySlice<UInt8>)] = []

    /// Reads attributes to the end of the bytes; what does not parse ends them.
    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let length = rest.integer(UInt16.self, at: 0), length >= 4, Int(length) <= rest.count,
            let type = rest.integer(UInt16.self, at: 2)
        {
            values.append((type & 0x3fff, rest.prefix(Int(length)).dropFirst(4)))
            rest = rest.dropFirst((Int(length) + 3) & ~3)
        }
    }

    subscript(_ type: Int) -> ArraySlice<UInt8>? { values.last { $0.type == type }?.bytes }

    func number(_ type: Int) -> UInt32? { self[type]?.integer(UInt32.self, at: 0) }

    func signed(_ type: Int) -> Int32? { self[type]?.integer(Int32.self, at: 0) }

    func text(_ type: Int) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func nested(_ type: Int) -> NetlinkAttributes? { self[type].map(NetlinkAttributes.init) }
}

extension ArraySlice<UInt8> {
    /// A number in the machine's order at an offset; nil beyond the end.
    func integer<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number? {
        let size = MemoryLayout<Number>.size
        guard offset >= 0, offset + size <= count else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
