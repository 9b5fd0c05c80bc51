import LaunchProgram
import Testing

@Suite("Launch programs")
struct LaunchProgramTests {
    /// One of each.
    static let everything: [Operation] = [
        .joinCgroups(["/sys/fs/cgroup/a/cgroup.procs", "/b"]), .unshare(flags: 0x0200_0000),
        .mapIdentity(insideUser: 1, outsideUser: 2, insideGroup: 3, outsideGroup: 4), .setOutOfMemoryScore(-500),
        .setPropagation(flags: MountPropagation.private),
        .overlayRoot(lower: ["/l1", "/l2"], upper: "/u", work: "/w", mountPoint: "/r"),
        .bindRoot(source: "/s", mountPoint: "/r"), .temporaryRoot(sizeBytes: 1 << 40, mountPoint: "/r"),
        .mount(
            type: "tmpfs", options: [MountOption("mode", "755"), MountOption("newinstance")], attributes: 15,
            target: "/dev", followLinks: true),
        .bind(source: "/s", target: "/t", recursive: true, attributes: 1, propagation: MountPropagation.slave),
        .makeDirectory(target: "/d", mode: 0o755), .makeSymbolicLink(target: "/dev/fd", content: "/proc/self/fd"),
        .makeDevice(target: "/dev/null", mode: 0o020666, major: 1, minor: 3),
        .writeFile(target: "/f", content: "text", mode: 0o644), .openTerminal(rows: 24, columns: 80),
        .setKernelParameter(name: "net/ipv4/ip_forward", value: "1"), .maskPath("/proc/kcore"),
        .readOnlyPath("/proc/sys"), .setMountReadOnly("/"), .pivotRoot, .setHostname("web"), .setDomainname("local"),
        .setLimit(resource: 7, soft: 1, hard: .max), .setUmask(0o022), .changeDirectory("/"),
        .setUser(specification: "app", supplementary: ["video"], keep: 0xA804_25FB),
        .setIdentity(user: 1, group: 2), .limitCapabilities(0xFF), .setNoNewPrivileges,
        .installFilter([1, 2, 3, 4, 5, 6, 7, 8]), .closeDescriptors(from: 3),
        .execute(program: "sh", arguments: ["sh", "-c", ""], environment: ["A=b"], reaper: true),
        .openTree(source: "/s", subpath: "a/b", recursive: true),
        .openOverlay(lower: ["/l1", "/l2"], subpath: "", scratch: "/r"),
        .attachTree(
            TreeAttachment(
                tree: 1, source: "/t1", target: "/t", attributes: 1, attributesBelow: false,
                propagation: MountPropagation.slave, userMap: "0 0 1\n", groupMap: "0 0 2\n")),
        .setOwner(target: "/dev/x", user: 1, group: 2), .bindFromDonor("/dev/shm"),
        .makePlaces(
            MountPlaces(
                lower: ["/l1"], upper: "/u", work: "/w", mountPoint: "/r", directories: ["/proc"],
                files: ["/etc/hosts"], trees: [1], targets: ["/t"]
            )),
        .takeTree(descriptor: 3, source: "the context"),
        .openFiles([LaunchFile(content: [0, 1, 2], mode: 0o400, user: 1, group: 2)], scratch: "/r"),
        .openScratch(
            ScratchTree(tree: 1, lower: ["/l1"], upper: "/u", work: "/w", subpath: "a", scratch: "/r")),
    ]

    @Test("every operation survives its binary form")
    func roundTrip() throws {
        let program = LaunchProgram(operations: Self.everything)
        #expect(try LaunchProgram(decoding: program.encoded()) == program)
        #expect(Set(Self.everything.map(\.code.rawValue)).count == Self.everything.count)
        #expect(Self.everything.count == OperationCode.allCases.count)
    }

    @Test("every operation has words of its own")
    func listing() {
        let lines = LaunchProgram(operations: Self.everything).listing()
        #expect(Set(lines).count == lines.count)
        #expect(lines.contains("mount tmpfs on /dev (ro,nosuid,nodev,noexec,mode=755,newinstance)"))
        #expect(lines.contains("exec \"sh\" under an init"))
    }

    @Test("a program cut off anywhere is refused, and nothing traps")
    func truncated() {
        let bytes = LaunchProgram(operations: Self.everything).encoded()
        for length in bytes.indices {
            #expect(throws: LaunchProgramError.self) { _ = try LaunchProgram(decoding: Array(bytes[..<length])) }
        }
    }

    @Test("a program with any byte changed is read or refused, and nothing traps")
    func changed() {
        let bytes = LaunchProgram(operations: Self.everything).encoded()
        for index in bytes.indices {
            for value in [UInt8(0), 0x7F, 0xFF] {
                var changed = bytes
                changed[index] = value
                _ = try? LaunchProgram(decoding: changed)
            }
        }
    }

    @Test("a NUL inside a path is refused, never cut")
    func nul() {
        let program = LaunchProgram(operations: [.maskPath(KernelString(bytes: [0x2F, 0, 0x61]))])
        #expect(throws: LaunchProgramError.nulByte(offset: 9)) { _ = try LaunchProgram(decoding: program.encoded()) }
    }

    @Test("bytes after the end, another mark or a newer version are refused by name")
    func marks() {
        var bytes = LaunchProgram(operations: [.pivotRoot]).encoded()
        #expect(throws: LaunchProgramError.trailingBytes(offset: bytes.count)) {
            _ = try LaunchProgram(decoding: bytes + [0])
        }
        bytes[3] = 9
        #expect(throws: LaunchProgramError.unsupportedVersion(9)) { _ = try LaunchProgram(decoding: bytes) }
        bytes[0] = 0
        #expect(throws: LaunchProgramError.notAProgram) { _ = try LaunchProgram(decoding: bytes) }
    }

    @Test("plans survive their binary forms")
    func plans() throws {
        var plan = SupervisionPlan(directory: "/c/1", program: LaunchProgram(operations: Self.everything))
        plan.cgroupFiles = ["/a", "/b"]
        plan.cgroupIsUnified = true
        plan.memoryEvents = "/events"
        plan.restart = .onFailure(maximumRetries: 3)
        plan.log = "/log"
        plan.logMaximumBytes = 1 << 33
        plan.logMaximumFiles = 3
        plan.openInput = true
        plan.terminal = true
        #expect(try SupervisionPlan(decoding: plan.encoded()) == plan)
        var execution = ExecutionPlan(program: LaunchProgram(operations: Self.everything))
        execution.joinFlags = NamespaceFlag.mount | NamespaceFlag.pid
        execution.cloneFlags = NamespaceFlag.user
        execution.cgroupFiles = ["/a"]
        execution.timeLimit = 5
        execution.diesWithCaller = true
        #expect(try ExecutionPlan(decoding: execution.encoded()) == execution)
        #expect(throws: LaunchProgramError.notAProgram) { _ = try ExecutionPlan(decoding: plan.encoded()) }
    }
}
