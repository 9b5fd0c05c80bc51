import LaunchProgram
import Linux
import Runtime
import Testing

@Suite(
    "Containers in a cgroup v2 tree", .serialized, .enabled(if: RuntimeLab.unifiedTree != nil), .timeLimit(.minutes(5))
)
struct UnifiedCgroupTests {
    @Test("the process is made inside its group, sees itself at the root of the tree, and leaves no group")
    func madeInside() async throws {
        try await RuntimeLab.with(cgroups: RuntimeLab.unifiedTree) { lab in
            let configuration = lab.container("web", ["sleep", "100"])
            let connection = try await lab.start(configuration)
            let group = try lab.runtime.cgroup(path: configuration.cgroupPath)
            #expect(try group.processes() == [connection.pid])
            let inside = try await lab.exec(
                "grep ^0: /proc/self/cgroup; touch /sys/fs/cgroup/x 2>&1; grep cgroup2 /proc/mounts", in: connection,
                configuration)
            #expect(inside.output.hasPrefix("0::/\n"))
            #expect(inside.output.contains("Read-only") || inside.output.contains("denied"))
            #expect(inside.output.contains("/sys/fs/cgroup cgroup2 ro"))
            try await connection.stop(timeout: .zero)
            _ = await connection.waitForExit()
            #expect(!group.exists)
        }
    }

    @Test("a process is executed where cgroup namespaces are delegation boundaries")
    func delegated() async throws {
        let root = try #require(RuntimeLab.unifiedTree?.unifiedRoot)
        // Merged with the options in force, nsdelegate could not be taken away again.
        func remount(_ option: String) async throws {
            _ = try await Spawn.run(
                SpawnRequest("/bin/mount", ["--options-mode", "ignore", "-o", "remount,\(option)", root]))
        }
        let entry = try Mounts.table().last { $0.target == root }
        let wasDelegated = entry?.superOptions.contains("nsdelegate") == true
        try await remount("rw,relatime,nsdelegate")
        do {
            try await RuntimeLab.with(cgroups: RuntimeLab.unifiedTree) { lab in
                let configuration = lab.container("web", ["sleep", "100"])
                let connection = try await lab.start(configuration)
                let inside = try await lab.exec("grep ^0: /proc/self/cgroup", in: connection, configuration)
                #expect(inside.output == "0::/\n")
            }
        } catch {
            if !wasDelegated { try await remount("rw,relatime") }
            throw error
        }
        if !wasDelegated { try await remount("rw,relatime") }
        let after = try Mounts.table().last { $0.target == root }
        #expect(after?.superOptions.contains("nsdelegate") == wasDelegated)
    }

    @Test("devices of the host do not open")
    func devices() async throws {
        try await RuntimeLab.with(cgroups: RuntimeLab.unifiedTree) { lab in
            let output = try await lab.output("mknod /mem c 1 1; head -c 1 /mem 2>&1; head -c 1 /dev/zero | wc -c")
            #expect(output.contains("not permitted"))
            #expect(output.hasSuffix("1\n"))
        }
    }

    @Test("a container can be started again as soon as it ended")
    func again() async throws {
        try await RuntimeLab.with(cgroups: RuntimeLab.unifiedTree) { lab in
            let configuration = lab.container("web", ["true"])
            for _ in 0..<20 {
                let connection = try await lab.start(configuration)
                #expect(await connection.waitForExit().exitCode == 0)
            }
        }
    }
}
