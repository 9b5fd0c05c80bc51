import Diagnostics
import HTTP
import JSONText
import Linux

/// One run of a command: its arguments, where it writes, and the way to the daemon.
struct Invocation: Sendable {
    /// What the user typed.
    let arguments: ParsedArguments
    /// Where to write.
    let output: Output
    /// Where the daemon is.
    let location: DaemonLocation

    /// A connection to the daemon, started when none answers and we may start one.
    func daemon() async throws -> DaemonClient {
        try await DaemonLauncher(location: location).connect()
    }
}

/// Where a daemon keeps its data and listens.
struct DaemonLocation: Sendable, Equatable {
    /// The data root, absolute.
    let root: String
    /// The socket's path, absolute.
    let socket: String
    /// Whether the user named the socket; then no daemon is started for it.
    let socketIsGiven: Bool

    /// Where the daemon that is started on demand writes.
    var log: String { root + "/run/daemon.log" }

    /// Works out the location from options first, then the environment, then the defaults.
    ///
    /// - Parameter takesHost: whether `--host` names the daemon; for the daemon itself it means places to serve on.
    /// - Throws: a `Diagnostic` for a host that is not a unix socket.
    init(
        arguments: ParsedArguments, environment: [String: String], workingDirectory: String, takesHost: Bool = true
    ) throws(Diagnostic) {
        func absolute(_ path: String) -> String {
            let joined = path.hasPrefix("/") ? path : workingDirectory + "/" + path
            return joined.count > 1 && joined.hasSuffix("/") ? String(joined.dropLast()) : joined
        }
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        root = absolute(arguments.value(of: GlobalOptions.root) ?? given("STACKCTL_ROOT") ?? "/var/lib/stackctl")
        // A root on the command line means its own daemon, whatever the environment says.
        let fromEnvironment = arguments.value(of: GlobalOptions.root) == nil ? given("STACKCTL_SOCKET") : nil
        let named = takesHost ? arguments.value(of: GlobalOptions.host) : nil
        guard let host = named ?? fromEnvironment else {
            socket = root + "/run/stackctl.sock"
            socketIsGiven = false
            return
        }
        if host.hasPrefix("unix://") {
            socket = absolute(String(host.dropFirst("unix://".count)))
        } else if !host.contains("://") {
            socket = absolute(host)
        } else {
            throw Diagnostic(
                code: "SC0110", summary: "`\(host)` is not a unix socket",
                hint: "write `--host unix:///run/stackctl.sock`")
        }
        socketIsGiven = true
    }
}
