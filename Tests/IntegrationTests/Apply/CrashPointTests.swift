import Linux
import Testing

@Suite("A daemon killed in the middle of an apply", .serialized, .timeLimit(.minutes(30)))
struct CrashPointTests {
    /// More journal transitions than any of these has: a loop ends at the first run that is not hit.
    private static let bound = 60

    /// In its second version one container's limit is other (live), another's environment (recreated), a third's host name
    /// (restarted), a port has moved to what its container depends on, and a container with its volume and network is gone.
    private static let manifest = """
        import StackDSL

        @main
        struct Crash: Stack {
            @Input("Version of the stack", in: 1...2) var version = 1

            var resources: Resources {
                let lan = Network("lan", subnet: "10.93.1.0/24")
                let data = Volume("data", content: ["a.txt": "a"])
                let image = Image("crash/busybox", rootfs: "../rootfs")
                let db = Container("db", image: image) {
                    Attach(lan)
                    Mount(data, at: "/data")
                    Env("VERSION", version == 1 ? "one" : "two")
                    if version == 2 { Publish(18089, to: 80) }
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                let web = Container("web", image: image) {
                    Attach(lan)
                    DependsOn(db)
                    if version == 1 { Publish(18089, to: 80) }
                    Limit(memory: .mebibytes(version == 1 ? 32 : 48))
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                let side = Container("side", image: image) {
                    Attach(lan)
                    Hostname(version == 1 ? "one" : "two")
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                let oldLan = Network("old", subnet: "10.93.2.0/24")
                let oldData = Volume("old", content: ["b.txt": "b"])
                let old = Container("old", image: image) {
                    Attach(oldLan)
                    Mount(oldData, at: "/data")
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                return Resources {
                    web
                    side
                    if version == 1 { old }
                }
            }
        }

        """

    private func lab() throws -> ProgramLab {
        let lab = try ProgramLab()
        try lab.write("stack", Self.manifest)
        return lab
    }

    /// Runs a command under a daemon that kills itself at `step`; false where the command ended before it.
    private func crash(_ lab: ProgramLab, at step: Int, _ words: String...) async throws -> Bool {
        let doomed = try await lab.daemon(crashingAt: step)
        let answer = try await lab.run(lab.request(lab.programs + "/stackctl", words))
        let wasHit = answer.code != 0
        if doomed.handle.isAlive { try doomed.send(15) }
        let end = try await doomed.exitStatus()
        #expect(wasHit == (end.code == 137), "step \(step): \(answer.text)")
        return wasHit
    }

    private func end(_ daemon: ChildProcess) async throws {
        try daemon.send(15)
        _ = try await daemon.exitStatus()
    }

    /// Destroys what there is of the stack, and looks whether it, its images and its volumes are gone.
    private func destroyIfKnown(_ lab: ProgramLab, _ what: String) async throws {
        let answer = try await lab.stackctl("destroy", "stack", "--yes", expecting: nil)
        // The daemon has closed the open steps as it started: there may be nothing left to destroy.
        let isGone = answer.error.contains("there is no stack named crash")
        #expect(answer.code == (isGone ? 1 : 0), "\(what): \(answer.text)")
        let stacks = try await lab.stackctl("stacks", "list", "--json")
        #expect(!stacks.out.contains("crash"), "\(what): the stack is still known")
        #expect(try await lab.stackctl("images", "--quiet").out == "", "\(what): an image is left")
        #expect(try await lab.stackctl("volume", "ls", "--quiet").out == "", "\(what): a volume is left")
    }

    /// What the host has once only the supervisors of containers are left: others still write to the disk as they end.
    private func settled(_ lab: ProgramLab) async throws -> [String] {
        let count = try await lab.stackctl("ps", "--quiet").out.split(separator: "\n").count
        var found: [String] = []
        try await lab.eventually("each container has one supervisor, and the host stays as it is") {
            let before = found
            found = (try? lab.traces())?.withoutLayers ?? []
            return found.count { $0 == "process stack-init supervise" } == count && found == before
        }
        return found
    }

    /// Applies a version and looks whether the host is then as the plan says, and as `expected` if that is known.
    @discardableResult
    private func converge(
        _ lab: ProgramLab, version: Int, expected: [String]? = nil, _ what: String
    ) async throws -> [String] {
        let answer = try await lab.stackctl("apply", "stack", "--yes", "--var", "version=\(version)", expecting: nil)
        #expect(answer.code == 0, "\(what): \(answer.text)")
        let plan = try await lab.stackctl(
            "plan", "stack", "--detailed-exitcode", "--var", "version=\(version)", expecting: nil)
        #expect(plan.code == 0, "\(what): \(plan.text)")
        if let expected { try await lab.expectTraces(expected, what) }
        return try await settled(lab)
    }

    @Test("kill -9 at every journaled step of a creation: the next apply converges, and nothing is orphaned")
    func creation() async throws {
        let lab = try lab()
        var daemon = try await lab.daemon()
        let whole = try await converge(lab, version: 1, "without a crash")
        try await lab.stackctl("destroy", "stack", "--yes")
        try await end(daemon)
        var step = 1
        while try await crash(lab, at: step, "apply", "stack", "--yes"), step < Self.bound {
            daemon = try await lab.daemon()
            try await converge(lab, version: 1, expected: whole, "step \(step)")
            try await lab.stackctl("destroy", "stack", "--yes")
            #expect(try await lab.stackctl("images", "--quiet").out == "", "step \(step): an image is left")
            try await end(daemon)
            try await lab.expectTraces([], "step \(step) left something")
            step += 1
        }
        #expect(step > 20 && step < Self.bound)
        daemon = try await lab.daemon()
        try await lab.stackctl("destroy", "stack", "--yes")
        try await end(daemon)
        try await lab.takeDown()
    }

    @Test("kill -9 at every journaled step of a creation that is then given up: a destroy leaves nothing")
    func abandoned() async throws {
        let lab = try lab()
        var step = 1
        while try await crash(lab, at: step, "apply", "stack", "--yes"), step < Self.bound {
            let daemon = try await lab.daemon()
            try await destroyIfKnown(lab, "step \(step)")
            try await end(daemon)
            try await lab.expectTraces([], "step \(step) left something")
            step += 1
        }
        #expect(step > 20 && step < Self.bound)
        let daemon = try await lab.daemon()
        try await destroyIfKnown(lab, "at last")
        try await end(daemon)
        try await lab.takeDown()
    }

    @Test("kill -9 at every journaled step of an update: the next apply converges, and nothing is orphaned")
    func update() async throws {
        let lab = try lab()
        var daemon = try await lab.daemon()
        try await converge(lab, version: 1, "without a crash")
        let whole = try await converge(lab, version: 2, "without a crash")
        let before = try await converge(lab, version: 1, "without a crash")
        #expect(whole != before)
        try await end(daemon)
        var step = 1
        while try await crash(lab, at: step, "apply", "stack", "--yes", "--var", "version=2"), step < Self.bound {
            daemon = try await lab.daemon()
            try await converge(lab, version: 2, expected: whole, "step \(step)")
            try await converge(lab, version: 1, expected: before, "back after step \(step)")
            try await end(daemon)
            step += 1
        }
        #expect(step > 15 && step < Self.bound)
        daemon = try await lab.daemon()
        try await converge(lab, version: 2, expected: whole, "at last")
        try await lab.stackctl("destroy", "stack", "--yes")
        try await end(daemon)
        try await lab.takeDown()
    }

    @Test("kill -9 again at the first step of what closes the open ones: the next apply converges all the same")
    func twice() async throws {
        let lab = try lab()
        var daemon = try await lab.daemon()
        try await converge(lab, version: 1, "without a crash")
        let whole = try await converge(lab, version: 2, "without a crash")
        try await converge(lab, version: 1, "without a crash")
        try await end(daemon)
        var step = 1
        while try await crash(lab, at: step, "apply", "stack", "--yes", "--var", "version=2"), step < Self.bound {
            let doomed = try await lab.daemon(crashingAt: 1)
            // It dies as it starts, or in this; then the client may have started another one.
            try await lab.stackctl("apply", "stack", "--yes", "--var", "version=2", expecting: nil)
            if doomed.handle.isAlive { try doomed.send(15) }
            _ = try await doomed.exitStatus()
            try await lab.endDaemon()
            daemon = try await lab.daemon()
            try await converge(lab, version: 2, expected: whole, "step \(step)")
            try await converge(lab, version: 1, "back after step \(step)")
            try await end(daemon)
            step += 2
        }
        #expect(step > 15 && step < Self.bound)
        daemon = try await lab.daemon()
        try await lab.stackctl("destroy", "stack", "--yes")
        #expect(try await lab.stackctl("images", "--quiet").out == "")
        try await end(daemon)
        try await lab.takeDown()
    }

    @Test("kill -9 at every journaled step of a destroy: the next destroy removes the rest, and nothing is orphaned")
    func destroy() async throws {
        let lab = try lab()
        var step = 1
        var wasHit = true
        while wasHit, step < Self.bound {
            var daemon = try await lab.daemon()
            try await converge(lab, version: 1, "step \(step)")
            try await end(daemon)
            wasHit = try await crash(lab, at: step, "destroy", "stack", "--yes")
            daemon = try await lab.daemon()
            try await destroyIfKnown(lab, "step \(step)")
            try await end(daemon)
            try await lab.expectTraces([], "step \(step) left something")
            step += 1
        }
        #expect(step > 15 && step < Self.bound)
        try await lab.takeDown()
    }
}
