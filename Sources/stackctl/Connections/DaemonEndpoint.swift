import Diagnostics
import HTTP
import Linux

/// Where a daemon listens, as `-H`, `DOCKER_HOST` and contexts name it.
enum DaemonEndpoint: Sendable, Equatable {
    /// A socket on this host, by absolute path.
    case unix(String)
    /// A port, in the clear or over TLS.
    case tcp(host: String, port: UInt16, tls: TLSClientConfiguration?)
    /// A host that is reached by the `ssh` program, which runs `system dial-stdio` there.
    case ssh(SSHDestination)

    /// The ports of Docker, plain and TLS.
    private static let ports: (plain: UInt16, tls: UInt16) = (2375, 2376)

    /// Reads `unix://PATH`, a path alone, `tcp://HOST[:PORT]`, `ssh://[USER@]HOST[:PORT][/PATH]`.
    ///
    /// - Parameter tls: how TLS is spoken if the address is one of TCP.
    /// - Throws: a `Diagnostic` (SC0110) for anything else.
    init(_ text: String, tls: TLSClientConfiguration?, workingDirectory: String) throws(Diagnostic) {
        guard let scheme = text.firstRange(of: "://") else {
            self = .unix(DaemonEndpoint.absolute(text, in: workingDirectory))
            return
        }
        let rest = String(text[scheme.upperBound...])
        switch text[..<scheme.lowerBound] {
        case "unix": self = .unix(DaemonEndpoint.absolute(rest, in: workingDirectory))
        case "tcp", "http", "https": self = try DaemonEndpoint.tcp(rest, tls: tls, whole: text)
        case "ssh": self = .ssh(try SSHDestination(rest, whole: text))
        default:
            throw Diagnostic(
                code: "SC0110", summary: "invalid bind address format: \(text)",
                hint: "write unix:///run/stackctl.sock, tcp://HOST:2376 or ssh://USER@HOST")
        }
    }

    private static func absolute(_ path: String, in directory: String) -> String {
        path.hasPrefix("/") ? path : directory + "/" + path
    }

    private static func tcp(
        _ rest: String, tls: TLSClientConfiguration?, whole: String
    ) throws(Diagnostic) -> DaemonEndpoint {
        let address = rest.prefix { $0 != "/" }
        guard let (host, port) = HostPort.split(String(address)) else {
            throw Diagnostic(
                code: "SC0110", summary: "invalid bind address format: \(whole)",
                hint: "write tcp://HOST:PORT, an IPv6 address in brackets")
        }
        return .tcp(
            host: host.isEmpty ? "127.0.0.1" : host, port: port ?? (tls == nil ? ports.plain : ports.tls), tls: tls)
    }

    /// Whether it is a socket of this host.
    var isLocal: Bool {
        if case .unix = self { true } else { false }
    }

    /// The address as users write it.
    var text: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port, _): "tcp://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .ssh(let destination): destination.text
        }
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
enum HostPort {
    /// The parts; nil for what is neither.
    static func split(_ text: String) -> (host: String, port: UInt16?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.isEmpty || rest == ":" { return (host, nil) }
            guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
            return (host, port)
        }
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        let host = String(text[..<colon])
        let digits = text[text.index(after: colon)...]
        guard !host.contains(":") else { return nil }
        if digits.isEmpty { return (host, nil) }
        return UInt16(digits).map { (host, $0) }
    }
}

/// Whom `ssh` connects to, and which daemon is meant there.
struct SSHDestination: Sendable, Equatable {
    var user: String?
    var host: String
    var port: UInt16?
    /// The socket of the daemon there; nil is the default one.
    var socket: String?

    init(_ rest: String, whole: String) throws(Diagnostic) {
        func refusal(_ why: String) -> Diagnostic {
            Diagnostic(
                code: "SC0110", summary: "ssh host is not valid: \(whole): \(why)", hint: "write ssh://USER@HOST[:PORT]"
            )
        }
        var authority = rest.prefix { $0 != "/" }
        let path = rest[authority.endIndex...]
        if path.count > 1 { socket = String(path) }
        if let at = authority.lastIndex(of: "@") {
            let name = String(authority[..<at])
            guard !name.contains(":") else { throw refusal("plain-text password is not supported") }
            guard !name.isEmpty, !name.hasPrefix("-") else { throw refusal("the user has no name") }
            user = name
            authority = authority[authority.index(after: at)...]
        }
        guard let (name, port) = HostPort.split(String(authority)), !name.isEmpty, !name.hasPrefix("-") else {
            throw refusal("no host specified")
        }
        host = name
        self.port = port
    }

    /// As users write it.
    var text: String {
        "ssh://\(user.map { $0 + "@" } ?? "")\(host.contains(":") ? "[\(host)]" : host)"
            + "\(port.map { ":\($0)" } ?? "")\(socket ?? "")"
    }

    /// The arguments of `ssh`, its own name left out.
    ///
    /// Where there is no `stackctl` on the other host, Docker's client does the same.
    var arguments: [String] {
        var words = ["-o", "ConnectTimeout=30", "-T"]
        if let user { words += ["-l", user] }
        if let port { words += ["-p", "\(port)"] }
        let host = socket.map { " --host unix://" + SSHDestination.quoted($0) } ?? ""
        let script =
            "if command -v stackctl >/dev/null 2>&1; then exec stackctl\(host) system dial-stdio; "
            + "else exec docker\(host) system dial-stdio; fi"
        return words + ["--", self.host, "sh -c " + SSHDestination.quoted(script)]
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}
