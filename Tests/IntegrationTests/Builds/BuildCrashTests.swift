import ImageStore
import Linux
import StateStore
import Testing

@Suite("A daemon that is killed while it builds", .serialized, .timeLimit(.minutes(20)))
struct BuildCrashTests {
    /// More places than a build of three layers comes by.
    private static let bound = 80

    private static let dockerfile = """
        FROM scratch
        COPY rootfs /
        RUN echo one > /one
        RUN echo two > /two
        """

    private func lab() throws -> ProgramLab {
        let lab = try ProgramLab()
        try Files.makeDirectories(lab.folder + "/context")
        try Files.rename(lab.folder + "/rootfs", to: lab.folder + "/context/rootfs")
        try Files.write(lab.folder + "/context/Dockerfile", Array(Self.dockerfile.utf8))
        return lab
    }

    private func end(_ daemon: ChildProcess) async throws {
        try daemon.send(15)
        _ = try await daemon.exitStatus()
    }

    private func expectWhole(_ lab: ProgramLab, _ what: String) async throws {
        let database = try StateDatabase(path: lab.root + "/state.db")
        let store = try ImageStore(root: lab.root, database: database)
        #expect(store.recoveryNotes.isEmpty, "\(what)")
        #expect(try await store.verify().isEmpty, "\(what)")
        #expect(!Files.exists(lab.root + "/layers/.incoming"), "\(what)")
        let (results, layers) = try database.read { tables in (try tables.buildCache(), try tables.layers()) }
        let known = Set(layers.map(\.diffID))
        #expect(results.allSatisfy { $0.layer.map(known.contains) ?? true }, "\(what)")
    }

    @Test("kill -9 at every change of the store: it opens whole, no half result is found, and the next build works")
    func everyStep() async throws {
        let lab = try lab()
        var step = 1
        while step < Self.bound {
            let doomed = try await lab.daemon(environment: ["STACKCTL_CRASH_AT_STORE=\(step)"])
            let answer = try await lab.stackctl("build", "-q", "-t", "demo:1", "context", expecting: nil)
            // What it does behind its answers, and at its end, comes by places too.
            try? doomed.send(15)
            let code = try await doomed.exitStatus().code
            let wasHit = code == 137
            #expect(wasHit || code == 0 && answer.code == 0, "step \(step): \(code) \(answer.text)")
            try await expectWhole(lab, "step \(step)")
            let daemon = try await lab.daemon()
            try await lab.stackctl("build", "-q", "-t", "demo:1", "context")
            #expect(
                try await lab.stackctl("run", "--rm", "demo:1", "cat", "/one", "/two").out == "one\ntwo\n",
                "step \(step)")
            try await lab.stackctl("image", "rm", "demo:1")
            try await lab.stackctl("builder", "prune", "-a", "-f")
            try await end(daemon)
            if !wasHit { break }
            step += 1
        }
        #expect((12..<Self.bound).contains(step))
        try await lab.takeDown()
    }

    @Test("kill -9 while a step runs: the next daemon removes what it left, and finds the steps before it")
    func runningStep() async throws {
        let lab = try lab()
        // Other tests sleep too.
        let seconds = 1_000_000 + Int(CurrentProcess.pid)
        try Files.write(
            lab.folder + "/context/Dockerfile",
            Array((Self.dockerfile + "\nRUN echo going; sleep \(seconds)\n").utf8))
        let doomed = try await lab.daemon()
        let build = try Spawn.start(lab.request(lab.programs + "/stackctl", ["build", "-q", "context"]))
        let steps = lab.root + "/builds/steps"
        try await lab.eventually("the last step runs") {
            let programs = try Files.list("/proc").map(\.name).filter { Int32($0) != nil }.compactMap { pid in
                try? Files.readText("/proc/\(pid)/cmdline", limit: 4096)
            }
            return programs.contains { $0.hasPrefix("sleep\u{0}\(seconds)\u{0}") }
        }
        // A step's result follows its layer to the disk, and nobody waits for it.
        try await lab.eventually("the three steps before it are taken down") {
            let results = try? StateDatabase(path: lab.root + "/state.db").read { tables in try tables.buildCache() }
            return (results?.count ?? 0) >= 3
        }
        try doomed.send(9)
        _ = try await doomed.exitStatus()
        _ = try await build.exitStatus()
        let daemon = try await lab.daemon()
        try await lab.eventually("what was left is removed") { try Files.list(steps).isEmpty }
        try Files.write(lab.folder + "/context/Dockerfile", Array(Self.dockerfile.utf8))
        let answer = try await lab.stackctl("build", "--progress", "plain", "context")
        #expect(answer.text.contains("CACHED"), "\(answer.text)")
        try await end(daemon)
        try await expectWhole(lab, "after the restart")
        try await lab.takeDown()
    }
}
