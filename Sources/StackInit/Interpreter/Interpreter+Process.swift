import CLinux

/// The last steps: working directory, descriptors, execve.
extension Interpreter {
    mutating func joinCgroups(_ files: [KernelString]) throws(Fault) {
        try enterCgroups(files)
        guard cgroupNamespace >= 0 else { return }
        try check(linux_setns(cgroupNamespace, Int32(NamespaceFlag.cgroup)), "setns to the cgroup namespace")
        closeDescriptor(cgroupNamespace)
        cgroupNamespace = -1
    }

    private func enterCgroups(_ files: [KernelString]) throws(Fault) {
        if isInCgroup { return }
        if !cgroups.isEmpty {
            for file in cgroups {
                guard writeAll(file, [0x30]) else { throw Fault.last("join the cgroup") }
                closeDescriptor(file)
            }
            return
        }
        for path in files {
            let file = try check(
                withCString(path) { linux_openat(INIT_AT_FDCWD, $0, O_WRONLY | O_CLOEXEC, 0) }, "open", path)
            defer { closeDescriptor(file) }
            guard writeAll(file, [0x30]) else { throw Fault.last("join", path) }
        }
    }

    mutating func changeDirectory(_ path: KernelString) throws(Fault) {
        let place = try check(find(path, flags: INIT_O_PATH | O_DIRECTORY), "open", path)
        defer { closeDescriptor(place) }
        try check(fchdir(place), "chdir to", path)
        // A directory outside the root has no path: the kernel says "(unreachable)".
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 4096)
        defer { buffer.deallocate() }
        guard init_getcwd(buffer, 4096) > 0, buffer[0] == 0x2F else {
            throw Fault(ENOENT, path + " is outside the root")
        }
    }

    mutating func closeAll(from first: UInt32) throws(Fault) {
        for own in [root, procfs, devpts, emptyDirectory, nullDevice, donor] { closeDescriptor(own) }
        donor = -1
        root = -1
        procfs = -1
        devpts = -1
        emptyDirectory = -1
        nullDevice = -1
        try check(closeDescriptors(from: Int32(clamping: first), but: [channel]), "close_range")
    }

    mutating func execute(
        _ program: KernelString, _ arguments: [KernelString], _ environment: [KernelString], reaper: Bool
    ) throws(Fault) {
        guard !program.isEmpty else { throw Fault(EINVAL, "no command") }
        if reaper { try becomeReaper() }
        var environment = environment
        if !home.isEmpty, Self.value(of: "HOME=", in: environment) == nil {
            environment.append(KernelString("HOME=") + home)
        }
        let argumentList = Self.list(arguments)
        let environmentList = Self.list(environment)
        // Again: becoming another user clears it.
        if diesWithParent { _ = linux_prctl(INIT_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0) }
        var mark = LaunchReport.executingMark
        guard write(channel, &mark, 1) == 1 else { throw Fault.last("report the beginning of the program") }
        if program.bytes.contains(0x2F) {
            let path = permanentCopy(program)
            _ = init_execve(path, argumentList, environmentList)
            throw Self.executionFault(linux_errno(), program)
        }
        let searched = Self.value(of: "PATH=", in: environment) ?? Array(KernelString.defaultPath.bytes)
        var code = ENOENT
        for directory in searched.split(separator: 0x3A) {
            let candidate = KernelString(bytes: Array(directory) + [0x2F] + program.bytes)
            let path = permanentCopy(candidate)
            _ = init_execve(path, argumentList, environmentList)
            let failed = linux_errno()
            path.deallocate()
            switch failed {
            case ENOENT, ENOTDIR: continue
            case EACCES: code = EACCES
            default: throw Self.executionFault(failed, candidate)
            }
        }
        if code == ENOENT { throw Fault(ENOENT, "executable file not found in $PATH") }
        throw Self.executionFault(code, program)
    }

    /// A directory given as the program is EACCES to the kernel; users are told what it is.
    private static func executionFault(_ code: Int32, _ path: KernelString) -> Fault {
        var code = code
        if code == ENOENT {
            let probe = withCString(path) { linux_openat(INIT_AT_FDCWD, $0, INIT_O_PATH | O_CLOEXEC, 0) }
            // One that is there misses its interpreter.
            guard probe < 0 else {
                closeDescriptor(probe)
                return Fault(code, "")
            }
            return Fault(code, KernelString("stat ") + path)
        }
        if code == EACCES {
            let probe = withCString(path) { linux_openat(INIT_AT_FDCWD, $0, INIT_O_PATH | O_CLOEXEC, 0) }
            var kind = init_file_kind()
            if probe >= 0, init_file_kind(probe, &kind) >= 0, kind.mode & FileType.mask == FileType.directory {
                code = EISDIR
            }
            closeDescriptor(probe)
        }
        return Fault(code, "")
    }

    private static func value(of name: KernelString, in environment: [KernelString]) -> [UInt8]? {
        for entry in environment.reversed() where entry.bytes.starts(with: name.bytes) {
            return Array(entry.bytes.dropFirst(name.bytes.count))
        }
        return nil
    }

    private static func list(_ strings: [KernelString]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        for index in 0..<strings.count { list[index] = permanentCopy(strings[index]) }
        list[strings.count] = nil
        return list
    }

    /// Splits in two: the child goes on to be the user's process, this one stays as the first process of the namespace,
    /// hands signals on, and collects orphans.
    private func becomeReaper() throws(Fault) {
        init_block_signals()
        // In a namespace of others this is no first process: orphans come to it only when it asks for them.
        _ = linux_prctl(INIT_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        let child = try check(init_fork(), "fork")
        if child == 0 {
            init_reset_signals()
            _ = setpgid(0, 0)
            if isatty(0) == 1 {
                init_ignore_signal(SIGTTOU)
                _ = tcsetpgrp(0, getpid())
                init_reset_signals()
            }
            return
        }
        _ = withCString("stack-init") { linux_prctl(INIT_PR_SET_NAME, UInt(bitPattern: $0), 0, 0, 0) }
        _ = linux_prctl(INIT_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0)
        closeDescriptor(channel)
        _ = linux_close_range(3, UInt32.max, 0)
        reap(until: child)
    }

    private func reap(until child: Int32) -> Never {
        while true {
            let signal = init_next_signal()
            if signal <= 0 { continue }
            guard signal == SIGCHLD else {
                _ = init_kill(child, signal)
                continue
            }
            var status: Int32 = 0
            while true {
                let ended = init_wait(-1, &status, WNOHANG, nil)
                if ended <= 0 { break }
                if ended == child { init_exit(init_exit_code(status)) }
            }
        }
    }
}

extension KernelString {
    /// Where programs are searched when the environment does not say.
    static let defaultPath: KernelString = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
