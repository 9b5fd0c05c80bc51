import LaunchProgram

/// One program, run once, that sees and reaches nothing but what it is given.
package struct JailRequest: Sendable {
    /// A path that is visible in the jail.
    package struct Path: Sendable, Hashable {
        /// The file or directory of the host.
        package var source: String
        /// Where it is in the jail.
        package var target: String

        package init(_ source: String, at target: String? = nil) {
            self.source = source
            self.target = target ?? source
        }
    }

    /// What the program may use; 0 is no limit.
    package struct Limits: Sendable, Hashable {
        /// Its address space, in bytes.
        package var memoryBytes: Int64
        /// Its processor time, in seconds.
        package var cpuSeconds: Int64
        /// Its time by the clock.
        package var wallTime: Duration
        /// Its processes and threads.
        package var processes: Int64
        /// The size of a file it writes, in bytes; here 0 means none can be written.
        package var fileBytes: Int64
        /// Its open files.
        package var openFiles: Int64

        package init(
            memoryBytes: Int64 = 1 << 30, cpuSeconds: Int64 = 30, wallTime: Duration = .seconds(60),
            processes: Int64 = 16, fileBytes: Int64 = 0, openFiles: Int64 = 256
        ) {
            self.memoryBytes = memoryBytes
            self.cpuSeconds = cpuSeconds
            self.wallTime = wallTime
            self.processes = processes
            self.fileBytes = fileBytes
            self.openFiles = openFiles
        }
    }

    /// `stack-init`.
    package var initBinary: String
    /// The program, by its path in the jail.
    package var executable: String
    /// Its arguments, its own name first.
    package var arguments: [String]
    /// Its environment, as `NAME=value`; nothing else is in it.
    package var environment: [String]
    /// What it can read.
    package var readOnlyPaths: [Path]
    /// What it can write, too.
    package var writablePaths: [Path]
    /// Where it begins.
    package var workingDirectory: String
    /// What it may use.
    package var limits: Limits
    /// Descriptors it gets beside 0 to 5: its number, 6 or more, → ours.
    package var descriptors: [Int32: Int32]
    /// What it reads from stdin.
    package var input: [UInt8]
    /// How much of stdout, and of stderr, is kept, in bytes.
    package var outputLimit: Int
    /// How much of descriptor 3 is kept, in bytes.
    package var resultLimit: Int
    /// How much of descriptor 5 is kept, in bytes.
    package var reportLimit: Int
    /// Whether it has a /proc of its own.
    package var mountProc: Bool
    /// The size of a private /tmp, in bytes; 0 is none.
    package var tmpBytes: Int64
    /// Which system calls it may make.
    package var seccomp: SeccompProfile

    package init(initBinary: String, executable: String, arguments: [String]) {
        self.initBinary = initBinary
        self.executable = executable
        self.arguments = arguments
        environment = []
        readOnlyPaths = []
        writablePaths = []
        workingDirectory = "/"
        limits = Limits()
        descriptors = [:]
        input = []
        outputLimit = 1 << 20
        resultLimit = 64 << 20
        reportLimit = 1 << 20
        mountProc = false
        tmpBytes = 0
        seccomp = .standard
    }
}

/// What a jailed program left.
package struct JailResult: Sendable, Hashable {
    /// Its exit code, 128 + n for signal n.
    package var exitCode: Int32
    /// The signal that ended it; 0: none.
    package var signal: Int32
    /// What it wrote to stdout.
    package var standardOutput: [UInt8]
    /// What it wrote to stderr.
    package var standardError: [UInt8]
    /// What it wrote to descriptor 3.
    package var result: [UInt8]
    /// What it wrote to descriptor 5.
    package var report: [UInt8]
    /// Whether it wrote more than was kept anywhere.
    package var truncated: Bool
    /// The most memory it held, in bytes.
    package var peakMemoryBytes: Int64
    /// Whether its time by the clock was over, and it was killed.
    package var timedOut: Bool
    /// What protection this host could not give.
    package var warnings: [String]
}
