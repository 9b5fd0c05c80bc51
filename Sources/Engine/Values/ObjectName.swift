/// Names of containers, networks and volumes: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`, at most 255 bytes.
package enum ObjectName {
    /// Whether `name` may be used.
    package static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (2...255).contains(bytes.count) || bytes.count == 1, let first = bytes.first, isAlphanumeric(first)
        else { return false }
        return bytes.dropFirst().allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// Docker's way of naming what was not named, from random bytes.
    package static func invented(_ random: [UInt8]) -> String {
        let moods = [
            "brave", "calm", "clever", "eager", "gentle", "happy", "keen", "lucid", "merry", "nimble", "patient",
            "quiet", "rapid", "serene", "tidy", "upbeat", "vivid", "warm", "witty", "zealous",
        ]
        let people = [
            "babbage", "bell", "bohr", "curie", "darwin", "euler", "fermi", "franklin", "galileo", "gauss", "goodall",
            "hopper", "johnson", "kepler", "lamarr", "liskov", "lovelace", "meitner", "noether", "turing",
        ]
        let padded = random + [0, 0, 0, 0]
        let suffix = padded[2...3].map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
        return "\(moods[Int(padded[0]) % moods.count])_\(people[Int(padded[1]) % people.count])_\(suffix)"
    }
}
