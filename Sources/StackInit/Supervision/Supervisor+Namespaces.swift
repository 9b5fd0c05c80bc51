import CLinux

/// A process of another container whose namespaces are joined.
struct NamespaceDonor {
    /// The kinds of namespace (`CLONE_NEW*`).
    var flags: UInt64
    /// Its pidfd.
    var handle: Int32
}

/// What the process shares with other processes than its own.
extension Supervisor {
    /// How long another supervisor may take to answer, in milliseconds.
    private static let patience: Int32 = 5_000

    /// Joins the namespaces of other containers, so that the next process is made in them.
    ///
    /// Asked anew at each start: the other container may have been started again, with new ones.
    func joinDonors() throws(Fault) -> [NamespaceDonor] {
        var donors: [NamespaceDonor] = []
        do throws(Fault) {
            for donation in plan.donations {
                let handle = try Self.askForProcess(donation.directory)
                donors.append(NamespaceDonor(flags: donation.flags, handle: handle))
                try check(
                    linux_setns(handle, Int32(truncatingIfNeeded: donation.flags)),
                    "setns to the namespaces of the other container")
            }
        } catch {
            for donor in donors { closeDescriptor(donor.handle) }
            throw error
        }
        return donors
    }

    /// The pidfd of a container's first process, from its supervisor.
    private static func askForProcess(_ directory: KernelString) throws(Fault) -> Int32 {
        let opened = try check(
            withCString(directory) { linux_openat(INIT_AT_FDCWD, $0, INIT_O_PATH | O_DIRECTORY | O_CLOEXEC, 0) },
            "open", directory)
        defer { closeDescriptor(opened) }
        let socket = try check(init_unix_socket(), "socket")
        defer { closeDescriptor(socket) }
        // Socket addresses are short; the directory's path need not be.
        let path = KernelString(descriptorPath: opened) + "/" + SupervisionPlan.controlName
        guard withCString(path, { linux_connect_unix(socket, $0) }) >= 0 else { throw notRunning }
        guard writeAll(socket, ControlMessage.openProcess.encoded(number: 1)) else { throw notRunning }
        return try receiveProcess(socket)
    }

    /// Other lines, such as the status, may come first, and several at once.
    private static func receiveProcess(_ socket: Int32) throws(Fault) -> Int32 {
        let size = 4 * ControlMessage.maximumLength
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        let descriptors = UnsafeMutablePointer<Int32>.allocate(capacity: Int(LINUX_MAXIMUM_DESCRIPTORS))
        defer {
            buffer.deallocate()
            descriptors.deallocate()
        }
        var line: [UInt8] = []
        var handle: Int32 = -1
        while true {
            var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard init_poll(&polled, 1, patience) == 1 else { throw notRunning }
            var carried = 0
            let count = linux_receive_descriptors(socket, buffer, size, descriptors, &carried)
            guard count > 0 else { throw notRunning }
            for index in 0..<max(carried, 0) {
                if index == 0 && handle < 0 { handle = descriptors[0] } else { closeDescriptor(descriptors[index]) }
            }
            line.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
            while let end = line.firstIndex(of: 0x0A) {
                let message = SupervisorMessage(decoding: Array(line[..<end]))
                line.removeFirst(end + 1)
                if case .done? = message, handle >= 0 { return handle }
                if case .refused? = message { throw notRunning }
            }
        }
    }

    private static var notRunning: Fault {
        Fault(ESRCH, "the container whose namespace is to be joined is not running")
    }

    /// Kills what is left of the container's group: without a process namespace of its own it does not end with its
    /// first process.
    func killGroup() {
        guard let entry = plan.cgroupFiles.first, let slash = entry.bytes.lastIndex(of: 0x2F) else { return }
        let list = KernelString(bytes: Array(entry.bytes[...slash])) + "cgroup.procs"
        for _ in 0..<600 {
            let file = withCString(list) { linux_openat(INIT_AT_FDCWD, $0, O_RDONLY | O_CLOEXEC, 0) }
            guard file >= 0 else { return }
            let members = readAll(file, limit: 1 << 20) ?? []
            closeDescriptor(file)
            var living = false
            for line in members.split(separator: 0x0A) {
                guard let number = StatusLineReader.parse(line), number > 1, number != Int64(getpid()) else { continue }
                if init_kill(Int32(truncatingIfNeeded: number), SIGKILL) >= 0 { living = true }
            }
            while init_wait(-1, nil, WNOHANG, nil) > 0 {}
            if !living { return }
            _ = init_poll(nil, 0, 5)
        }
    }
}
