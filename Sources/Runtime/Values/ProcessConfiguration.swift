/// What is executed in a container, as whom.
package struct ProcessConfiguration: Sendable, Hashable {
    /// The program and its arguments.
    ///
    /// A name without a slash is searched in the environment's PATH.
    package var arguments: [String]
    /// The environment, as `NAME=value`.
    package var environment: [String]
    /// The working directory, absolute; made when missing for a container's first process, refused for another.
    package var workingDirectory: String
    /// `user`, `uid`, `user:group` or `uid:gid`, looked up in the container's files; empty is root.
    package var user: String
    /// Groups to add, by name or number.
    package var additionalGroups: [String]
    /// Whether the process can gain no privileges by executing set-user-ID files.
    package var noNewPrivileges: Bool
    /// The bounding set; what root has.
    ///
    /// Another user has none.
    package var capabilities: [Capability]
    /// Limits of the process.
    package var limits: [ResourceLimit]
    /// The file mode creation mask.
    package var umask: UInt32

    package init(
        arguments: [String], environment: [String] = [], workingDirectory: String = "/", user: String = "",
        additionalGroups: [String] = [], noNewPrivileges: Bool = true,
        capabilities: [Capability] = Capability.dockerDefault, limits: [ResourceLimit] = [], umask: UInt32 = 0o022
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.additionalGroups = additionalGroups
        self.noNewPrivileges = noNewPrivileges
        self.capabilities = capabilities
        self.limits = limits
        self.umask = umask
    }
}

/// The size of a terminal, in characters.
package struct TerminalConfiguration: Sendable, Hashable {
    /// Lines.
    package var rows: Int
    /// Characters in a line.
    package var columns: Int

    package init(rows: Int = 24, columns: Int = 80) {
        self.rows = rows
        self.columns = columns
    }
}

/// Which system calls a process may make.
package enum SeccompProfile: Sendable, Hashable {
    /// What an ordinary container needs: not mounting, tracing the kernel, loading modules, setting the clock.
    case standard
    /// What these rules say.
    case custom(SeccompRules)
    /// Everything.
    case unconfined
}

/// What is executed beside a container's own process.
package struct ExecConfiguration: Sendable, Hashable {
    /// The program.
    package var process: ProcessConfiguration
    /// The container's name, for messages.
    package var containerName: String
    /// The container's cgroup, as in its configuration.
    package var cgroupPath: String
    /// A terminal, or nil to use the streams given.
    package var terminal: TerminalConfiguration?
    /// Which system calls it may make.
    package var seccomp: SeccompProfile
    /// Whether it has every capability and system call.
    package var privileged: Bool
    /// How likely the out-of-memory killer takes the process, -1000 to 1000.
    package var oomScoreAdjustment: Int32

    package init(
        process: ProcessConfiguration, containerName: String, cgroupPath: String,
        terminal: TerminalConfiguration? = nil, seccomp: SeccompProfile = .standard, privileged: Bool = false
    ) {
        self.process = process
        self.containerName = containerName
        self.cgroupPath = cgroupPath
        self.terminal = terminal
        self.seccomp = seccomp
        self.privileged = privileged
        oomScoreAdjustment = 0
    }
}

/// Where an executed process's streams go.
package enum ExecStreams: Sendable, Hashable {
    /// Descriptors of the caller; they are duplicated.
    ///
    /// No input is /dev/null.
    case descriptors(input: Int32?, output: Int32, error: Int32)
    /// A terminal is made; `ExecProcess.terminal` is its other end.
    case terminal
}
