import Linux
import Testing

@Suite("Control groups", .timeLimit(.minutes(5)))
struct CgroupTests {
    /// Runs a body with a group of its own, which is emptied and removed.
    private func withGroup(_ body: (Cgroup) async throws -> Void) async throws {
        let hierarchy = try CgroupHierarchy.detect()
        let name = "stackctl-test-\(try Random.hex(bytes: 4))"
        let group = try hierarchy.group("\(name)/inner")
        let parent = try hierarchy.group(name)
        try group.create()
        try group.create()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(group))
        } catch {
            result = .failure(error)
        }
        try group.kill()
        try parent.remove()
        try parent.remove()
        #expect(parent.directories.allSatisfy { !Files.exists($0) })
        try result.get()
    }

    private func member(_ group: Cgroup, _ script: String) throws -> ChildProcess {
        let joins = group.entryFiles.map { "echo 0 > \($0)" }.joined(separator: "; ")
        return try Spawn.start(
            SpawnRequest(
                executable: .path("/bin/sh"), arguments: ["sh", "-c", "\(joins); \(script)"],
                environment: ["PATH=/usr/bin:/bin"]))
    }

    @Test("limits read back as they were set, and lifted ones are gone")
    func limits() async throws {
        try await withGroup { group in
            #expect(group.exists)
            #expect(try group.limits() == CgroupLimits())
            var wanted = CgroupLimits(
                memoryBytes: 64 << 20, memorySwapBytes: 128 << 20, nanoCPUs: 500_000_000, cpuShares: 512, pids: 50)
            func check() throws {
                try group.apply(wanted)
                let expected = wanted.normalized(for: group.hierarchy, hasSwapControl: group.hasSwapControl)
                #expect(try group.limits() == expected)
            }
            try check()
            wanted.memoryBytes = 256 << 20
            wanted.memorySwapBytes = 256 << 20
            try check()
            wanted.memoryBytes = 32 << 20
            wanted.memorySwapBytes = 40 << 20
            wanted.nanoCPUs = 1_500_000_000
            try check()
            wanted = CgroupLimits(memoryBytes: 48 << 20)
            try check()
            wanted = CgroupLimits(memoryBytes: 64 << 20, memorySwapBytes: -1)
            try check()
            wanted = CgroupLimits()
            try check()
        }
    }

    @Test("members are listed, counted, frozen, thawed and ended with all they started")
    func members() async throws {
        try await withGroup { group in
            let child = try member(group, "sleep 640 & sleep 640 & wait")
            let deadline = ContinuousClock.now + .seconds(60)
            while try group.processes().count < 3, ContinuousClock.now < deadline {
                try await EventLoop.shared.sleep(for: .milliseconds(10))
            }
            #expect(try group.processes().contains(child.pid))
            let statistics = try group.statistics()
            #expect(statistics.pids == 3)
            #expect(statistics.memoryUsage > 0)
            #expect(statistics.cpuUsageNanoseconds > 0)
            #expect(statistics.oomKills == 0)
            try group.freeze()
            #expect(try group.isFrozen())
            try group.thaw()
            #expect(try !group.isFrozen())
            try group.kill()
            #expect(try await child.exitStatus() == .signaled(9, coreDumped: false))
        }
    }

    @Test("a member that takes more memory than allowed is ended and counted")
    func outOfMemory() async throws {
        try await withGroup { group in
            try group.apply(CgroupLimits(memoryBytes: 16 << 20, memorySwapBytes: 16 << 20))
            let child = try member(group, "exec tail /dev/zero")
            #expect(try await child.exitStatus() == .signaled(9, coreDumped: false))
            #expect(try group.oomKills() >= 1)
            #expect(try group.statistics().memoryLimit == 16 << 20)
        }
    }

    @Test("a limit below the memory in use is refused, and nothing else is changed")
    func refusedChange() async throws {
        try await withGroup { group in
            // Version 2 accepts it; that case has a test without a kernel.
            guard group.hierarchy.version != .v2 else { return }
            let before = CgroupLimits(
                memoryBytes: 256 << 20, memorySwapBytes: 256 << 20, nanoCPUs: 500_000_000, cpuShares: 512, pids: 50)
            try group.apply(before)
            // 64 MiB in a variable of the shell's, which no reclaim can take.
            let child = try member(group, "x=$(head -c 67108864 /dev/zero | tr '\\0' a); sleep 660")
            defer { try? child.send(9) }
            let deadline = ContinuousClock.now + .seconds(120)
            while try group.statistics().memoryUsage < 60 << 20, ContinuousClock.now < deadline {
                try await EventLoop.shared.sleep(for: .milliseconds(10))
            }
            let wanted = CgroupLimits(
                memoryBytes: 16 << 20, memorySwapBytes: 16 << 20, nanoCPUs: 1_000_000_000, pids: 7)
            let error = #expect(throws: SystemError.self) { try group.change(to: wanted) }
            #expect(error?.errno == .EBUSY)
            let kept = before.normalized(for: group.hierarchy, hasSwapControl: group.hasSwapControl)
            #expect(try group.limits() == kept)
        }
    }

    @Test("a group that is in use in one tree is removed from the others, and the first error is told")
    func partlyRemoved() async throws {
        let hierarchy = try CgroupHierarchy.detect()
        let group = try hierarchy.group("stackctl-test-\(try Random.hex(bytes: 4))")
        try group.create()
        let directories = group.directories
        guard let busy = directories.first, directories.count > 1 else {
            try group.remove()
            return
        }
        let child = try Spawn.start(SpawnRequest("/bin/sleep", ["67"]))
        try Files.writeExisting("\(busy)/cgroup.procs", "\(child.pid)")
        let error = #expect(throws: SystemError.self) { try group.remove() }
        #expect(error?.errno == .EBUSY)
        #expect(error?.subject == busy)
        #expect(directories.dropFirst().allSatisfy { !Files.exists($0) })
        group.removeIfEmpty()
        #expect(Files.exists(busy))
        try child.send(9)
        _ = try await child.exitStatus()
        try group.remove()
        #expect(!Files.exists(busy))
    }

    @Test("more processes than allowed cannot be started")
    func processLimit() async throws {
        try await withGroup { group in
            try group.apply(CgroupLimits(pids: 1))
            let child = try member(group, "(exit 0) && exit 3; exit 4")
            #expect(try await child.exitStatus() != .exited(3))
        }
    }

    @Test("only allowed devices can be opened")
    func devices() async throws {
        try await withGroup { group in
            try group.restrictDevices()
            let allowed = try member(group, "head -c 1 /dev/zero > /dev/null && exit 3")
            #expect(try await allowed.exitStatus() == .exited(3))
            let refused = try member(group, "head -c 1 /dev/kmsg > /dev/null && exit 3; exit 4")
            #expect(try await refused.exitStatus() == .exited(4))
        }
    }

    @Test("the device program of version 2 is accepted by the kernel and does what it says")
    func deviceProgram() async throws {
        guard let root = try CgroupHierarchy.detect().unifiedRoot else { return }
        let directory = "\(root)/stackctl-test-\(try Random.hex(bytes: 4))"
        try Files.makeDirectory(directory)
        defer { try? Files.removeDirectory(directory) }
        guard try attaches(to: directory) else { return }
        let script = "echo 0 > \(directory)/cgroup.procs; head -c 1 /dev/zero && ! head -c 1 /dev/kmsg && exit 3"
        let result = try await Spawn.run(SpawnRequest("/bin/sh", ["-c", script]))
        #expect(result.status == .exited(3), "\(result.errorText)")
    }

    /// False on a kernel without CONFIG_CGROUP_BPF.
    private func attaches(to directory: String) throws -> Bool {
        do {
            try Cgroup.attachDeviceProgram(DeviceRule.defaults, to: directory)
            return true
        } catch {
            if error.errno == .EINVAL || error.errno == .ENOSYS { return false }
            throw error
        }
    }

    @Test("groups below a path are found")
    func children() async throws {
        try await withGroup { group in
            let parent = String(group.path.prefix { $0 != "/" })
            let children = try group.hierarchy.children(of: parent)
            #expect(children == ["inner"])
            let none = try group.hierarchy.children(of: "no-such-group")
            #expect(none.isEmpty)
        }
    }
}
