/// An amount of memory or storage, in bytes.
public struct ByteCount: Sendable, Hashable, Comparable {
    /// The amount in bytes.
    public var bytes: Int64

    /// An amount in bytes.
    public static func bytes(_ count: Int64) -> ByteCount { ByteCount(bytes: count) }

    /// An amount in units of 1024 bytes.
    public static func kibibytes(_ count: Int64) -> ByteCount { scaled(count, 10) }

    /// An amount in units of 1024² bytes.
    public static func mebibytes(_ count: Int64) -> ByteCount { scaled(count, 20) }

    /// An amount in units of 1024³ bytes.
    public static func gibibytes(_ count: Int64) -> ByteCount { scaled(count, 30) }

    /// No limit, where one can be lifted.
    public static let unlimited = ByteCount(bytes: -1)

    /// Whether the left amount is smaller.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// Reads "256MiB", "1g", "64 k" or "1048576"; units are powers of 1024, as in Docker.
    public init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        let shifts = [
            "": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20, "g": 30, "gb": 30, "gib": 30,
            "t": 40, "tb": 40, "tib": 40,
        ]
        guard let count = Int64(digits), let shift = shifts[unit] else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        self.init(bytes: bytes)
    }

    private init(bytes: Int64) { self.bytes = bytes }

    /// Too large amounts become the largest one, which the checks then refuse.
    private static func scaled(_ count: Int64, _ shift: Int64) -> ByteCount {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        return ByteCount(bytes: overflow ? (count < 0 ? .min : .max) : bytes)
    }
}

extension ByteCount: CustomStringConvertible {
    /// The amount in the largest unit that divides it: "256MiB".
    public var description: String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] where bytes != 0 {
            let size = Int64(1) << Int64(shift)
            if bytes % size == 0 { return "\(bytes / size)\(unit)" }
        }
        return "\(bytes)B"
    }
}
