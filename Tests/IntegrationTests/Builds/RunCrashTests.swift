import Linux
import Testing

@Suite("Steps of a daemon that is killed", .serialized, .timeLimit(.minutes(15)))
struct RunCrashTests {
    @Test("its processes end with it, and the next one removes what is left")
    func killed() async throws {
        let lab = try ProgramLab()
        let daemon = try await lab.daemon()
        let socket = "unix://\(lab.root)/run/stackctl.sock"
        let client = try #require(["/usr/local/bin/docker", "/usr/bin/docker"].first { Files.exists($0) })
        func docker(_ arguments: String...) -> SpawnRequest {
            SpawnRequest(
                executable: .path("/bin/sh"),
                arguments: ["sh", "-c", "exec \"$@\"", "sh", client, "-H", socket] + arguments,
                environment: ["PATH=/usr/bin:/bin", "HOME=\(lab.folder)", "DOCKER_BUILDKIT=0"])
        }
        let imported = SpawnRequest(
            executable: .path("/bin/sh"),
            arguments: ["sh", "-c", "tar -C \(lab.folder)/rootfs -c . | \(client) -H \(socket) import - base"],
            environment: ["PATH=/usr/bin:/bin", "HOME=\(lab.folder)"])
        #expect(try await lab.run(imported).code == 0)
        let context = lab.folder + "/context"
        try Files.makeDirectories(context)
        try Files.write(
            context + "/Dockerfile", Array("FROM base\nRUN echo x > /x; sleep 987654\n".utf8))
        let build = try Spawn.start(docker("build", context))
        func steps() -> [String] { ((try? Files.list("\(lab.root)/builds/steps")) ?? []).map(\.name) }
        func sleepers() throws -> Int {
            try Files.list("/proc").count { entry in
                guard Int32(entry.name) != nil else { return false }
                let line = (try? Files.readText("/proc/\(entry.name)/cmdline", limit: 4_096)) ?? ""
                return line.hasPrefix("sleep") && line.contains("987654")
            }
        }
        try await lab.eventually("the step runs") { try steps().count == 1 && sleepers() == 1 }
        let id = try #require(steps().first)
        try daemon.send(9)
        _ = try await daemon.exitStatus()
        try await lab.eventually("the step's process is gone") { try sleepers() == 0 }
        _ = try await build.exitStatus()
        #expect(steps() == [id])

        let next = try await lab.daemon()
        // It listens before all is found that the other one left.
        try await lab.eventually("what is left of the step is removed") { steps() == [] }
        let groups = try CgroupHierarchy.detect().group("stackctl/build-\(id)")
        #expect(groups.directories.allSatisfy { !Files.exists($0) })
        try next.send(15)
        _ = try await next.exitStatus()
        try await lab.expectTraces([])
        try Files.removeTree(lab.folder)
    }
}
