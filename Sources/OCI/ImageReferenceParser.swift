/// Splits a reference by Docker's rules and checks each part against the grammar.
struct ImageReferenceParser {
    let text: String

    /// The longest repository name, registry included.
    static let nameLimit = 255

    func parse() throws(ImageReferenceError) -> ImageReference {
        guard !text.isEmpty else { throw .empty }
        guard !(text.utf8.count == 64 && text.utf8.allSatisfy(Digest.isLowerHex)) else {
            throw .looksLikeIdentifier(text)
        }
        let (beforeDigest, digest) = try splitDigest(text[...])
        let (name, tag) = try splitTag(beforeDigest)
        let (domain, path) = splitDomain(name)
        guard Self.isDomain(domain) else { throw .badDomain(domain) }
        guard Self.isPath(path) else {
            throw path.contains(where: \.isUppercase) ? .upperCase(path) : .badPath(path)
        }
        let length = domain.utf8.count + 1 + path.utf8.count
        guard length <= Self.nameLimit else { throw .tooLong(length) }
        return ImageReference(domain: domain, path: path, tag: tag, digest: digest)
    }

    private func splitDigest(_ text: Substring) throws(ImageReferenceError) -> (Substring, Digest?) {
        guard let at = text.firstIndex(of: "@") else { return (text, nil) }
        let written = text[text.index(after: at)...]
        guard let digest = Digest(written) else { throw .badDigest(String(written)) }
        return (text[..<at], digest)
    }

    /// A colon after the last slash starts the tag; one before it belongs to the registry's port.
    private func splitTag(_ text: Substring) throws(ImageReferenceError) -> (Substring, String?) {
        let lastComponent = text.lastIndex(of: "/").map { text.index(after: $0) } ?? text.startIndex
        guard let colon = text[lastComponent...].firstIndex(of: ":") else { return (text, nil) }
        let tag = String(text[text.index(after: colon)...])
        guard Self.isTag(tag) else { throw .badTag(tag) }
        return (text[..<colon], tag)
    }

    private func splitDomain(_ name: Substring) -> (domain: String, path: String) {
        var domain = ImageReference.defaultDomain
        var path = String(name)
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            if Self.isRegistry(first) {
                domain = first == "index.docker.io" ? ImageReference.defaultDomain : String(first)
                path = String(name[name.index(after: slash)...])
            }
        }
        if domain == ImageReference.defaultDomain, !path.contains("/") {
            path = "library/" + path
        }
        return (domain, path)
    }
}

extension ImageReferenceParser {
    /// Whether the first component of a name is a registry, by Docker's rule.
    static func isRegistry(_ component: Substring) -> Bool {
        component.contains(".") || component.contains(":") || component == "localhost"
            || component.contains(where: \.isUppercase)
    }

    /// Matches `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
    static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        return isWord(first)
            && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// Components of lower-case letters and digits, separated by `.`, `_`, `__` or any number of `-`.
    static func isPath(_ text: String) -> Bool {
        let components = text.split(separator: "/", omittingEmptySubsequences: false)
        return components.allSatisfy { isPathComponent(Array($0.utf8)) }
    }

    private static func isPathComponent(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerAlphanumeric(first), isLowerAlphanumeric(last)
        else {
            return false
        }
        var separator: [UInt8] = []
        for byte in bytes {
            if isLowerAlphanumeric(byte) {
                guard isSeparator(separator) else { return false }
                separator.removeAll(keepingCapacity: true)
            } else {
                separator.append(byte)
            }
        }
        return true
    }

    private static func isSeparator(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return true }
        switch first {
        case UInt8(ascii: "."): return bytes.count == 1
        case UInt8(ascii: "_"): return bytes.count <= 2 && bytes.allSatisfy { $0 == first }
        case UInt8(ascii: "-"): return bytes.allSatisfy { $0 == first }
        default: return false
        }
    }

    /// A host name, an IPv4 address or a bracketed IPv6 address, with an optional port.
    static func isDomain(_ text: String) -> Bool {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { return false }
            let address = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            let isAddress =
                address.utf8.contains(UInt8(ascii: ":"))
                && address.utf8.allSatisfy { isHex($0) || $0 == UInt8(ascii: ":") }
            return isAddress && (rest.isEmpty || isPort(rest))
        }
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let port = text[colon...]
        let labels = text[..<colon].split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { isDomainLabel(Array($0.utf8)) } && (port.isEmpty || isPort(port))
    }

    private static func isDomainLabel(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// A colon and digits.
    private static func isPort(_ text: Substring) -> Bool {
        let digits = text.dropFirst()
        return text.hasPrefix(":") && !digits.isEmpty && digits.utf8.count <= 5 && digits.utf8.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isHex(_ byte: UInt8) -> Bool {
        Digest.isLowerHex(byte) || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"))
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z"))
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
    }

    private static func isWord(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == UInt8(ascii: "_") }
}
