/// Namespaces of another container that a container's process is made in.
package struct NamespaceDonation: Sendable, Equatable {
    /// The kinds (`CLONE_NEW*`).
    package var flags: UInt64
    /// The other container's directory: its supervisor is asked for its process at each start.
    package var directory: KernelString

    package init(flags: UInt64, directory: KernelString) {
        self.flags = flags
        self.directory = directory
    }
}

/// What a supervisor is told once, when it starts.
///
/// It needs nothing else, and nobody, for the container's whole life.
package struct SupervisionPlan: Sendable, Equatable {
    /// The container's directory: status, control socket and log live there.
    package var directory: KernelString
    /// Namespaces made with the process (`CLONE_NEW*`).
    package var cloneFlags: UInt64
    /// The entry files of the container's groups; the groups are removed after the final exit.
    package var cgroupFiles: [KernelString]
    /// Whether the group above belongs to somebody else, and stays when nothing is in it.
    package var keepsGroupAbove: Bool
    /// Whether the first of these files is a cgroup v2 group, so that the process can be made inside it.
    package var cgroupIsUnified: Bool
    /// A file with an `oom_kill` line (`memory.events`, `memory.oom_control`); empty: none.
    package var memoryEvents: KernelString
    /// When to start the process again.
    package var restart: RestartPolicy
    /// The signal that asks the process to end.
    package var stopSignal: Int32
    /// How long after it SIGKILL follows, in milliseconds.
    package var stopTimeout: UInt32
    /// The log file; empty: output is discarded.
    package var log: KernelString
    /// The size at which the log is renamed, in bytes; 0: never.
    package var logMaximumBytes: UInt64
    /// How many log files are kept, the current one included; at least 1.
    package var logMaximumFiles: UInt32
    /// Whether stdin is a pipe that clients can open; otherwise it is /dev/null.
    package var openInput: Bool
    /// Whether the program opens a terminal.
    package var terminal: Bool
    /// Namespaces of other containers to make the process in, at each start.
    package var donations: [NamespaceDonation]
    /// Whether the process's own children may outlive it: then they are killed by their group at its end.
    package var killsGroup: Bool
    /// Whether the network namespace is the container's own, and its links go when it ends.
    package var ownsNetwork: Bool
    /// What the process does before it is the user's.
    package var program: LaunchProgram

    /// The name of the status file in the directory.
    package static let statusName: KernelString = "status"
    /// The name of the file a living supervisor holds a lock on.
    package static let lockName: KernelString = "lock"
    /// The name of the control socket in the directory.
    package static let controlName: KernelString = "control.sock"

    /// "SVP" and the version of the form.
    private static let mark: UInt32 = 0x0250_5653

    package init(directory: KernelString, program: LaunchProgram) {
        self.directory = directory
        self.program = program
        cloneFlags = 0
        cgroupFiles = []
        cgroupIsUnified = false
        memoryEvents = ""
        restart = .never
        stopSignal = 15
        stopTimeout = 10_000
        log = ""
        logMaximumBytes = 0
        logMaximumFiles = 1
        openInput = false
        terminal = false
        donations = []
        killsGroup = false
        keepsGroupAbove = false
        ownsNetwork = false
    }

    /// The binary form.
    ///
    /// The program is last.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.mark)
        writer.put(directory)
        writer.put(cloneFlags)
        writer.put(cgroupFiles)
        writer.put(cgroupIsUnified)
        writer.put(memoryEvents)
        restart.encode(to: &writer)
        writer.put(stopSignal)
        writer.put(stopTimeout)
        writer.put(log)
        writer.put(logMaximumBytes)
        writer.put(logMaximumFiles)
        writer.put(openInput)
        writer.put(terminal)
        writer.put(UInt32(truncatingIfNeeded: donations.count))
        for donation in donations {
            writer.put(donation.flags)
            writer.put(donation.directory)
        }
        writer.put(killsGroup)
        writer.put(keepsGroupAbove)
        writer.put(ownsNetwork)
        program.encode(to: &writer)
        return writer.bytes
    }

    /// Reads the binary form, all of it.
    package init(decoding bytes: [UInt8]) throws(LaunchProgramError) {
        var reader = ByteReader(bytes)
        try self.init(settingsFrom: &reader)
        program = try LaunchProgram(from: &reader)
        guard reader.isAtEnd else { throw .trailingBytes(offset: reader.offset) }
    }

    /// Reads all but the program, which begins where the reader then stands.
    package init(settingsFrom reader: inout ByteReader) throws(LaunchProgramError) {
        guard try reader.unsigned32() == Self.mark else { throw .notAProgram }
        directory = try reader.string()
        cloneFlags = try reader.unsigned64()
        cgroupFiles = try reader.strings()
        cgroupIsUnified = try reader.boolean()
        memoryEvents = try reader.string()
        restart = try RestartPolicy(from: &reader)
        stopSignal = try reader.signed32()
        stopTimeout = try reader.unsigned32()
        log = try reader.string()
        logMaximumBytes = try reader.unsigned64()
        logMaximumFiles = try reader.unsigned32()
        openInput = try reader.boolean()
        terminal = try reader.boolean()
        donations = []
        let number = try reader.count()
        for _ in 0..<number {
            donations.append(
                NamespaceDonation(flags: try reader.unsigned64(), directory: try reader.string()))
        }
        killsGroup = try reader.boolean()
        keepsGroupAbove = try reader.boolean()
        ownsNetwork = try reader.boolean()
        program = LaunchProgram()
    }
}
