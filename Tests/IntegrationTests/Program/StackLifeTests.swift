import Linux
import Testing

@Suite("A stack through the real programs", .serialized, .timeLimit(.minutes(15)))
struct StackLifeTests {
    private static let patience = 15

    /// As the first process of its namespace `sleep` ignores SIGTERM.
    private static let stubborn = """
        import StackDSL

        @main
        struct Stubborn: Stack {
            var resources: Resources {
                let image = Image("stubborn/busybox", rootfs: "../rootfs")
                return Resources {
                    for number in 1...24 {
                        Container("c\\(number)", image: image) {
                            Command("/bin/sleep", "1000")
                            Stop(timeout: .seconds(\(patience)))
                        }
                    }
                }
            }
        }

        """

    @Test("drift --all looks at every stack; containers that ignore their stop signal are stopped together")
    func stubborn() async throws {
        let lab = try ProgramLab()
        try lab.write("stubborn", Self.stubborn)
        #expect(try await lab.stackctl("drift", "--all").text == "No stacks are applied on this host.\n")
        try await lab.stackctl("apply", "--yes", "stubborn")
        #expect(try await lab.stackctl("drift", "--all").text.hasPrefix("No drift."))
        try await lab.stackctl("kill", "stubborn-c1")
        // The end is told by the supervisor, a moment later.
        try await lab.eventually("the end is drift") {
            try await lab.stackctl("drift", "--all", expecting: nil).code == 2
        }
        let drift = try await lab.stackctl("drift", "--all", expecting: 2)
        #expect(drift.text.contains("container.c1"))
        #expect(drift.text.contains("stackctl apply \(lab.folder)/stubborn"))
        #expect(try await lab.stackctl("drift", "--all", "--json", expecting: 2).out.contains("\"failures\": []"))

        let destroy = try await lab.stackctl("destroy", "--yes", "stubborn")
        // All are being stopped before the first has gone; the one that has ended has nothing to be stopped.
        let lines = destroy.text.split(separator: "\n").filter { !$0.contains("container.c1:") }
        let stopping = lines.lastIndex { $0.contains(": stopping") } ?? lines.endIndex
        let deleted = lines.firstIndex { $0.contains(": deleted") } ?? lines.startIndex
        #expect(stopping < deleted, "\(destroy.text)")
        try await lab.takeDown()
    }

    @Test("a saved plan is recorded as its folder's, and a command that cannot read a manifest says the name would do")
    func savedPlan() async throws {
        let lab = try ProgramLab()
        try lab.write(
            "saved",
            """
            import StackDSL

            @main
            struct Saved: Stack {
                var resources: Resources { Resources { Volume("data") } }
            }

            """)
        try await lab.stackctl("plan", "--out", "saved.plan", "saved")
        let late = try await lab.stackctl("apply", "--upgrade", "saved.plan", expecting: 1)
        #expect(late.sentences.contains("--upgrade comes too late"), "\(late.text)")
        try await lab.stackctl("apply", "saved.plan")
        #expect(
            try await lab.stackctl("show", "saved", "--json").out.contains("\"origin\": \"\(lab.folder)/saved\""))
        try Files.write(lab.folder + "/saved/Stack.swift", Array("nonsense".utf8))
        let refused = try await lab.stackctl("destroy", "--yes", lab.folder + "/saved", expecting: 1)
        #expect(refused.sentences.contains("`stackctl stacks list` lists the names"), "\(refused.text)")
        // The folder is there too: by a path it is meant, by the bare name the stack.
        try Files.removeTree(lab.folder + "/saved")
        try await lab.stackctl("destroy", "--yes", "saved")
        try await lab.takeDown()
    }

    @Test("a command that comes while a daemon is starting waits for it")
    func startingDaemon() async throws {
        let lab = try ProgramLab()
        for _ in 0..<5 {
            // Whoever is first has the root; the other makes way.
            let daemon = try lab.startDaemon()
            try await lab.stackctl("ps")
            try await lab.endDaemon()
            try daemon.send(15)
            _ = try await daemon.exitStatus()
        }
        // One that was starting when the other had answered already has the root after it.
        try await lab.eventually("no daemon is left") {
            try await lab.endDaemon()
            return try Files.list("/proc").allSatisfy { entry in
                let line = try? Files.readText("/proc/\(entry.name)/cmdline", limit: 4096)
                return line.map { !$0.contains("\0daemon\0") || !$0.contains(lab.root) } ?? true
            }
        }
        try await lab.takeDown()
    }

    @Test("a port on an address that the host has not is refused by the plan, with the line that publishes it")
    func missingAddress() async throws {
        let lab = try ProgramLab()
        try lab.write(
            "nowhere",
            """
            import StackDSL

            @main
            struct Nowhere: Stack {
                var resources: Resources {
                    let web = Container("web", image: Image("nowhere/busybox", rootfs: "../rootfs")) {
                        Attach(Network("lan"))
                        Publish(8080, to: 80, on: "203.0.113.5")
                    }
                    return Resources { web }
                }
            }

            """)
        let plan = try await lab.stackctl("plan", "nowhere", expecting: 1)
        #expect(plan.sentences.contains("cannot be published on 203.0.113.5"), "\(plan.text)")
        #expect(plan.sentences.contains("nowhere/Stack.swift:8 "), "\(plan.text)")
        try await lab.takeDown()
    }
}
