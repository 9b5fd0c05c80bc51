import Linux

/// The records of a pax extended header that mean something here.
///
/// Source: POSIX pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files"; star's `SCHILY.xattr`.
struct PaxRecords {
    var path: [UInt8]?
    var linkPath: [UInt8]?
    var size: UInt64?
    var userID: UInt64?
    var groupID: UInt64?
    var modified: Timestamp?
    private(set) var attributes: [ExtendedAttribute] = []
    // A header of a megabyte can set the same thousand attributes over and over.
    private var attributePlaces: [String: Int] = [:]
    private var attributeBytes = 0
    var sparse = SparseRecords()

    /// GNU tar's three ways of writing a sparse file into pax records.
    struct SparseRecords {
        var major: UInt64?
        var minor: UInt64?
        var name: [UInt8]?
        var realSize: UInt64?
        /// Offsets and lengths, alternating.
        var map: [UInt64] = []

        /// Version 1.0 keeps its map in front of the data.
        var mapIsInData: Bool { major == 1 && minor == 0 }
        var isPresent: Bool { major != nil || realSize != nil || !map.isEmpty }
    }

    /// Why a header was refused.
    struct Refusal: Error {
        let reason: String
    }

    /// Adds the records of one extended header; later records replace earlier ones.
    mutating func merge(_ bytes: [UInt8], limits: TarLimits) throws(Refusal) {
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = Self.decimal(rest[rest.startIndex..<space]),
                length <= UInt64(rest.count), Int(length) > space - rest.startIndex + 2
            else { throw Refusal(reason: "its pax header has a record of a wrong length") }
            let record = rest[space + 1..<rest.startIndex + Int(length)]
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw Refusal(reason: "its pax header has a record without `=` or line end")
            }
            let key = String(decoding: record[record.startIndex..<equals], as: UTF8.self)
            try set(key, Array(record[equals + 1..<record.endIndex - 1]), limits: limits)
            rest = rest[(rest.startIndex + Int(length))...]
        }
    }

    private mutating func set(_ key: String, _ value: [UInt8], limits: TarLimits) throws(Refusal) {
        switch key {
        case "path": path = value.isEmpty ? nil : value
        case "linkpath": linkPath = value.isEmpty ? nil : value
        case "size": size = try Self.number(key, value)
        case "uid": userID = try Self.number(key, value)
        case "gid": groupID = try Self.number(key, value)
        case "mtime": modified = try Self.time(value)
        case _ where key.hasPrefix("GNU.sparse."): try setSparse(key, value, limits: limits)
        case _ where key.hasPrefix("SCHILY.xattr."):
            try setAttribute(String(key.dropFirst("SCHILY.xattr.".count)), value, limits: limits)
        default: break
        }
    }

    private mutating func setAttribute(_ name: String, _ value: [UInt8], limits: TarLimits) throws(Refusal) {
        guard !name.isEmpty, name.utf8.count <= 255 else {
            throw Refusal(reason: "an extended attribute's name is empty or over 255 bytes")
        }
        attributeBytes += value.count
        if let place = attributePlaces[name] {
            attributeBytes -= attributes[place].value.count
            attributes[place].value = value
        } else {
            attributeBytes += name.utf8.count
            attributePlaces[name] = attributes.count
            attributes.append(ExtendedAttribute(name: name, value: value))
        }
        guard attributes.count <= limits.attributes else {
            throw Refusal(reason: "it has more than \(limits.attributes) extended attributes")
        }
        guard attributeBytes <= limits.attributeBytes else {
            throw Refusal(reason: "its extended attributes have more than \(limits.attributeBytes) bytes")
        }
    }

    private mutating func setSparse(_ key: String, _ value: [UInt8], limits: TarLimits) throws(Refusal) {
        switch key {
        case "GNU.sparse.major": sparse.major = try Self.number(key, value)
        case "GNU.sparse.minor": sparse.minor = try Self.number(key, value)
        case "GNU.sparse.name": sparse.name = value
        case "GNU.sparse.size", "GNU.sparse.realsize": sparse.realSize = try Self.number(key, value)
        case "GNU.sparse.offset", "GNU.sparse.numbytes":
            guard let number = try Self.number(key, value) else { return }
            sparse.map.append(number)
        case "GNU.sparse.map":
            sparse.map = []
            for part in value.split(separator: UInt8(ascii: ",")) {
                guard let number = Self.decimal(part) else { throw Refusal(reason: "its sparse map is no number list") }
                sparse.map.append(number)
            }
        default: break
        }
        guard sparse.map.count <= 2 * limits.sparseExtents else {
            throw Refusal(reason: "its sparse map has more than \(limits.sparseExtents) parts")
        }
    }

    private static func number(_ key: String, _ value: [UInt8]) throws(Refusal) -> UInt64? {
        if value.isEmpty { return nil }
        guard let number = decimal(value[...]) else { throw Refusal(reason: "`\(key)` of its pax header is no number") }
        return number
    }

    static func decimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 19 else { return nil }
        var value: UInt64 = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    /// Seconds with an optional fraction and sign, such as `-1.25`.
    static func time(_ value: [UInt8]) throws(Refusal) -> Timestamp? {
        if value.isEmpty { return nil }
        let isNegative = value.first == UInt8(ascii: "-")
        let parts = value.dropFirst(isNegative ? 1 : 0).split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, let seconds = decimal(whole), seconds < 1 << 60 else {
            throw Refusal(reason: "`mtime` of its pax header is no time")
        }
        var nanoseconds: Int32 = 0
        if parts.count > 1, let fraction = parts.last {
            var scale: Int32 = 100_000_000
            for byte in fraction {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                    throw Refusal(reason: "`mtime` of its pax header is no time")
                }
                nanoseconds += Int32(byte - UInt8(ascii: "0")) * scale
                scale /= 10
            }
        }
        guard isNegative else { return Timestamp(seconds: Int64(seconds), nanoseconds: nanoseconds) }
        // Nanoseconds count forward from the second below, so -1.25 is second -2 and 750 ms.
        return nanoseconds == 0
            ? Timestamp(seconds: -Int64(seconds))
            : Timestamp(seconds: -Int64(seconds) - 1, nanoseconds: 1_000_000_000 - nanoseconds)
    }
}
