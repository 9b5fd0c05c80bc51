/// A source of numbers that are the same in each run.
struct FixedNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: String) {
        state = seed.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    /// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

/// Changes inputs in the ways that break parsers.
enum Mutation {
    private static let interesting: [[UInt8]] = [
        [0], [0xff], [0x7f], [0x80], Array("-1".utf8), Array("99999999999999999999".utf8), Array("..".utf8),
        Array("/".utf8), [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0x80], Array("\r\n\r\n".utf8), Array("[[[[".utf8),
        Array("{\"a\":".utf8), Array("é".utf8), [0xed, 0xa0, 0x80], [UInt8](repeating: 0x41, count: 300),
    ]

    static func apply(to seed: [UInt8], with numbers: inout FixedNumbers) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &numbers) { change(&bytes, &numbers) }
        return bytes
    }

    private static func change(_ bytes: inout [UInt8], _ numbers: inout FixedNumbers) {
        let start = Int.random(in: 0...bytes.count, using: &numbers)
        let end = Int.random(in: start...min(bytes.count, start + 64), using: &numbers)
        switch Int.random(in: 0..<7, using: &numbers) {
        case 0 where start < bytes.count: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 1 where start < bytes.count: bytes[start] = .random(in: 0...255, using: &numbers)
        case 2: bytes.removeSubrange(start..<end)
        case 3: bytes.insert(contentsOf: Array(bytes[start..<end]), at: start)
        case 4: bytes.removeSubrange(start...)
        case 5: bytes.insert(contentsOf: interesting.randomElement(using: &numbers) ?? [], at: start)
        default:
            let new = interesting.randomElement(using: &numbers) ?? []
            bytes.replaceSubrange(start..<min(bytes.count, start + new.count), with: new)
        }
    }
}
