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
    /// Whether the connections to the daemon let nothing through that changes something (`--dry-run`).
    var isDryRun = false

    /// A connection to the daemon, started when none answers and we may start one.
    func daemon() async throws -> DaemonClient {
        var daemon = try await DaemonLauncher(location: location).connect()
        daemon.onlyLooks = isDryRun
        return daemon
    }
}

/// Where a daemon keeps its data and listens.
struct DaemonLocation: Sendable, Equatable {
    /// The data root, absolute.
    let root: String
    /// The socket's path on this host, absolute.
    let socket: String
    /// Whether the user named the socket; then no daemon is started for it.
    let socketIsGiven: Bool
    /// The daemon that the user named, here or elsewhere; nil is the one of `root`.
    ///
    /// What is wrong with the name is told by the commands that need a daemon.
    let chosen: Result<DaemonEndpoint?, Diagnostic>
    /// The version of the API to speak; nil is for the daemon to say.
    let version: String?

    /// Where the daemon that is started on demand writes.
    var log: String { root + "/run/daemon.log" }

    /// The daemon's address as users write it.
    var address: String { (try? chosen.get())?.text ?? "unix://\(socket)" }

    /// Works out the location from options first, then the environment, then the context, then the defaults.
    ///
    /// - Parameter takesHost: whether `--host` names the daemon; for the daemon itself it means places to serve on.
    init(
        arguments: ParsedArguments, environment: [String: String], workingDirectory: String, takesHost: Bool = true
    ) {
        func absolute(_ path: String) -> String {
            let joined = path.hasPrefix("/") ? path : workingDirectory + "/" + path
            return joined.count > 1 && joined.hasSuffix("/") ? String(joined.dropLast()) : joined
        }
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        root = absolute(arguments.value(of: GlobalOptions.root) ?? given("STACKCTL_ROOT") ?? "/var/lib/stackctl")
        version = given("DOCKER_API_VERSION").map { $0.hasPrefix("v") ? String($0.dropFirst()) : $0 }
        let choice = EndpointChoice(
            arguments: arguments, environment: environment, workingDirectory: workingDirectory, takesHost: takesHost)
        do throws(Diagnostic) {
            chosen = .success(try choice.endpoint())
        } catch {
            chosen = .failure(error)
        }
        if case .success(.unix(let path)) = chosen {
            socket = absolute(path)
        } else {
            socket = root + "/run/stackctl.sock"
        }
        // `DOCKER_HOST` is about other programs' daemons: ours does not listen where it points.
        socketIsGiven = choice.namesOurSocket
    }
}
