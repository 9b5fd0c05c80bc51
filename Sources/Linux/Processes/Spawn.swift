import CLinux
import Glibc
import Synchronization

/// Starts programs.
///
/// `posix_spawn` does it without copying the process and reports a failed `exec` at once.
package enum Spawn {
    /// Starts a program.
    ///
    /// Throws what `execve` answers (`ENOENT`, `EACCES`, `ENOEXEC`, …), or `EBADF` for a bad mapping.
    package static func start(_ request: SpawnRequest) throws(SystemError) -> ChildProcess {
        // Whatever in this process forgot close-on-exec, a child must not get it.
        _ = linux_close_range(3, UInt32.max, 4)  // CLOSE_RANGE_CLOEXEC
        let highest = max(2, request.descriptors.keys.max() ?? 2)
        var staged: [SharedDescriptor] = []
        var mapping: [Int32: Int32] = [:]
        // Sources move above every target first: a target's number may be another mapping's source.
        for (target, source) in request.descriptors {
            guard target >= 0 else { throw SystemError(call: "posix_spawn", errno: .EBADF, subject: "fd \(target)") }
            let copy = try FileDescriptor.duplicating(source, minimum: highest + 1).shared()
            mapping[target] = copy.raw
            staged.append(copy)
        }
        let path: String
        switch request.executable {
        case .path(let text): path = text
        case .descriptor(let number):
            let copy = try FileDescriptor.duplicating(number, minimum: highest + 1).shared()
            staged.append(copy)
            path = "/proc/self/fd/\(copy.raw)"
        }
        let pid = try withExtendedLifetime(staged) { () throws(SystemError) in
            try spawn(request, path: path, mapping: mapping)
        }
        return try ChildProcess.adopt(pid)
    }

    private static func spawn(
        _ request: SpawnRequest, path: String, mapping: [Int32: Int32]
    ) throws(SystemError) -> Int32 {
        let executable = try path.terminated(for: "posix_spawn")
        let arguments = try CStringArray(request.arguments)
        let environment = try CStringArray(request.environment)
        let directory = try request.workingDirectory?.terminated(for: "chdir")

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for standard in Int32(0)...2 where mapping[standard] == nil {
            posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
        }
        for (target, source) in mapping { posix_spawn_file_actions_adddup2(&actions, source, target) }
        if let directory { _ = linux_spawn_chdir(&actions, directory) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        configure(&attributes, request)

        var pid: pid_t = 0
        // posix_spawn returns the error instead of setting errno.
        let code = posix_spawn(&pid, executable, &actions, &attributes, arguments.pointers, environment.pointers)
        if code != 0 { throw SystemError(call: "posix_spawn", errno: Errno(code), subject: request.displayName) }
        return pid
    }

    /// Default dispositions and an empty mask, whatever this process blocks or ignores.
    private static func configure(_ attributes: inout posix_spawnattr_t, _ request: SpawnRequest) {
        var every = sigset_t()
        var none = sigset_t()
        sigfillset(&every)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &every)
        posix_spawnattr_setsigmask(&attributes, &none)
        var flags: Int32 = 0x04 | 0x08  // POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK
        if request.newSession {
            flags |= 0x80  // POSIX_SPAWN_SETSID
        } else if request.newProcessGroup {
            flags |= 0x02  // POSIX_SPAWN_SETPGROUP
            posix_spawnattr_setpgroup(&attributes, 0)
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }
}

/// An array of C strings with its final NULL, freed at the end of its life.
private struct CStringArray: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) throws(SystemError) {
        for string in strings where string.utf8.contains(0) {
            throw SystemError(call: "posix_spawn", errno: .EINVAL, subject: "argument or variable with a NUL byte")
        }
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        pointers.initialize(repeating: nil, count: count + 1)
        for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
