import LaunchProgram
import Linux
import Runtime
import Testing

/// A data root with a busybox image, gone with everything in it when the body ends.
final class RuntimeLab: Sendable, WaitingLab {
    /// What these tests need of the host.
    static let isPossible = CurrentProcess.uid == 0

    /// The host's version 2 tree alone, whatever controllers it has.
    static let unifiedTree: CgroupHierarchy? = {
        guard isPossible, let mounts = try? Mounts.table() else { return nil }
        return CgroupHierarchy(mounts: mounts.filter { $0.type == "cgroup2" }, unifiedControllers: [])
    }()

    static let applets = [
        "sh", "ls", "cat", "echo", "true", "false", "sleep", "id", "mount", "umount", "head", "yes", "dd", "env",
        "hostname",
        "ps", "grep", "kill", "wc", "readlink", "stat", "seq", "tail", "touch", "mkdir", "unshare", "chroot", "tty",
        "stty",
        "nsenter", "mknod",
    ]

    let runtime: ContainerRuntime
    let folder: String
    let image: String
    let cgroup: String

    private init(cgroups: CgroupHierarchy?) throws {
        Signals.ignoreBrokenPipe()
        folder = try Files.temporaryDirectory(prefix: "runtime-lab")
        image = folder + "/image"
        cgroup = try "stackctl-test-\(Random.hex(bytes: 4))"
        runtime = try ContainerRuntime(initBinary: Self.initBinary(), cgroups: cgroups)
    }

    static func initBinary() throws -> String {
        if let path = Environment.get("STACK_INIT") { return path }
        let executable = try CurrentProcess.executablePath()
        return executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)] + "/stack-init"
    }

    /// Runs a body with a lab, and asserts afterwards that nothing is left.
    static func with(cgroups: CgroupHierarchy? = nil, _ body: (RuntimeLab) async throws -> Void) async throws {
        let lab = try RuntimeLab(cgroups: cgroups)
        do {
            try lab.makeImage()
            try await body(lab)
        } catch {
            try await lab.clean()
            throw error
        }
        try await lab.clean()
        #expect(!Files.exists(lab.folder))
        let mounts = try Mounts.table()
        #expect(!mounts.contains { $0.target.contains(lab.folder) })
    }

    private func makeImage() throws {
        for name in ["bin", "etc", "tmp", "home"] { try Files.makeDirectories(image + "/" + name) }
        try Files.copy("/bin/busybox", to: image + "/bin/busybox", mode: 0o755)
        for applet in Self.applets { try Files.symlink("busybox", at: image + "/bin/" + applet) }
        try write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nbroken line\napp:x:1000:1000::/home/app:/bin/sh\n")
        try write("/etc/group", "root:x:0:\napp:x:1000:\nvideo:x:44:other,app\n")
    }

    private func clean() async throws {
        if let names = try? Files.list(folder + "/containers") {
            for entry in names {
                try await runtime.delete(
                    directory: "\(folder)/containers/\(entry.name)", cgroupPath: "\(cgroup)/\(entry.name)")
            }
        }
        try runtime.cgroup(path: cgroup).remove()
        try Files.removeTree(folder)
    }

    /// Writes a file of the image.
    func write(_ path: String, _ text: String, mode: UInt32 = 0o644) throws {
        try Files.write(image + path, Array(text.utf8), mode: mode)
    }

    /// A container that runs these words.
    func container(_ name: String, _ command: [String]) -> ContainerConfiguration {
        var configuration = ContainerConfiguration(
            id: name, name: name, directory: "\(folder)/containers/\(name)", lowerDirectories: [image],
            process: ProcessConfiguration(arguments: command, environment: ["PATH=/bin"]),
            cgroupPath: "\(cgroup)/\(name)")
        configuration.shmSize = 1 << 20
        return configuration
    }

    /// A container that runs a shell script.
    func script(_ name: String, _ script: String) -> ContainerConfiguration {
        container(name, ["sh", "-c", script])
    }

    /// Starts a container in a network namespace of its own.
    func start(_ configuration: ContainerConfiguration) async throws -> SupervisorConnection {
        let network = try Namespaces.makeNetwork()
        let raw = network.raw
        let connection = try await runtime.start(configuration, networkNamespace: raw)
        try network.close()
        return connection
    }

    /// Runs a container to its end.
    func run(_ configuration: ContainerConfiguration) async throws -> (status: SupervisorStatus, log: [LogRecord]) {
        let connection = try await start(configuration)
        let status = await connection.waitForExit()
        connection.close()
        return (status, try log(configuration))
    }

    /// The output of a script, by stream.
    func output(_ text: String, _ change: (inout ContainerConfiguration) -> Void = { _ in }) async throws -> String {
        var configuration = try script("c\(Random.hex(bytes: 4))", text)
        change(&configuration)
        let (_, log) = try await run(configuration)
        return log.map { $0.text + ($0.isFull ? "\n" : "") }.joined()
    }

    func log(_ configuration: ContainerConfiguration) throws -> [LogRecord] {
        guard let path = configuration.log.path, Files.exists(path) else { return [] }
        return try LogRecord.parse(Files.readAll(path, limit: 512 << 20))
    }

    /// Waits until a container has written so much.
    func waitForLog(_ configuration: ContainerConfiguration, records: Int) async throws {
        for _ in 0..<3_000 {
            if try log(configuration).count >= records { return }
            try await EventLoop.shared.sleep(for: .milliseconds(20))
        }
        Issue.record("no \(records) records came")
    }

    /// Executes a script in a container.
    func exec(
        _ script: String, in connection: SupervisorConnection, _ configuration: ContainerConfiguration,
        change: (inout ExecConfiguration) -> Void = { _ in }
    ) async throws -> (code: Int32, output: String) {
        let pipe = try Pipe().separate()
        var exec = ExecConfiguration(
            process: ProcessConfiguration(arguments: ["sh", "-c", script], environment: ["PATH=/bin"]),
            containerName: configuration.name, cgroupPath: configuration.cgroupPath)
        change(&exec)
        let process = try await runtime.exec(
            exec, in: connection, streams: .descriptors(input: nil, output: pipe.writing.raw, error: pipe.writing.raw))
        let code = try await process.exitCode()
        try pipe.reading.setNonBlocking(true)
        var bytes: [UInt8] = []
        while let piece = try? pipe.reading.read(upTo: 65_536), !piece.isEmpty { bytes += piece }
        return (code, String(decoding: bytes, as: UTF8.self))
    }
}

/// A record of the log.
struct LogRecord: Equatable {
    var stream: String
    var isFull: Bool
    var text: String

    static func parse(_ bytes: [UInt8]) throws -> [LogRecord] {
        try bytes.split(separator: 0x0A).map { line in
            let words = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
            let texts = words.map { String(decoding: $0, as: UTF8.self) }
            let isRecord = texts.count == 4 && texts[0].utf8.count == 30 && Timestamp(rfc3339: texts[0]) != nil
            try #require(isRecord, "not a record: \(texts)")
            return LogRecord(stream: texts[1], isFull: texts[2] == "F", text: texts[3])
        }
    }
}
