/// An `http` or `https` address (RFC 3986), as far as registries need it.
struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// Whether it is `https`.
    let isSecure: Bool
    /// The host in lower case; an IPv6 address in brackets.
    let host: String
    let port: UInt16
    /// Path and query, beginning with `/`.
    let target: String

    static let lengthLimit = 16 * 1024

    init(isSecure: Bool, host: String, port: UInt16?, target: String = "/") {
        self.isSecure = isSecure
        self.host = host.lowercased()
        self.port = port ?? (isSecure ? 443 : 80)
        self.target = target
    }

    /// Reads an absolute address; nil when it is none, names a user, or has bytes that need escaping.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.lengthLimit, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        let isSecure: Bool
        switch text[..<colon].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: return nil
        }
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else { return nil }
        let afterSlashes = rest.dropFirst(2).prefix { $0 != "#" }
        let authority = afterSlashes.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@"), let (host, port) = Self.split(authority: authority) else { return nil }
        let target = afterSlashes[authority.endIndex...]
        self.init(
            isSecure: isSecure, host: host, port: port, target: target.hasPrefix("/") ? String(target) : "/" + target)
    }

    /// Splits `host`, `host:port`, `[v6]` or `[v6]:port`; nil when the port is no port or the host is empty.
    static func split(authority: some StringProtocol) -> (host: String, port: UInt16?)? {
        var host = String(authority)
        var port: UInt16?
        let afterAddress = host.lastIndex(of: "]").map(host.index(after:)) ?? host.startIndex
        if let colon = host[afterAddress...].lastIndex(of: ":") {
            guard let number = UInt16(host[host.index(after: colon)...]), number > 0 else { return nil }
            port = number
            host = String(host[..<colon])
        }
        let inner = host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : Substring(host)
        let isBracketed = inner.count != host.count
        let allowed = inner.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): isBracketed
            default: false
            }
        }
        return inner.isEmpty || !allowed ? nil : (host, port)
    }

    /// `host`, or `host:port` where the port is not the scheme's own.
    var authority: String { port == (isSecure ? 443 : 80) ? host : "\(host):\(port)" }

    /// Scheme and authority.
    var origin: String { (isSecure ? "https://" : "http://") + authority }

    /// The whole address.
    var text: String { origin + target }

    /// The address without its query, which may hold a signature.
    var description: String { origin + target.prefix { $0 != "?" } }

    /// Whether a secret for the one may be sent to the other.
    func hasSameOrigin(as other: WebAddress) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// The same origin with another path and query.
    func with(target: String) -> WebAddress {
        WebAddress(isSecure: isSecure, host: host, port: port, target: target)
    }

    /// What a `Location` or `Link` in a response from here means; nil when it is no address.
    func resolving(_ location: some StringProtocol) -> WebAddress? {
        if location.hasPrefix("//") { return WebAddress((isSecure ? "https:" : "http:") + location) }
        let colon = location.firstIndex(of: ":")
        let pathStart = location.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" }
        if let colon, pathStart.map({ colon < $0 }) ?? true { return WebAddress(location) }
        let relative = location.prefix { $0 != "#" }
        guard !relative.isEmpty else { return nil }
        if relative.hasPrefix("/") { return WebAddress(origin + relative) }
        let path = target.prefix { $0 != "?" }
        if relative.hasPrefix("?") { return WebAddress(origin + path + relative) }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return WebAddress(origin + folder + relative)
    }

    /// The address with one more query parameter, whose value needs no escaping beyond that of `:` and `/`.
    func adding(query name: String, _ value: String) -> WebAddress {
        with(target: target + (target.contains("?") ? "&" : "?") + name + "=" + value)
    }
}
