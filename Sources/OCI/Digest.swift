/// A content digest, such as `sha256:` and 64 hexadecimal digits.
///
/// Source: OCI image specification, descriptor.md, "Digests". Only the two registered algorithms are accepted, because
/// an unknown one could not be verified.
package struct Digest: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// A registered hash algorithm.
    package enum Algorithm: String, Sendable, Hashable, CaseIterable {
        case sha256
        case sha512

        /// Hexadecimal digits in a digest of this algorithm.
        package var hexLength: Int {
            switch self {
            case .sha256: 64
            case .sha512: 128
            }
        }
    }

    /// The algorithm that made the digest.
    package let algorithm: Algorithm

    /// The digest in lower-case hexadecimal digits.
    package let hex: String

    /// Reads `algorithm:hex`; nil when the text is no registered, complete, lower-case digest.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"),
            let algorithm = Algorithm(rawValue: String(text[..<colon]))
        else { return nil }
        self.init(algorithm: algorithm, hex: text[text.index(after: colon)...])
    }

    /// Makes a digest of its algorithm and hexadecimal digits; nil when the digits do not fit the algorithm.
    package init?(algorithm: Algorithm, hex: some StringProtocol) {
        guard hex.utf8.count == algorithm.hexLength, hex.utf8.allSatisfy(Self.isLowerHex) else { return nil }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    /// Makes a SHA-256 digest of its 64 hexadecimal digits.
    package init?(sha256Hex hex: some StringProtocol) {
        self.init(algorithm: .sha256, hex: hex)
    }

    /// The first 12 digits, as Docker shows an id.
    package var shortHex: String { String(hex.prefix(12)) }

    package var description: String { algorithm.rawValue + ":" + hex }

    package static func < (left: Digest, right: Digest) -> Bool {
        (left.algorithm.rawValue, left.hex) < (right.algorithm.rawValue, right.hex)
    }

    static func isLowerHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
