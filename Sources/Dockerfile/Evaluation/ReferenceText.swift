/// References of images, as far as their form goes.
///
/// Source: distribution/reference, `ParseNormalizedNamed`.
enum ReferenceText {
    /// What is wrong with a reference, in the words Docker has; nil where nothing is.
    static func problem(_ text: String) -> String? {
        if text.utf8.count == 64, text.utf8.allSatisfy(isHexadecimal) {
            return "invalid repository name (\(text)), cannot specify 64-byte hexadecimal strings"
        }
        var name = Array(text.utf8)[...]
        if let at = name.firstIndex(of: UInt8(ascii: "@")) {
            guard isDigest(name[(at + 1)...]) else { return "invalid reference format" }
            name = name[..<at]
        }
        if let colon = name.lastIndex(of: UInt8(ascii: ":")), !name[colon...].contains(UInt8(ascii: "/")) {
            guard isTag(name[(colon + 1)...]) else { return "invalid reference format" }
            name = name[..<colon]
        }
        var parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if parts.count > 1, let host = parts.first, isHost(host) { parts.removeFirst() }
        if parts.contains(where: { $0.contains { (0x41...0x5A).contains($0) } }) {
            let shown = parts.count == 1 ? "library/\(parts[0].text)" : parts.map(\.text).joined(separator: "/")
            return "invalid reference format: repository name (\(shown)) must be lowercase"
        }
        guard !parts.isEmpty, parts.allSatisfy(isComponent) else { return "invalid reference format" }
        return nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "_")
    }

    /// The first part is a registry where it has a dot, a port or capitals, or is localhost.
    private static func isHost(_ part: ArraySlice<UInt8>) -> Bool {
        part.contains(UInt8(ascii: ".")) || part.contains(UInt8(ascii: ":")) || part.elementsEqual("localhost".utf8)
            || part.contains { (0x41...0x5A).contains($0) }
    }

    private static func isTag(_ tag: ArraySlice<UInt8>) -> Bool {
        guard let first = tag.first, isWord(first), tag.count <= 128 else { return false }
        return tag.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isDigest(_ digest: ArraySlice<UInt8>) -> Bool {
        guard let colon = digest.firstIndex(of: UInt8(ascii: ":")), colon > digest.startIndex else { return false }
        let value = digest[(colon + 1)...]
        return value.count >= 32
            && value.allSatisfy { isHexadecimal($0) || (0x41...0x46).contains($0) }
    }

    /// Letters and digits, parted by a dot, one or two underscores, or dashes.
    private static func isComponent(_ part: ArraySlice<UInt8>) -> Bool {
        guard let first = part.first, let last = part.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
            return false
        }
        return part.split(whereSeparator: isLowerOrDigit).allSatisfy { gap in
            gap.elementsEqual(".".utf8) || gap.elementsEqual("_".utf8) || gap.elementsEqual("__".utf8)
                || gap.allSatisfy { $0 == UInt8(ascii: "-") }
        }
    }
}
