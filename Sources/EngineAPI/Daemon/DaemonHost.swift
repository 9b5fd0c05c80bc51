import Diagnostics
import Linux

/// Where the API is served: an element of `hosts`, or a `-H`.
package enum DaemonHost: Sendable, Hashable, CustomStringConvertible {
    /// A unix socket, by absolute path.
    case unix(String)
    /// A TCP port.
    case tcp(IPAddress, UInt16)
    /// The sockets that systemd opened; with a name, those of that `FileDescriptorName=`.
    case systemd(String?)

    /// Docker's ports without and with TLS.
    private static let plainPort: UInt16 = 2375
    private static let securePort: UInt16 = 2376

    /// Reads `unix:///PATH`, `tcp://ADDRESS[:PORT]`, `fd://` or `fd://NAME`.
    ///
    /// - Throws: `Diagnostic` for anything else.
    package init(_ text: String, isSecure: Bool) throws(Diagnostic) {
        func bad(_ detail: String) -> Diagnostic {
            Diagnostic(
                code: "SC5010", summary: "`\(text)` is no place to serve the API on", detail: detail,
                hint: "write unix:///run/stackctl.sock, tcp://127.0.0.1:2376 or fd://")
        }
        if text.hasPrefix("unix://") || text.hasPrefix("/") {
            let path = text.hasPrefix("/") ? text : String(text.dropFirst("unix://".count))
            guard path.hasPrefix("/"), !path.utf8.contains(0) else { throw bad("the socket's path is not absolute") }
            self = .unix(path)
            return
        }
        if text.hasPrefix("fd://") {
            let name = String(text.dropFirst("fd://".count))
            self = .systemd(name.isEmpty || name == "*" ? nil : name)
            return
        }
        guard text.hasPrefix("tcp://") else { throw bad("its scheme is none of unix, tcp and fd") }
        let (host, port) = Self.split(text.dropFirst("tcp://".count))
        let name = host == "localhost" ? "127.0.0.1" : host.isEmpty ? "0.0.0.0" : host
        guard let address = IPAddress(name) else { throw bad("`\(host)` is no address of this host") }
        guard let port else {
            self = .tcp(address, isSecure ? Self.securePort : Self.plainPort)
            return
        }
        guard let number = UInt16(port) else { throw bad("`\(port)` is no port") }
        self = .tcp(address, number)
    }

    private static func split(_ text: Substring) -> (host: String, port: String?) {
        let authority = text.prefix { $0 != "/" }
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let rest = authority[authority.index(after: end)...]
            return (String(authority.dropFirst().prefix { $0 != "]" }), rest.isEmpty ? nil : String(rest.dropFirst()))
        }
        guard let colon = authority.lastIndex(of: ":") else { return (String(authority), nil) }
        return (String(authority[..<colon]), String(authority[authority.index(after: colon)...]))
    }

    /// Whether only this host can connect.
    package var isLocal: Bool {
        switch self {
        case .unix, .systemd: true
        case .tcp(let address, _): address.isV4 ? address.bytes.first == 127 : address == IPAddress("::1")
        }
    }

    /// As it is written.
    package var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let address, let port): address.isV4 ? "tcp://\(address):\(port)" : "tcp://[\(address)]:\(port)"
        case .systemd(let name): "fd://\(name ?? "")"
        }
    }
}
