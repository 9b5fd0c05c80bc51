import LaunchProgram
import Linux

/// Where a container's output is kept.
package struct LogConfiguration: Sendable, Hashable {
    /// The file; nil discards the output.
    package var path: String?
    /// The size at which the file is renamed, in bytes; 0 is never.
    package var maximumBytes: Int64
    /// How many files are kept, the current one included.
    package var maximumFiles: UInt32

    package init(path: String?, maximumBytes: Int64 = 0, maximumFiles: UInt32 = 1) {
        self.path = path
        self.maximumBytes = maximumBytes
        self.maximumFiles = maximumFiles
    }
}

/// All that the runtime is told about a container.
package struct ContainerConfiguration: Sendable, Hashable {
    /// The container's id.
    package var id: String
    /// Its name, for messages.
    package var name: String
    /// Its directory on the host, absolute; made when missing.
    package var directory: String
    /// The image's layers as directories, top first, absolute.
    package var lowerDirectories: [String]
    /// What is executed.
    package var process: ProcessConfiguration
    /// The host name; empty is the first 12 characters of the id.
    package var hostname: String
    /// The NIS domain name; empty leaves it.
    package var domainname: String
    /// What the user wants mounted.
    package var mounts: [MountConfiguration]
    /// The host's file that is /etc/hosts.
    package var hostsPath: String?
    /// The host's file that is /etc/hostname.
    package var hostnamePath: String?
    /// The host's file that is /etc/resolv.conf.
    package var resolvConfPath: String?
    /// Paths that are hidden, and with them those that `HostFacts` names; empty hides nothing.
    package var maskedPaths: [String]
    /// Paths that are read-only.
    package var readOnlyPaths: [String]
    /// Kernel parameters, by dotted name.
    package var sysctls: [String: String]
    /// The size of /dev/shm, in bytes.
    package var shmSize: Int64
    /// Whether the root file system is read-only.
    package var readOnlyRoot: Bool
    /// Whether a reaper is the first process, and the user's its child.
    package var useInit: Bool
    /// The container's cgroup, below the hierarchy's root.
    package var cgroupPath: String
    /// Whether the group above it was named by the user, and stays when nothing is in it.
    package var keepsCgroupParent: Bool
    /// Whether its network namespace is nobody else's before it: its connections end with it.
    package var ownsNetwork: Bool
    /// The cgroup's limits.
    package var limits: CgroupLimits
    /// Device nodes beside the standard ones.
    package var devices: [DeviceConfiguration]
    /// Whether nothing is hidden or forbidden.
    package var privileged: Bool
    /// Which system calls the process may make.
    package var seccomp: SeccompProfile
    /// When the process is started again.
    package var restart: RestartPolicy
    /// The signal that asks the process to end.
    package var stopSignal: Int32
    /// How long after it SIGKILL follows.
    package var stopTimeout: Duration
    /// Where the output is kept.
    package var log: LogConfiguration
    /// Whether stdin is a pipe that clients can open; otherwise it is /dev/null.
    package var openInput: Bool
    /// A terminal, or nil for pipes.
    package var terminal: TerminalConfiguration?
    /// Whose namespaces the process is in.
    package var namespaces: NamespaceConfiguration
    /// Devices it may use beside those it has nodes of.
    package var deviceRules: [DeviceRule]
    /// Whether it may change its own control groups.
    package var writableCgroups: Bool
    /// How likely the out-of-memory killer takes the process, -1000 to 1000.
    package var oomScoreAdjustment: Int32
    /// Whether places that are mounted on are made apart from what the process writes, where they are missing.
    package var makesPlacesApart = false

    package init(
        id: String, name: String, directory: String, lowerDirectories: [String], process: ProcessConfiguration,
        cgroupPath: String
    ) {
        self.id = id
        self.name = name
        self.directory = directory
        self.lowerDirectories = lowerDirectories
        self.process = process
        self.cgroupPath = cgroupPath
        hostname = ""
        domainname = ""
        mounts = []
        maskedPaths = Self.dockerMaskedPaths
        readOnlyPaths = Self.dockerReadOnlyPaths
        sysctls = [:]
        shmSize = 64 << 20
        readOnlyRoot = false
        useInit = false
        keepsCgroupParent = false
        ownsNetwork = false
        limits = CgroupLimits()
        devices = []
        privileged = false
        seccomp = .standard
        restart = .never
        stopSignal = 15
        stopTimeout = .seconds(10)
        log = LogConfiguration(path: directory + "/log")
        openInput = false
        terminal = nil
        namespaces = NamespaceConfiguration()
        deviceRules = []
        writableCgroups = false
        oomScoreAdjustment = 0
    }

    /// Where the overlay keeps what the container writes.
    package var upperDirectory: String { directory + "/upper" }
    /// The overlay's own directory.
    package var workDirectory: String { directory + "/work" }
    /// Where the root is mounted, in the container's mount namespace only.
    package var mountPoint: String { directory + "/rootfs" }
    /// Where places that are mounted on are made, and the directory that takes.
    package var placesDirectory: String { directory + "/places" }
    package var placesWorkDirectory: String { directory + "/places-work" }

    /// What Docker hides.
    package static let dockerMaskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ]

    /// What Docker makes read-only.
    package static let dockerReadOnlyPaths = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]
}
