import LaunchProgram
import Linux
import Runtime
import Testing

@Suite("Compiling a container to its launch program")
struct LaunchCompilerTests {
    static let layout = CgroupLayout(
        entryFiles: ["/cg/cgroup.procs"], isUnified: true, memoryEvents: "/cg/memory.events")

    static func configuration() -> ContainerConfiguration {
        ContainerConfiguration(
            id: "0123456789abcdef", name: "web", directory: "/data/containers/0123",
            lowerDirectories: ["/l/b", "/l/a"],
            process: ProcessConfiguration(arguments: ["nginx", "-g", "daemon off;"], environment: ["PATH=/usr/sbin"]),
            cgroupPath: "stackctl/0123")
    }

    static func listing(_ change: (inout ContainerConfiguration) -> Void = { _ in }) throws -> [String] {
        var configuration = configuration()
        change(&configuration)
        return try LaunchCompiler.program(for: configuration, cgroup: layout).listing()
    }

    static let filterSize = SeccompFilter.standard(capabilities: Set(Capability.dockerDefault)).count / 8

    @Test("what is handed over, in memory or thrown away is numbered as it is taken, and has its place made apart")
    func places() throws {
        let lines = try Self.listing {
            $0.makesPlacesApart = true
            $0.mounts = [
                .bind("/h", at: "/b"),
                MountConfiguration(.file(content: [1], mode: 0o400, user: 0, group: 0), target: "/run/secret"),
                MountConfiguration(.handed(0), target: "/c"),
                MountConfiguration(.scratchHanded(1, directory: "/s"), target: "/d"),
                MountConfiguration.tmpfs(at: "/t/u"),
            ]
        }
        let start = try #require(lines.firstIndex(of: "set umask to 00"))
        #expect(
            Array(lines[(start + 1)...(start + 6)]) == [
                "make 1 file in memory", "take /c, which is open", "take /d, which is open",
                "take tree 3, writable, changes thrown away",
                "make places to mount on: /proc /dev /sys /t/u /b /c /d /run/secret",
                "mount an overlay of 3 layers on /data/containers/0123/rootfs",
            ])
    }

    @Test("the defaults are Docker's, in this order")
    func defaults() throws {
        #expect(
            try Self.listing() == [
                "join cgroups /cg/cgroup.procs",
                "unshare namespaces 0x2000000",
                "set oom_score_adj to 0",
                "make every mount private",
                "set umask to 00",
                "mount an overlay of 2 layers on /data/containers/0123/rootfs",
                "mount proc on /proc (nosuid,nodev,noexec)",
                "mount tmpfs on /dev (nosuid,mode=755,size=65536k)",
                "mount devpts on /dev/pts (nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5)",
                "mount mqueue on /dev/mqueue (nosuid,nodev,noexec)",
                "mount tmpfs on /dev/shm (nosuid,nodev,noexec,mode=1777,size=67108864)",
                "mount sysfs on /sys (ro,nosuid,nodev,noexec)",
                "mount cgroup2 on /sys/fs/cgroup (ro,nosuid,nodev,noexec)",
                "make device /dev/null c 1:3 mode 0666",
                "make device /dev/zero c 1:5 mode 0666",
                "make device /dev/full c 1:7 mode 0666",
                "make device /dev/random c 1:8 mode 0666",
                "make device /dev/urandom c 1:9 mode 0666",
                "make device /dev/tty c 5:0 mode 0666",
                "link /dev/fd to /proc/self/fd",
                "link /dev/stdin to /proc/self/fd/0",
                "link /dev/stdout to /proc/self/fd/1",
                "link /dev/stderr to /proc/self/fd/2",
                "link /dev/ptmx to pts/ptmx",
                "link /dev/core to /proc/kcore",
                "make /proc/bus read-only",
                "make /proc/fs read-only",
                "make /proc/irq read-only",
                "make /proc/sys read-only",
                "make /proc/sysrq-trigger read-only",
                "mask /proc/acpi",
                "mask /proc/asound",
                "mask /proc/interrupts",
                "mask /proc/kcore",
                "mask /proc/keys",
                "mask /proc/latency_stats",
                "mask /proc/sched_debug",
                "mask /proc/scsi",
                "mask /proc/timer_list",
                "mask /proc/timer_stats",
                "mask /sys/firmware",
                "mask /sys/devices/virtual/powercap",
                "pivot to the new root",
                "set the host name to 0123456789ab",
                "set rlimit nofile to 1048576:1048576",
                "enter directory /",
                "limit capabilities to 0xa80425fb",
                "forbid new privileges",
                "become user root, keep capabilities 0xa80425fb",
                "install a seccomp filter of \(Self.filterSize) instructions",
                "set umask to 022",
                "close descriptors from 3",
                "exec \"nginx\"",
            ])
    }

    @Test("mounts are made parents first, otherwise in the order given")
    func mountOrder() throws {
        let lines = try Self.listing {
            $0.mounts = [
                .bind("/host/deep", at: "/a/b/c", readOnly: true), .tmpfs(at: "/a", sizeBytes: 1024),
                .bind("/host/z", at: "/z"),
            ]
        }
        #expect(
            lines.filter {
                $0.contains("/a") && !$0.contains("acpi") && !$0.contains("asound") || $0.contains("/z ")
                    || $0.contains("/host/z")
            }
            .filter { !$0.contains("/dev/") && !$0.contains("overlay") } == [
                "take /host/z, with what is mounted below",
                "mount tmpfs on /a (nosuid,nodev,noexec,mode=1777,size=1024)",
                "bind /host/z on /z",
                "bind /host/deep on /a/b/c (ro)",
            ])
    }

    @Test("without no_new_privs the filter comes before root is given up")
    func filterOrder() throws {
        let lines = try Self.listing { $0.process.noNewPrivileges = false }
        let filter = try #require(lines.firstIndex { $0.hasPrefix("install") })
        let user = try #require(lines.firstIndex { $0.hasPrefix("become") })
        #expect(filter < user)
        #expect(!lines.contains("forbid new privileges"))
    }

    @Test("a privileged container is not masked, filtered or limited")
    func privileged() throws {
        let lines = try Self.listing { $0.privileged = true }
        #expect(!lines.contains { $0.hasPrefix("mask") || $0.hasPrefix("install") || $0.contains("read-only") })
        #expect(lines.contains("limit capabilities to 0x1ffffffffff"))
        #expect(lines.contains("mount sysfs on /sys (nosuid,nodev,noexec)"))
    }

    @Test("the rest of a configuration has its operations")
    func settings() throws {
        let lines = try Self.listing {
            $0.hostname = "shop"
            $0.domainname = "local"
            $0.hostsPath = "/data/hosts"
            $0.sysctls = ["net.ipv4.ip_forward": "1"]
            $0.readOnlyRoot = true
            $0.useInit = true
            $0.oomScoreAdjustment = 100
            $0.terminal = TerminalConfiguration(rows: 10, columns: 20)
            $0.devices = [DeviceConfiguration(path: "/dev/fuse", major: 10, minor: 229)]
            $0.process.limits = [ResourceLimit(.nofile, soft: 1, hard: 2)]
            $0.process.user = "app:video"
            $0.process.additionalGroups = ["audio"]
            $0.process.workingDirectory = "/srv"
        }
        for line in [
            "set the host name to shop", "set the domain name to local", "bind /data/hosts on /etc/hosts",
            "set /proc/sys/net/ipv4/ip_forward to 1", "make the mount on / read-only", "exec \"nginx\" under an init",
            "set oom_score_adj to 100", "open a terminal of 10 x 20 on /dev/console",
            "make device /dev/fuse c 10:229 mode 0666",
            "set rlimit nofile to 1:2", "become user app:video with groups audio, keep capabilities 0xa80425fb",
            "make directory /srv mode 0755", "enter directory /srv",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(lines.filter { $0.hasPrefix("set rlimit") }.count == 1)
    }

    @Test("what the host cannot give is not asked for, and its own paths are hidden with Docker's")
    func hostFacts() throws {
        let path = "/sys/devices/system/cpu/cpu0/thermal_throttle"
        let host = HostFacts(openFiles: 4096, maskedPaths: [path])
        func listing(_ change: (inout ContainerConfiguration) -> Void = { _ in }) throws -> [String] {
            var configuration = Self.configuration()
            change(&configuration)
            return try LaunchCompiler.program(for: configuration, cgroup: Self.layout, host: host).listing()
        }
        #expect(try listing().contains("set rlimit nofile to 4096:4096"))
        #expect(try listing().contains("mask \(path)"))
        #expect(try !listing { $0.maskedPaths = [] }.contains("mask \(path)"))
        #expect(try !listing { $0.privileged = true }.contains("mask \(path)"))
    }

    @Test("namespaces that are shared are neither made nor changed")
    func sharedNamespaces() throws {
        var configuration = Self.configuration()
        configuration.namespaces.processes = .container(directory: "/data/containers/donor")
        configuration.namespaces.ipc = .container(directory: "/data/containers/donor")
        configuration.namespaces.usesHostNames = true
        configuration.namespaces.usesHostCgroups = true
        let plan = try LaunchCompiler.supervision(of: configuration, cgroup: Self.layout)
        #expect(plan.cloneFlags == NamespaceFlag.mount)
        #expect(plan.donations.map(\.flags) == [NamespaceFlag.pid, NamespaceFlag.ipc])
        #expect(plan.killsGroup)
        #expect(try SupervisionPlan(decoding: plan.encoded()) == plan)
        let lines = plan.program.listing()
        #expect(lines.contains("bind /dev/shm of the container whose namespace is joined"))
        #expect(!lines.contains { $0.hasPrefix("unshare") || $0.hasPrefix("set the host name") })
        configuration.namespaces = NamespaceConfiguration()
        configuration.namespaces.hasSharedMemory = false
        let own = try LaunchCompiler.supervision(of: configuration, cgroup: Self.layout)
        #expect(!own.killsGroup && own.donations.isEmpty)
        #expect(!own.program.listing().contains { $0.contains("/dev/shm") })
    }

    @Test("a group seen from the host's root is bound, not mounted anew; one that may be changed is not locked")
    func groups() throws {
        let layout = CgroupLayout(
            entryFiles: ["/cg/pids/x/tasks"], isUnified: false, controllers: [["pids"]], directories: ["/cg/pids/x"])
        func lines(_ change: (inout ContainerConfiguration) -> Void) throws -> [String] {
            var configuration = Self.configuration()
            change(&configuration)
            return try LaunchCompiler.program(for: configuration, cgroup: layout).listing()
        }
        #expect(
            try lines { $0.namespaces.usesHostCgroups = true }.contains(
                "bind /cg/pids/x on /sys/fs/cgroup/pids (ro,nosuid,nodev,noexec)"))
        let writable = try lines { $0.writableCgroups = true }
        #expect(writable.contains("mount cgroup on /sys/fs/cgroup/pids (nosuid,nodev,noexec,pids)"))
        #expect(!writable.contains("make the mount on /sys/fs/cgroup read-only"))
    }

    @Test("a device keeps its owner, and takes the place of a standard one")
    func devices() throws {
        var null = DeviceConfiguration(path: "/dev/null", major: 10, minor: 229, mode: 0o640)
        null.user = 5
        null.group = 6
        let lines = try Self.listing { $0.devices = [null] }
        #expect(lines.filter { $0.contains("device /dev/null") } == ["make device /dev/null c 10:229 mode 0640"])
        #expect(lines.contains("give /dev/null to user 5 group 6"))
    }

    @Test("a working directory is made before the root becomes read-only")
    func workingDirectoryOrder() throws {
        let lines = try Self.listing {
            $0.readOnlyRoot = true
            $0.process.workingDirectory = "/srv"
        }
        let made = try #require(lines.firstIndex(of: "make directory /srv mode 0755"))
        let locked = try #require(lines.firstIndex(of: "make the mount on / read-only"))
        #expect(made < locked)
    }

    @Test("so many log files are kept as can be renamed in a moment")
    func logFiles() throws {
        for (asked, kept) in [(0, 1), (5, 5), (UInt32.max, 1000)] as [(UInt32, UInt32)] {
            var configuration = Self.configuration()
            configuration.log.maximumFiles = asked
            let plan = try LaunchCompiler.supervision(of: configuration, cgroup: Self.layout)
            #expect(plan.logMaximumFiles == kept)
        }
    }

    private static let broken: [(field: String, change: @Sendable (inout ContainerConfiguration) -> Void)] = [
        ("command", { $0.process.arguments = [] }),
        ("working directory", { $0.process.workingDirectory = "srv" }),
        ("mount target", { $0.mounts = [.tmpfs(at: "data")] }),
        ("mount target", { $0.mounts = [.tmpfs(at: "/a/../../b")] }),
        ("mount target", { $0.mounts = [.tmpfs(at: "/")] }),
        ("mount source", { $0.mounts = [.bind("x", at: "/x")] }),
        ("environment", { $0.process.environment = ["NOVALUE"] }),
        ("environment", { $0.process.environment = ["A=\0"] }),
        ("sysctl", { $0.sysctls = ["kernel.core_pattern": "|/x"] }),
        ("sysctl", { $0.sysctls = ["net/../kernel": "1"] }),
        ("image", { $0.lowerDirectories = [] }),
        ("hostname", { $0.hostname = String(repeating: "x", count: 65) }),
        ("user", { $0.process.user = "a\0b" }),
    ]

    @Test("what cannot be started is refused by field, before anything is touched", arguments: broken.indices)
    func invalid(index: Int) {
        do {
            _ = try Self.listing(Self.broken[index].change)
            Issue.record("it was accepted")
        } catch RuntimeError.invalid(let found, _) {
            #expect(found == Self.broken[index].field)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("an exec joins the container, and ends as a start does")
    func execution() throws {
        let exec = ExecConfiguration(
            process: ProcessConfiguration(arguments: ["ls"], user: "7"), containerName: "web",
            cgroupPath: "stackctl/0123")
        let plan = try LaunchCompiler.execution(of: exec, cgroup: Self.layout)
        #expect(plan.cgroupIsUnified)
        #expect(plan.outOfMemoryScore == 0)
        #expect(plan.program.listing().first == "join cgroups /cg/cgroup.procs")
        #expect(plan.program.listing().last == "exec \"ls\"")
        #expect(plan.program.listing().contains("become user 7, keep capabilities 0xa80425fb"))
        #expect(plan.program.listing().contains("set rlimit nofile to 1048576:1048576"))
    }

    @Test("names of capabilities and limits are read as Docker writes them")
    func names() {
        #expect(Capability(named: "cap_net_admin") == .netAdmin)
        #expect(Capability(named: "NET_BIND_SERVICE")?.name == "NET_BIND_SERVICE")
        #expect(Capability(named: "NOPE") == nil)
        #expect(Capability.mask(Capability.dockerDefault) == 0xA804_25FB)
        #expect(ResourceLimit.Kind(named: "RLIMIT_NOFILE")?.rawValue == 7)
        #expect(ResourceLimit.Kind(named: "rttime")?.rawValue == 15)
    }
}
