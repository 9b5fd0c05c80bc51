import Engine
import EngineAPI
import ImageStore
import Linux
import Networking
import OCI
import StateStore
import Testing

/// A daemon on a data root of its own, with an image of busybox, driven by the stock `docker` client.
final class EngineLab: Sendable, WaitingLab {
    let root: String
    private let running: Running

    private actor Running {
        var server: EngineServer?
        var task: Task<Void, any Error>?

        func set(_ server: EngineServer?, _ task: Task<Void, any Error>?) {
            self.server = server
            self.task = task
        }
    }

    /// Starts the daemon and imports the image.
    init() async throws {
        root = try Files.temporaryDirectory(prefix: "stackctl-engine-")
        running = Running()
        try await start()
        let rootfs = root + "/rootfs"
        try await Self.writeRootfs(rootfs)
        var changes = ConfigurationChanges()
        changes.command = ["sh"]
        changes.env = ["FROM_IMAGE": "yes"]
        _ = try await engine.images.importDirectory(
            path: rootfs, reference: try ImageReference("busybox").withDefaultTag, changes: changes, progress: nil)
    }

    var engine: HostEngine {
        get async throws { try #require(await running.server).engine }
    }

    /// Starts a daemon on the root, as after a restart.
    func start() async throws {
        let executable = try CurrentProcess.executablePath()
        let folder = executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)]
        let server = try await EngineServer(
            EngineConfiguration(root: root, initBinary: "\(folder)/stack-init"), providers: { _ in [] },
            log: { _ in })
        let (ready, signal) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            defer { signal.finish() }
            try await server.run(handlesSignals: false) { signal.finish() }
        }
        for await _ in ready {}
        await running.set(server, task)
    }

    /// Ends the daemon; containers go on.
    func stop() async throws {
        let task = await running.task
        task?.cancel()
        try await task?.value
        await running.set(nil, nil)
    }

    /// Changes what the stopped daemon has written down.
    func changeDatabase(_ body: (borrowing WriteTransaction) throws -> Void) throws {
        let database = try StateDatabase(path: root + "/state.db")
        try database.write(body)
    }

    /// Removes everything, ends the daemon and looks whether something is left.
    func takeDown() async throws {
        let engine = try await engine
        let containers = engine.containers.all
        for container in containers { try await engine.remove(container, force: true, volumes: true) }
        let directories = try containers.flatMap {
            try CgroupHierarchy.detect().group("stackctl/\($0.id)").directories
        }
        for network in try await engine.networks.networks() where network.name != HostEngine.defaultNetworkName {
            try await engine.removeNetwork(network.id)
        }
        try await stop()
        try await eventually("no control group is left") { !directories.contains { Files.exists($0) } }
        try await eventually("no mount is left") {
            try !Mounts.table().contains { $0.target.hasPrefix(root + "/") }
        }
        // The name server answers its last request before it ends.
        try await eventually("no process is left") { try Self.processes(naming: root) == [] }
        #expect(try Files.list(root + "/containers").isEmpty)
        try Files.removeTree(root)
    }

    private static func processes(naming text: String) throws -> [String] {
        try Files.list("/proc").compactMap { entry in
            guard Int32(entry.name) != nil, entry.name != "\(CurrentProcess.pid)" else { return nil }
            let line = (try? Files.readText("/proc/\(entry.name)/cmdline", limit: 65536)) ?? ""
            return line.contains(text) ? "\(entry.name) \(line)" : nil
        }
    }

    private static func writeRootfs(_ path: String) async throws {
        for directory in ["bin", "etc", "tmp", "proc", "sys", "dev", "www", "data/seed", "root"] {
            try Files.makeDirectories("\(path)/\(directory)")
        }
        try Files.copy("/usr/bin/busybox", to: "\(path)/bin/busybox", mode: 0o755)
        let list = try await Spawn.run(SpawnRequest("/usr/bin/busybox", ["--list"]))
        let names = list.outputText.split(separator: "\n").map { String($0) }
        for name in names where name != "busybox" { try Files.symlink("busybox", at: "\(path)/bin/\(name)") }
        try Files.write("\(path)/etc/passwd", Array("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n".utf8))
        try Files.write("\(path)/etc/group", Array("root:x:0:\nuser:x:1000:\nstaff:x:50:user\n".utf8))
        try Files.write("\(path)/www/index.html", Array("hello from busybox\n".utf8))
        try Files.write("\(path)/data/seed/file", Array("from the image\n".utf8))
    }

    /// What a command of the client printed.
    struct Output {
        var code: Int32
        var out: String
        var error: String
        /// Standard error on one line, since sentences are wrapped.
        var sentences: String { error.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        var line: String { out.split(separator: "\n").first.map(String.init) ?? "" }
    }

    /// Runs the stock client.
    @discardableResult
    func docker(_ arguments: String..., input: String = "", expecting code: Int32? = 0) async throws -> Output {
        try await docker(words: arguments, input: input, expecting: code)
    }

    /// Runs the stock client.
    @discardableResult
    func docker(words arguments: [String], input: String = "", expecting code: Int32? = 0) async throws -> Output {
        let client = try #require(["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) })
        let request = SpawnRequest(
            executable: .path(client), arguments: ["docker", "-H", "unix://\(root)/run/stackctl.sock"] + arguments,
            environment: ["PATH=/usr/bin:/bin", "HOME=\(root)"])
        let result = try await Spawn.run(request, input: Array(input.utf8), timeout: .seconds(150))
        let output = Output(code: result.status.code, out: result.outputText, error: result.errorText)
        #expect(!result.timedOut, "docker \(arguments.joined(separator: " ")) did not end")
        if let code {
            #expect(output.code == code, "docker \(arguments.joined(separator: " ")): \(output.error)")
        }
        return output
    }

    /// Runs our own client.
    @discardableResult
    func stackctl(
        _ arguments: String..., input: String = "", environment more: [String] = [], expecting code: Int32? = 0
    ) async throws -> Output {
        try await stackctl(words: arguments, input: input, environment: more, expecting: code)
    }

    /// Runs our own client.
    @discardableResult
    func stackctl(
        words arguments: [String], input: String = "", environment more: [String] = [], expecting code: Int32? = 0
    ) async throws -> Output {
        let executable = try CurrentProcess.executablePath()
        let folder = executable[..<(executable.lastIndex(of: "/") ?? executable.endIndex)]
        let request = SpawnRequest(
            executable: .path("\(folder)/stackctl"),
            arguments: ["stackctl", "-H", "unix://\(root)/run/stackctl.sock"] + arguments,
            environment: ["PATH=/usr/bin:/bin", "HOME=\(root)", "NO_COLOR=1"] + more)
        let result = try await Spawn.run(request, input: Array(input.utf8), timeout: .seconds(150))
        let output = Output(code: result.status.code, out: result.outputText, error: result.errorText)
        #expect(!result.timedOut, "stackctl \(arguments.joined(separator: " ")) did not end")
        if let code {
            #expect(output.code == code, "stackctl \(arguments.joined(separator: " ")): \(output.out)\(output.error)")
        }
        return output
    }
}
