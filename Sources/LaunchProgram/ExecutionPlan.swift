/// One process that is run once and waited for: an exec in a running container, or a jailed program.
package struct ExecutionPlan: Sendable, Equatable {
    /// Namespaces to join (`CLONE_NEW*`) through the pidfd given beside the plan; 0: none.
    ///
    /// The parent joins all but the cgroup namespace: that the process joins itself, once it is in its cgroup.
    package var joinFlags: UInt64
    /// Namespaces made with the process (`CLONE_NEW*`).
    package var cloneFlags: UInt64
    /// The files of the cgroups to join, opened before any namespace is entered.
    package var cgroupFiles: [KernelString]
    /// Whether the first of these files is a cgroup v2 group, so that the process can be made inside it.
    package var cgroupIsUnified: Bool
    /// The longest the process may run, in milliseconds; 0: no limit.
    ///
    /// Then it is killed.
    package var timeLimit: UInt64
    /// Whether the process dies with the one that asked for it.
    package var diesWithCaller: Bool
    /// How likely the kernel's out-of-memory killer takes the process, -1000 to 1000; nil: as likely as the caller.
    package var outOfMemoryScore: Int32?
    /// What the process does before it is the user's.
    package var program: LaunchProgram

    /// "EXP" and the version of the form.
    private static let mark: UInt32 = 0x0150_5845

    package init(program: LaunchProgram) {
        joinFlags = 0
        cloneFlags = 0
        cgroupFiles = []
        cgroupIsUnified = false
        timeLimit = 0
        diesWithCaller = false
        outOfMemoryScore = nil
        self.program = program
    }

    /// The binary form.
    ///
    /// The program is last.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.mark)
        writer.put(joinFlags)
        writer.put(cloneFlags)
        writer.put(cgroupFiles)
        writer.put(cgroupIsUnified)
        writer.put(timeLimit)
        writer.put(diesWithCaller)
        writer.put(outOfMemoryScore != nil)
        writer.put(outOfMemoryScore ?? 0)
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
        joinFlags = try reader.unsigned64()
        cloneFlags = try reader.unsigned64()
        cgroupFiles = try reader.strings()
        cgroupIsUnified = try reader.boolean()
        timeLimit = try reader.unsigned64()
        diesWithCaller = try reader.boolean()
        let hasScore = try reader.boolean()
        let score = try reader.signed32()
        outOfMemoryScore = hasScore ? score : nil
        program = LaunchProgram()
    }
}
