import Linux
import StateStore
import Synchronization
import Testing

/// The real programs on a data root of their own, in a network namespace of their own: the client, and the daemon that it
/// starts or that a test starts.
///
/// Folders of stacks lie side by side in `folder`, next to `rootfs`, which holds busybox.
final class ProgramLab: Sendable, WaitingLab {
    let folder: String
    /// The data root.
    let root: String
    /// Where stackctl, stack-init and the rest are.
    let programs: String
    /// The network namespace that is the host's to the daemon.
    let network: SharedDescriptor
    private let seenContainers = Mutex<Set<String>>([])
    private let isDown = Mutex(false)

    /// A lab whose data root is at a path in its folder.
    init(root: String = "root") throws {
        folder = try Files.temporaryDirectory(prefix: "stackctl-program-")
        self.root = "\(folder)/\(root)"
        let executable = try CurrentProcess.executablePath()
        programs = String(executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)])
        network = try Namespaces.makeNetwork().shared()
        try RouteSocket.open(in: network.raw).setLoopbackUp()
        try Self.writeRootfs(folder + "/rootfs")
    }

    /// A test that failed half-way leaves nothing either.
    deinit {
        guard !isDown.withLock({ $0 }) else { return }
        let ids = (try? everyContainer()) ?? []
        if let daemon = try? runningDaemon() { try? daemon.send(9) }
        for pid in (try? HostTraces.members(of: self, ids)) ?? [] { try? Signals.kill(pid, 9) }
        for entry in ((try? Mounts.table()) ?? []).reversed() where entry.target.hasPrefix(folder + "/") {
            _ = try? Mounts.unmountIfMounted(entry.target, [.detach])
        }
        for id in ids {
            let directories = (try? CgroupHierarchy.detect().group("stackctl/\(id)").directories) ?? []
            for directory in directories { try? Files.removeDirectory(directory) }
        }
        try? Files.removeTree(folder)
    }

    private static func writeRootfs(_ path: String) throws {
        for directory in ["bin", "etc", "tmp", "proc", "sys", "dev", "data"] {
            try Files.makeDirectories("\(path)/\(directory)")
        }
        try Files.copy("/usr/bin/busybox", to: "\(path)/bin/busybox", mode: 0o755)
        for name in ["sh", "sleep", "true", "false", "cat", "echo", "test", "ls"] {
            try Files.symlink("busybox", at: "\(path)/bin/\(name)")
        }
        try Files.write("\(path)/etc/passwd", Array("root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n".utf8))
        try Files.write("\(path)/etc/group", Array("root:x:0:\nuser:x:1000:\n".utf8))
    }

    /// Writes a stack's folder.
    func write(_ stack: String, _ manifest: String) throws {
        try Files.makeDirectories("\(folder)/\(stack)")
        try Files.write("\(folder)/\(stack)/Stack.swift", Array(manifest.utf8))
    }

    // MARK: Programs

    /// What a command printed and answered.
    struct Answer: Sendable {
        var code: Int32
        var out: String
        var error: String
        var text: String { out + error }
        /// Standard error on one line, since sentences are wrapped.
        var sentences: String { error.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    }

    /// The environment of both programs.
    func environment(_ more: [String] = []) -> [String] {
        let own = [
            "PATH=\(Environment.get("PATH") ?? "/usr/bin:/bin")", "HOME=\(folder)/home", "STACKCTL_ROOT=\(root)",
            "NO_COLOR=1",
        ]
        // Of two with one name, programs take the first.
        let names = Set(more.compactMap { $0.split(separator: "=").first })
        return own.filter { entry in entry.split(separator: "=").first.map { !names.contains($0) } ?? true } + more
    }

    /// A program in the lab's network, which is the host's to the daemon that it starts.
    func request(_ program: String, _ arguments: [String], environment more: [String] = []) -> SpawnRequest {
        SpawnRequest(
            executable: .path("/usr/bin/nsenter"),
            arguments: ["nsenter", "--net=/proc/\(CurrentProcess.pid)/fd/\(network.raw)", "--", program] + arguments,
            environment: environment(more), workingDirectory: folder)
    }

    /// Runs the client in the lab's folder.
    @discardableResult
    func stackctl(
        _ arguments: String..., environment more: [String] = [], expecting code: Int32? = 0,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let answer = try await run(request(programs + "/stackctl", arguments, environment: more), at: place)
        if let code {
            #expect(
                answer.code == code, "stackctl \(arguments.joined(separator: " ")):\n\(answer.text)",
                sourceLocation: place)
        }
        return answer
    }

    /// Runs a program to its end.
    func run(
        _ request: SpawnRequest, input: String = "", at place: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let result = try await Spawn.run(request, input: Array(input.utf8), timeout: .seconds(300))
        let line = request.arguments.joined(separator: " ")
        #expect(!result.timedOut, "\(line) did not end", sourceLocation: place)
        return Answer(code: result.status.code, out: result.outputText, error: result.errorText)
    }

    // MARK: The daemon

    /// Starts a daemon, which may not answer yet; it may kill itself at a journaled step.
    func startDaemon(crashingAt step: Int? = nil, environment more: [String] = []) throws -> ChildProcess {
        try Spawn.start(
            request(
                programs + "/stackctl", ["daemon", "--root", root],
                environment: (step.map { ["STACKCTL_CRASH_AT=\($0)"] } ?? []) + more))
    }

    /// Starts a daemon and waits until it answers, or has ended: it may kill itself at a journaled step.
    func daemon(crashingAt step: Int? = nil, environment more: [String] = []) async throws -> ChildProcess {
        let child = try startDaemon(crashingAt: step, environment: more)
        try await eventually("the daemon listens") {
            guard let socket = try? await AsyncSocket.connect(unix: self.root + "/run/stackctl.sock") else {
                return try child.currentStatus() != nil
            }
            socket.close()
            return true
        }
        return child
    }

    /// The daemon that has the data root; `nil` where there is none.
    func runningDaemon() throws -> ProcessHandle? {
        guard let text = try? Files.readText(root + "/run/daemon.lock", limit: 64),
            let pid = Int32(text.prefix { $0.isNumber }),
            let line = try? Files.readText("/proc/\(pid)/cmdline", limit: 4096), line.contains(root)
        else { return nil }
        return try? ProcessHandle.open(pid)
    }

    /// Ends the daemon that the client started; containers go on.
    func endDaemon() async throws {
        guard let daemon = try runningDaemon() else { return }
        try daemon.send(15)
        try await EventLoop.shared.readable(daemon.raw)
    }

    // MARK: Traces

    /// Ids of all containers that the data root has ever had: the journal names each before it is made.
    func everyContainer() throws -> Set<String> {
        guard Files.exists(root + "/state.db") else { return [] }
        let found = try StateDatabase(path: root + "/state.db").read { transaction in
            try transaction.query(
                "SELECT object_id FROM journal WHERE address GLOB 'container.*' UNION SELECT id FROM containers"
            ) { (row) throws(DatabaseError) in row.text(0) }
        }
        return seenContainers.withLock { seen in
            seen.formUnion(found)
            return seen
        }
    }

    /// What the host has of the data root.
    func traces() throws -> HostTraces { try HostTraces(of: self) }

    /// Expects the host to have just this of the data root, layers of images left out unless nothing is expected.
    ///
    /// What is about to end has some time for it: the name server answers its last request before it goes.
    func expectTraces(
        _ expected: [String], _ what: String = "", at place: SourceLocation = #_sourceLocation
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var found: [String] = []
        repeat {
            // What goes between two looks at it, as a table that was listed, is looked at again.
            if let traces = try? traces() {
                found = expected.isEmpty ? traces.lines : traces.withoutLayers
                if found == expected { return }
            }
            try await EventLoop.shared.sleep(for: .milliseconds(50))
        } while ContinuousClock.now < deadline
        found = expected.isEmpty ? try traces().lines : try traces().withoutLayers
        #expect(found == expected, "\(what)", sourceLocation: place)
    }

    /// Ends the daemon, looks whether anything is left on the host, and removes the folder.
    func takeDown(at place: SourceLocation = #_sourceLocation) async throws {
        try await endDaemon()
        // One that was about to start, or has made way for another, would write on below the folder.
        try await eventually("no daemon is left", at: place) { try HostTraces.daemons(of: self).isEmpty }
        try await expectTraces([], "something is left", at: place)
        try Files.removeTree(folder)
        isDown.withLock { $0 = true }
    }
}
