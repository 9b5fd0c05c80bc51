import Diagnostics
import HTTP
import Linux

/// Connects to the daemon and starts one, detached, when none answers.
struct DaemonLauncher: Sendable {
    /// Where it is, or shall be.
    let location: DaemonLocation

    /// How long a fresh daemon may take until it answers.
    private static let patience = Duration.seconds(60)

    /// A client of a daemon that answers.
    ///
    /// - Throws: a `Diagnostic` that says why none does.
    func connect() async throws -> DaemonClient {
        let chosen = try location.chosen.get()
        if let chosen, !chosen.isLocal {
            return try await DaemonConnector(endpoint: chosen).connect(version: location.version)
        }
        let client = self.client
        switch await probe() {
        case .answers: return client
        case .refusedPermission: throw permissionProblem
        case .failed(let problem):
            throw Diagnostic(
                code: "SC0112", summary: "cannot reach the daemon at \(location.socket)", detail: problem,
                hint: "name its socket with `--host unix://PATH`")
        case .nobody: break
        }
        if chosen != nil {
            throw Diagnostic(
                code: "SC0113", summary: "no daemon answers at \(location.socket)",
                hint: "start one there: `stackctl daemon --host unix://\(location.socket)`")
        }
        guard CurrentProcess.uid == 0 else {
            throw Diagnostic(
                code: "SC0114", summary: "no daemon answers at \(location.socket), and starting one takes root",
                hint: "run `sudo stackctl daemon`, or enable the service: `sudo systemctl enable --now stackctl`")
        }
        try await start()
        return client
    }

    /// A client of the daemon if one answers; none is started.
    func existing() async -> DaemonClient? {
        guard case .success(let chosen) = location.chosen else { return nil }
        if let chosen, !chosen.isLocal {
            return try? await DaemonConnector(endpoint: chosen).connect(version: location.version)
        }
        guard case .answers = await probe() else { return nil }
        return client
    }

    /// A client of the socket on this host.
    private var client: DaemonClient {
        DaemonClient(
            http: HTTPClient.unix(path: location.socket), prefix: location.version.map { "/v\($0)" } ?? "")
    }

    /// What a knock on the socket gave.
    private enum Probe {
        case answers
        case nobody
        case refusedPermission
        case failed(String)
    }

    private func probe() async -> Probe {
        do {
            let socket = try await AsyncSocket.connect(unix: location.socket)
            socket.close()
            return .answers
        } catch let error as SystemError {
            switch error.errno {
            case .ENOENT, .ECONNREFUSED, .ENOTDIR: return .nobody
            case .EACCES, .EPERM: return .refusedPermission
            default: return .failed("\(error)")
            }
        } catch {
            return .failed("\(error)")
        }
    }

    private var permissionProblem: Diagnostic {
        Diagnostic(
            code: "SC0115", summary: "you may not use the daemon's socket \(location.socket)",
            detail: "whoever may write to it is as good as root on this host, so it belongs to root",
            hint: "run the command with sudo")
    }

    private func start() async throws {
        let executable = try CurrentProcess.executablePath()
        _ = try ToolFiles.initBinary(beside: executable)
        let runDirectory = location.root + "/run"
        try prepare(runDirectory)
        // Two commands that find no daemon start one between them: the second waits, and finds the first one's.
        let turn = try await HeldFileLock.wait(for: runDirectory + "/launch.lock")
        defer { turn.release() }
        if case .answers = await probe() { return }
        let log = try Files.open(location.log, [.writeOnly, .create, .append], mode: 0o600)
        var request = SpawnRequest(
            executable: .path(executable),
            arguments: ["stackctl", "daemon", "--root", location.root],
            environment: DaemonLauncher.environment,
            descriptors: [1: log.raw, 2: log.raw])
        request.newSession = true
        request.workingDirectory = "/"
        let began = try? Files.status(location.log).size
        let child = try Spawn.start(request)
        try await waitUntilReady(child, logOffset: Int64(began ?? 0))
    }

    /// What a daemon may know of the user who happened to start it: where programs are, and the way out of the host.
    private static var environment: [String] {
        let names: Set = [
            "PATH", "TMPDIR", "LANG", "LC_ALL", "TZ", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY",
            "HTTPS_PROXY", "NO_PROXY",
        ]
        return Environment.all.filter { names.contains($0.key) }.map { "\($0.key)=\($0.value)" }.sorted()
    }

    private func prepare(_ runDirectory: String) throws {
        do {
            try Files.makeDirectories(runDirectory, mode: 0o755)
        } catch {
            throw Diagnostic(
                code: "SC0116", summary: "the data root \(location.root) cannot be made", detail: "\(error)",
                hint: "choose another with `--root DIR` or STACKCTL_ROOT")
        }
    }

    private func waitUntilReady(_ child: ChildProcess, logOffset: Int64) async throws {
        let deadline = ContinuousClock.now + DaemonLauncher.patience
        var pause = Duration.milliseconds(2)
        while ContinuousClock.now < deadline {
            if case .answers = await probe() { return }
            // One that somebody else is starting at the moment answers soon; ours has made way for it.
            guard try child.currentStatus() == nil || isRootTaken else {
                throw failure("the daemon ended while it was starting", logOffset)
            }
            try await EventLoop.shared.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
        throw failure("the daemon does not answer after \(DaemonLauncher.patience.components.seconds) s", logOffset)
    }

    /// Whether a daemon has the data root, answering or not.
    private var isRootTaken: Bool {
        get throws {
            guard let _ = try FileLock.acquire(location.root + "/run/daemon.lock") else { return true }
            return false
        }
    }

    /// The failure with the last lines that this start wrote to the log.
    private func failure(_ summary: String, _ logOffset: Int64) -> Diagnostic {
        let text = (try? Files.readText(location.log, limit: 16 * 1024 * 1024)) ?? ""
        let fresh = String(decoding: text.utf8.dropFirst(Int(logOffset)), as: UTF8.self)
        let last = fresh.split(separator: "\n").suffix(12).joined(separator: "\n")
        return Diagnostic(
            code: "SC0117", summary: summary, detail: last.isEmpty ? nil : last,
            hint: "its log is \(location.log); `stackctl daemon --root \(location.root)` runs it in the foreground")
    }
}
