import Linux
import Testing

@Suite("A stack through the real programs", .serialized, .timeLimit(.minutes(3)))
struct StackLifeTests {
    private static let containers = 24
    private static let patience = 3

    /// As the first process of its namespace `sleep` ignores SIGTERM.
    private static let stubborn = """
        import StackDSL

        @main
        struct Stubborn: Stack {
            var resources: Resources {
                let image = Image("stubborn/busybox", rootfs: "../rootfs")
                return Resources {
                    for number in 1...\(containers) {
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
        let lab = try CrashLab(manifest: Self.stubborn)
        let daemon = try await lab.daemon()
        #expect(try await lab.client(["drift", "--all"]).text == "No stacks are applied on this host.\n")
        let apply = try await lab.stackctl("apply", "--yes")
        #expect(apply.code == 0, "\(apply.text)")
        let fine = try await lab.client(["drift", "--all"])
        #expect(fine.code == 0 && fine.text.hasPrefix("No drift."), "\(fine.text)")
        #expect(try await lab.client(["kill", "stubborn-c1"]).code == 0)
        // The end is told by the supervisor, a moment later.
        var drift = try await lab.client(["drift", "--all"])
        for _ in 0..<100 where drift.code == 0 { drift = try await lab.client(["drift", "--all"]) }
        #expect(drift.code == 2, "\(drift.text)")
        #expect(drift.text.contains("container.c1"))
        #expect(drift.text.contains("stackctl apply \(lab.folder)/stack"))
        let json = try await lab.client(["drift", "--all", "--json"])
        #expect(json.code == 2 && json.text.contains("\"failures\": []"), "\(json.text)")

        let began = Clock.monotonic()
        let destroy = try await lab.client(["destroy", "--yes", "stubborn"])
        let seconds = Int((Clock.monotonic() - began) / 1_000_000_000)
        #expect(destroy.code == 0, "\(destroy.text)")
        // One after the other for each of four or more processors' steps it would be several times as long.
        #expect(seconds < Self.patience * 3, "\(destroy.text)")
        try daemon.send(15)
        _ = try await daemon.exitStatus()
        #expect(try lab.traces() == .init())
        try lab.takeDown()
    }

    @Test("a saved plan is recorded as its folder's, and a command that cannot read a manifest says the name would do")
    func savedPlan() async throws {
        let lab = try CrashLab()
        let daemon = try await lab.daemon()
        let file = lab.folder + "/saved.plan"
        #expect(try await lab.stackctl("plan", "--out", file).code == 0)
        let late = try await lab.client(["apply", "--upgrade", file])
        #expect(late.code == 1 && late.text.contains("--upgrade comes too late"), "\(late.text)")
        let apply = try await lab.client(["apply", file])
        #expect(apply.code == 0, "\(apply.text)")
        #expect(try await lab.client(["show", "crash", "--json"]).text.contains("\"origin\": \"\(lab.folder)/stack\""))
        try Files.write(lab.folder + "/stack/Stack.swift", Array("nonsense".utf8))
        let refused = try await lab.stackctl("destroy", "--yes")
        #expect(refused.code == 1 && refused.text.contains("`stackctl stacks list` lists the names"), "\(refused.text)")
        #expect(try await lab.client(["destroy", "--yes", "crash"]).code == 0)
        try daemon.send(15)
        _ = try await daemon.exitStatus()
        try lab.takeDown()
    }

    @Test("a command that comes while a daemon is starting waits for it")
    func startingDaemon() async throws {
        let lab = try CrashLab()
        for _ in 0..<5 {
            let daemon = try lab.startDaemon()
            let list = try await lab.client(["ps"])
            #expect(list.code == 0, "\(list.text)")
            try await lab.endDaemons(daemon)
        }
        try lab.takeDown()
    }

    @Test("a port on an address that the host has not is refused by the plan, with the line that publishes it")
    func missingAddress() async throws {
        let manifest = """
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

            """
        let lab = try CrashLab(manifest: manifest)
        let daemon = try await lab.daemon()
        let plan = try await lab.stackctl("plan")
        #expect(plan.code == 1 && plan.text.contains("cannot be published on 203.0.113.5"), "\(plan.text)")
        #expect(plan.text.contains("Stack.swift:8 "), "\(plan.text)")
        try daemon.send(15)
        _ = try await daemon.exitStatus()
        try lab.takeDown()
    }
}
