import Linux

/// Addresses of machines as options name them.
enum IPText {
    /// Whether it is an IPv4 or IPv6 address.
    static func isAddress(_ text: String) -> Bool { IPAddress(text) != nil }

    /// The address in its usual form.
    static func canonical(_ text: String) throws(Reason) -> String {
        guard let address = IPAddress(trimmed(text)) else {
            throw Reason("IP address is not correctly formatted: \(text)")
        }
        return address.description
    }

    /// The address of one family, as Go's flags for addresses complain.
    static func flag(_ text: String) throws(Reason) -> String {
        guard let address = IPAddress(trimmed(text)) else {
            throw Reason("invalid string being converted to IP address: \(text)")
        }
        return address.description
    }

    /// `02:42:ac:11:00:02`, `02-42-…`, `0242.ac11.0002`, in the first form; nil for anything else.
    static func hardwareAddress(_ text: String) -> String? {
        let text = trimmed(text)
        let digits: [Substring]
        if text.contains(":") {
            digits = text.split(separator: ":", omittingEmptySubsequences: false)
        } else if text.contains("-") {
            digits = text.split(separator: "-", omittingEmptySubsequences: false)
        } else {
            let groups = text.split(separator: ".", omittingEmptySubsequences: false)
            guard groups.allSatisfy({ $0.count == 4 }) else { return nil }
            digits = groups.flatMap { [$0.prefix(2), $0.suffix(2)] }
        }
        guard [6, 8, 20].contains(digits.count), digits.allSatisfy({ $0.count == 2 && $0.allSatisfy(\.isHexDigit) })
        else { return nil }
        return digits.map { $0.lowercased() }.joined(separator: ":")
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
