import Linux
import Testing

/// The real programs on a data root of their own: a daemon that may kill itself at a journaled step, and the client.
struct CrashLab: Sendable {
    let folder: String
    var root: String { folder + "/root" }
    private let programs: String

    init(manifest: String = Self.manifest) throws {
        folder = try Files.temporaryDirectory(prefix: "stackctl-crash-")
        let executable = try CurrentProcess.executablePath()
        programs = String(executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)])
        for directory in ["stack", "rootfs/bin", "rootfs/etc", "rootfs/proc", "rootfs/sys", "rootfs/dev"] {
            try Files.makeDirectories("\(folder)/\(directory)")
        }
        try Files.copy("/usr/bin/busybox", to: "\(folder)/rootfs/bin/busybox", mode: 0o755)
        try Files.symlink("busybox", at: "\(folder)/rootfs/bin/sleep")
        try Files.write("\(folder)/stack/Stack.swift", Array(manifest.utf8))
    }

    static let manifest = """
        import StackDSL

        @main
        struct Crash: Stack {
            var resources: Resources {
                let lan = Network("lan")
                let data = Volume("data", content: ["a.txt": "a"])
                let image = Image("crash/busybox", rootfs: "../rootfs")
                let db = Container("db", image: image) {
                    Attach(lan)
                    Mount(data, at: "/data")
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                let web = Container("web", image: image) {
                    Attach(lan)
                    DependsOn(db)
                    Publish(18089, to: 80)
                    Limit(memory: .mebibytes(32))
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                return Resources { web }
            }
        }

        """

    private func environment(_ more: [String]) -> [String] {
        ["PATH=\(Environment.get("PATH") ?? "/usr/bin:/bin")", "HOME=\(folder)", "STACKCTL_ROOT=\(root)"] + more
    }

    /// Starts a daemon, which may not answer yet.
    func startDaemon(crashingAt step: Int? = nil) throws -> ChildProcess {
        try Spawn.start(
            SpawnRequest(
                executable: .path(programs + "/stackctl"), arguments: ["stackctl", "daemon", "--root", root],
                environment: environment(step.map { ["STACKCTL_CRASH_AT=\($0)"] } ?? [])))
    }

    /// Ends the daemon of the root, whoever started it.
    func endDaemons(_ started: ChildProcess) async throws {
        let text = try Files.readText(root + "/run/daemon.lock", limit: 64)
        let pid = try #require(Int32(text.prefix { $0 != "\n" }))
        try ProcessHandle.open(pid).send(15)
        for _ in 0..<400 {
            if let _ = try FileLock.acquire(root + "/run/daemon.lock") { break }
            try await EventLoop.shared.sleep(for: .milliseconds(25))
        }
        _ = try await started.exitStatus()
    }

    /// Starts a daemon and waits until its socket answers.
    func daemon(crashingAt step: Int? = nil) async throws -> ChildProcess {
        let child = try startDaemon(crashingAt: step)
        for _ in 0..<400 {
            if let socket = try? await AsyncSocket.connect(unix: root + "/run/stackctl.sock") {
                socket.close()
                return child
            }
            try await EventLoop.shared.sleep(for: .milliseconds(25))
        }
        Issue.record("the daemon does not listen")
        return child
    }

    /// Runs the client on the stack's folder; its exit code and what it printed.
    func stackctl(_ arguments: String...) async throws -> (code: Int32, text: String) {
        try await client(arguments + [folder + "/stack"])
    }

    /// Runs the client.
    func client(_ arguments: [String]) async throws -> (code: Int32, text: String) {
        let request = SpawnRequest(
            executable: .path(programs + "/stackctl"), arguments: ["stackctl"] + arguments,
            environment: environment([]))
        let result = try await Spawn.run(request, timeout: .seconds(60))
        #expect(!result.timedOut, "stackctl \(arguments.joined(separator: " ")) did not end")
        return (result.status.code, result.outputText + result.errorText)
    }

    /// What the host has of this data root.
    struct Traces: Sendable, Hashable {
        var containers = 0
        var cgroups = 0
        var mounts = 0
        var supervisors = 0
    }

    /// Counts it.
    func traces() throws -> Traces {
        var traces = Traces()
        let directories = (try? Files.list(root + "/containers")) ?? []
        traces.containers = directories.count
        for entry in directories where try CgroupHierarchy.detect().group("stackctl/\(entry.name)").exists {
            traces.cgroups += 1
        }
        traces.mounts = try Mounts.table().count { $0.target.hasPrefix(root + "/") }
        for entry in try Files.list("/proc") where Int32(entry.name) != nil {
            guard let line = try? Files.readText("/proc/\(entry.name)/cmdline", limit: 4096),
                line.hasPrefix("stack-init\0supervise"),
                let links = try? Files.list("/proc/\(entry.name)/fd")
            else { continue }
            let opens = links.contains { link in
                (try? Files.readLink("/proc/\(entry.name)/fd/\(link.name)"))?.hasPrefix(root + "/") ?? false
            }
            if opens { traces.supervisors += 1 }
        }
        return traces
    }

    /// Removes the folder.
    func takeDown() throws { try Files.removeTree(folder) }
}
