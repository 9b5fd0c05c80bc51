import CCrypto

/// A checksum of a stream, by which damage of a file is found: far cheaper than SHA-256, and no proof against malice.
///
/// Source: the XXH64 algorithm, xxHash specification 0.1.1, with seed 0.
struct XXHash64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
    private static let stripe = 32

    private var lanes = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
    private var pending: [UInt8] = []
    private var length: UInt64 = 0

    init() {
        pending.reserveCapacity(Self.stripe)
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        length &+= UInt64(bytes.count)
        var rest = bytes
        if !pending.isEmpty {
            let count = min(Self.stripe - pending.count, rest.count)
            pending.append(contentsOf: rest.prefix(count))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            guard pending.count == Self.stripe else { return }
            pending.withUnsafeBytes { Self.absorb($0, into: &lanes) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = rest.count / Self.stripe * Self.stripe
        Self.absorb(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)), into: &lanes)
        pending.append(contentsOf: rest.dropFirst(whole))
    }

    /// Takes in whole stripes.
    private static func absorb(_ stripes: UnsafeRawBufferPointer, into lanes: inout [UInt64]) {
        guard let base = stripes.baseAddress, !stripes.isEmpty else { return }
        xxh64_absorb(&lanes, base, stripes.count / stripe)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }

    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotate(lane &+ word &* prime2, 31) &* prime1
    }

    /// The checksum of everything so far.
    var value: UInt64 {
        var hash = lanes[2] &+ Self.prime5
        if length >= UInt64(Self.stripe) {
            hash = Self.rotate(lanes[0], 1) &+ Self.rotate(lanes[1], 7)
            hash = hash &+ Self.rotate(lanes[2], 12) &+ Self.rotate(lanes[3], 18)
            for index in 0..<4 {
                hash = (hash ^ Self.round(0, lanes[index])) &* Self.prime1 &+ Self.prime4
            }
        }
        hash = hash &+ length
        pending.withUnsafeBytes { hash = Self.finish(hash, $0) }
        hash = (hash ^ hash >> 33) &* Self.prime2
        hash = (hash ^ hash >> 29) &* Self.prime3
        return hash ^ hash >> 32
    }

    private static func finish(_ start: UInt64, _ rest: UnsafeRawBufferPointer) -> UInt64 {
        var hash = start
        var offset = 0
        while rest.count - offset >= 8 {
            hash = rotate(hash ^ round(0, word(rest, offset)), 27) &* prime1 &+ prime4
            offset += 8
        }
        if rest.count - offset >= 4 {
            let half = UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            hash = rotate(hash ^ UInt64(half) &* prime1, 23) &* prime2 &+ prime3
            offset += 4
        }
        for byte in rest[offset...] {
            hash = rotate(hash ^ UInt64(byte) &* prime5, 11) &* prime1
        }
        return hash
    }

    /// The checksum as 16 hexadecimal digits.
    var hex: String {
        SHA256.hex((0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * UInt64($0))) })
    }
}
