import CLinux

/// A process on its way from clone to exec, seen from its parent.
struct LaunchedProcess {
    /// The process's id in the parent's namespace.
    var pid: Int32
    /// Its pidfd.
    var handle: Int32
    /// Where a failure, or the terminal, arrives; it ends when the user's program runs.
    var channel: Int32
    /// Whether it said that the user's program is next: an end of the channel is then the program's beginning.
    var isExecuting = false
}

/// The streams a process begins with.
struct ProcessStreams {
    var input: Int32 = -1
    var output: Int32 = -1
    var error: Int32 = -1
}

/// How a process gets into its cgroup: made inside (version 2) or by writing to files (version 1).
struct CgroupEntrance {
    /// The kernel's `CLONE_INTO_CGROUP`.
    static let cloneFlag: UInt64 = 0x2_0000_0000

    /// The version 2 group's directory; -1: not used.
    var directory: Int32 = -1
    /// The files to write to, open; empty: the program opens them by name.
    var files: [Int32] = []

    /// Opens what is needed before namespaces are entered.
    init(_ paths: [KernelString], isUnified: Bool, opensFiles: Bool) throws(Fault) {
        if isUnified, let path = paths.first, let slash = path.bytes.lastIndex(of: 0x2F) {
            let group = KernelString(bytes: Array(path.bytes[..<slash]))
            let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
            directory = try check(withCString(group) { linux_openat(INIT_AT_FDCWD, $0, flags, 0) }, "open", group)
        } else if opensFiles {
            for path in paths {
                let flags = O_WRONLY | O_CLOEXEC
                files.append(
                    try check(withCString(path) { linux_openat(INIT_AT_FDCWD, $0, flags, 0) }, "open", path))
            }
        }
    }

    func close() {
        closeDescriptor(directory)
        for file in files { closeDescriptor(file) }
    }
}

/// A process in new namespaces that interprets the program at the end of a plan.
struct ProcessLaunch {
    /// The encoded plan.
    var plan: [UInt8]
    /// Where the program begins in it.
    var programOffset: Int
    /// Namespaces made with the process.
    var cloneFlags: UInt64
    var streams = ProcessStreams()
    var diesWithParent = true
    /// Descriptors below this number are handed to the program; of all others the child keeps only what it needs.
    var firstOwnDescriptor: Int32 = 3
    /// A pidfd of the process whose cgroup namespace is joined; -1: none.
    ///
    /// The kernel lets nobody into a cgroup from beyond its namespace: so that comes after the cgroup, in the child.
    var cgroupNamespace: Int32 = -1
    /// A pidfd of the process whose namespaces the new one is made in; -1: none.
    var donor: Int32 = -1

    /// Makes the process.
    ///
    /// In the child this does not return.
    func start(in cgroups: CgroupEntrance) throws(Fault) -> LaunchedProcess {
        var ours: Int32 = -1
        var theirs: Int32 = -1
        try check(init_socket_pair(&ours, &theirs), "socketpair")
        var handle: Int32 = -1
        let pid = withUnsafeMutablePointer(to: &handle) { handle in
            var arguments = linux_clone_args()
            arguments.flags = cloneFlags | UInt64(INIT_CLONE_PIDFD)
            arguments.pidfd = UInt64(UInt(bitPattern: handle))
            arguments.exit_signal = UInt64(SIGCHLD)
            if cgroups.directory >= 0 {
                arguments.flags |= CgroupEntrance.cloneFlag
                arguments.cgroup = UInt64(cgroups.directory)
            }
            return linux_clone3(&arguments)
        }
        if pid < 0 {
            let fault = Fault.last("clone3")
            closeDescriptor(ours)
            closeDescriptor(theirs)
            throw fault
        }
        if pid == 0 {
            closeDescriptor(ours)
            becomeProgram(cgroups, channel: theirs)
        }
        closeDescriptor(theirs)
        return LaunchedProcess(pid: Int32(pid), handle: handle, channel: ours)
    }

    private func becomeProgram(_ cgroups: CgroupEntrance, channel: Int32) -> Never {
        if diesWithParent {
            _ = linux_prctl(INIT_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0)
            // The parent may have ended before it was asked for.
            if init_is_hung_up(channel) != 0 { init_exit(125) }
        }
        init_reset_signals()
        _ = setsid()
        var interpreter = Interpreter(channel: channel)
        interpreter.cgroups = cgroups.files
        interpreter.isInCgroup = cgroups.directory >= 0
        interpreter.cgroupNamespace = cgroupNamespace
        interpreter.donor = donor
        interpreter.diesWithParent = diesWithParent
        var failure = LaunchFailure(operation: LaunchFailure.processStep, code: 0)
        do throws(Fault) {
            try adoptStreams()
            // Before any path of the container is looked at: a name under /proc/self/fd must lead nowhere.
            try check(
                closeDescriptors(from: firstOwnDescriptor, but: [channel, cgroupNamespace, donor] + cgroups.files),
                "close_range")
            var reader = ByteReader(plan, offset: programOffset)
            failure = interpreter.run(&reader)
        } catch {
            failure.code = error.code
            failure.detail = error.detail
        }
        if failure.detail.bytes.count > 200 {
            failure.detail = KernelString(bytes: Array(failure.detail.bytes.prefix(200)))
        }
        let message = SupervisorMessage.failed(failure).encoded()
        _ = message.withUnsafeBytes { write(channel, $0.baseAddress, $0.count) }
        init_exit(125)
    }

    private func adoptStreams() throws(Fault) {
        // Numbers 0 to 2 are taken in the parent, so no stream is overwritten before it is copied.
        var position: Int32 = 0
        for stream in [streams.input, streams.output, streams.error] {
            if stream >= 0 && stream != position {
                try check(dup2(stream, position), "dup2")
            }
            position += 1
        }
    }
}

/// What came through a process's channel.
enum LaunchReport {
    /// The user's program is next.
    case executing
    /// The channel's end: the user's program runs, or the process is gone.
    case closed
    /// The terminal, opened in the container; more will come.
    case terminal(Int32)
    /// An operation failed.
    case failed(LaunchFailure)
    /// Nothing yet.
    case nothing

    /// The one byte that says `executing`.
    static let executingMark: UInt8 = 0x58

    /// Reads what came through a process's channel.
    init(from channel: Int32) {
        let size = 1024
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        let descriptors = UnsafeMutablePointer<Int32>.allocate(capacity: Int(LINUX_MAXIMUM_DESCRIPTORS))
        defer {
            buffer.deallocate()
            descriptors.deallocate()
        }
        var carried = 0
        let count = linux_receive_descriptors(channel, buffer, size, descriptors, &carried)
        if count < 0 && (linux_errno() == EAGAIN || linux_errno() == EINTR) {
            self = .nothing
        } else if count <= 0 {
            self = .closed
        } else if carried > 0 {
            for index in 1..<max(carried, 1) { closeDescriptor(descriptors[index]) }
            self = .terminal(descriptors[0])
        } else if count == 1 && buffer[0] == Self.executingMark {
            self = .executing
        } else {
            let bytes = Array(UnsafeBufferPointer(start: buffer, count: count))
            let line = Array(bytes.prefix { $0 != 0x0A })
            if case .failed(let failure)? = SupervisorMessage(decoding: line) {
                self = .failed(failure)
            } else {
                self = .failed(LaunchFailure(operation: LaunchFailure.processStep, code: EPROTO))
            }
        }
    }
}

extension LaunchFailure {
    /// The process ended before the user's program began, and said nothing.
    static var interrupted: LaunchFailure {
        LaunchFailure(
            operation: LaunchFailure.interruptedStep, code: ECANCELED,
            detail: "it was killed, by a signal or for want of memory, before the program began")
    }
}
