/// Bytes as the kernel takes them: a path, an argument, an environment entry.
///
/// Any bytes but NUL.
///
/// Not a `String`: file names need not be UTF-8, and the embedded interpreter has no Unicode tables.
package struct KernelString: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The bytes, without a terminating NUL.
    package var bytes: [UInt8]

    /// The UTF-8 bytes of a text.
    ///
    /// A NUL inside is kept, and refused by the decoder of the program.
    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(stringLiteral value: StaticString) {
        bytes = value.withUTF8Buffer { Array($0) }
    }

    /// Whether there are no bytes.
    package var isEmpty: Bool { bytes.isEmpty }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes.count)
        for byte in bytes { hasher.combine(byte) }
    }
}
