import Diagnostics
import HTTP
import Linux
import Providers

/// Connects to a daemon that listens elsewhere than at this host's own socket.
struct DaemonConnector: Sendable {
    let endpoint: DaemonEndpoint

    /// The newest version of the API that this program was written for.
    private static let newestVersion = (major: 1, minor: 51)
    static let newestVersionText = "\(newestVersion.major).\(newestVersion.minor)"

    /// A client of the daemon, which has answered.
    ///
    /// - Parameter version: the version of the API to speak (`DOCKER_API_VERSION`); nil takes the newest both know.
    /// - Throws: a `Diagnostic` that says why it cannot be reached.
    func connect(version: String?) async throws -> DaemonClient {
        let http = try await client()
        let response: HTTPClientResponse
        do {
            response = try await http.send("GET", "/_ping")
            _ = try await response.collect(limit: 1 << 16)
        } catch {
            throw problem(error)
        }
        let agreed = version ?? DaemonConnector.agreed(response.headers["Api-Version"])
        return DaemonClient(http: http, prefix: agreed.map { "/v\($0)" } ?? "")
    }

    /// The older of the daemon's version and ours; nil where the daemon says none.
    static func agreed(_ offered: String?) -> String? {
        guard let parts = offered?.split(separator: "."), parts.count == 2, let major = Int(parts[0]),
            let minor = Int(parts[1])
        else { return nil }
        return (major, minor) < newestVersion
            ? "\(major).\(minor)" : "\(newestVersion.major).\(newestVersion.minor)"
    }

    /// A client that has not connected yet.
    private func client() async throws -> HTTPClient {
        switch endpoint {
        case .unix(let path): return .unix(path: path)
        case .ssh(let destination):
            return HTTPClient(common: ["Host": "stackctl"]) { try SSHConnection(destination) }
        case .tcp(let host, let port, let tls):
            guard let tls else {
                let addresses = try await plainAddresses(host)
                return HTTPClient(common: ["Host": "stackctl"]) {
                    try await DaemonConnector.open(addresses, port)
                }
            }
            let context: TLSContext
            do throws(TLSError) {
                context = try TLSContext(client: tls)
            } catch {
                throw Diagnostic(code: "SC0161", summary: "\(error)", hint: error.hint)
            }
            let addresses = try await DaemonConnector.addresses(host)
            return .tls(context, serverName: host, common: ["Host": "stackctl"]) {
                try await DaemonConnector.open(addresses, port)
            }
        }
    }

    /// What is said in the clear is open to everybody on the way, and the daemon's users are as good as root.
    private func plainAddresses(_ host: String) async throws -> [IPAddress] {
        let addresses = try await DaemonConnector.addresses(host)
        let isAllowed = !(Environment.get("STACKCTL_ALLOW_PLAIN_TCP") ?? "").isEmpty
        guard isAllowed || addresses.allSatisfy(DaemonConnector.isLoopback) else {
            throw Diagnostic(
                code: "SC0162", summary: "\(endpoint.text) is reached without TLS, so nothing was sent to it",
                detail: "whoever is on the way could read everything and take over the daemon's host",
                hint: "use --tlsverify or ssh://; STACKCTL_ALLOW_PLAIN_TCP=1 allows it all the same")
        }
        return addresses
    }

    private static func isLoopback(_ address: IPAddress) -> Bool {
        let bytes = address.bytes
        return address.isV4 ? bytes.first == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }

    private static func addresses(_ host: String) async throws -> [IPAddress] {
        if let address = IPAddress(host) { return [address] }
        if host == "localhost" { return [.loopback] }
        let found = await BlockingExecutor.shared.run { HostNames.addresses(of: host) }
        guard !found.isEmpty else {
            throw Diagnostic(
                code: "SC0163", summary: "there is no address for the host \(host)",
                hint: "look at its spelling, or give the address itself")
        }
        return found
    }

    private static func open(_ addresses: [IPAddress], _ port: UInt16) async throws -> AsyncSocket {
        var failure: (any Error)?
        for address in addresses {
            do {
                return try await AsyncSocket.connect(to: address, port: port)
            } catch {
                failure = error
            }
        }
        throw failure ?? SystemError(call: "connect", errno: .ENOENT)
    }

    private func problem(_ error: any Error) -> any Error {
        if let diagnostic = error as? Diagnostic { return diagnostic }
        if let error = error as? TLSError {
            return Diagnostic(
                code: "SC0161", summary: "cannot reach the daemon at \(endpoint.text): \(error)", hint: error.hint)
        }
        var detail = "\(error)"
        if case HTTPError.truncated = error { detail = "the connection was closed before there was an answer" }
        let hint: String? =
            switch endpoint {
            case .ssh(let destination):
                "does `ssh \(destination.user.map { $0 + "@" } ?? "")\(destination.host) stackctl version` work?"
            case .tcp(_, _, let tls):
                tls == nil
                    ? "is the daemon running, and does it want TLS (--tlsverify)?" : "is the daemon running there?"
            case .unix: "is the daemon running?"
            }
        return Diagnostic(
            code: "SC0113", summary: "cannot connect to the daemon at \(endpoint.text)", detail: detail, hint: hint)
    }
}
