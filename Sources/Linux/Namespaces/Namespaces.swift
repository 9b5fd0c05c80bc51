import CLinux
import Glibc

/// The kinds of namespace, by their file in `/proc/PID/ns`.
package enum NamespaceKind: String, Sendable {
    case network = "net"
    case mount = "mnt"
    case processes = "pid"
    case hostname = "uts"
    case ipc = "ipc"
    case user = "user"
    case cgroup = "cgroup"
}

/// Which namespace a descriptor stands for: two with equal identities are the same namespace.
package struct NamespaceIdentity: Sendable, Hashable {
    package var device: DeviceNumber
    package var inode: UInt64
}

/// Namespaces, reached from threads of their own: changing a namespace changes the calling thread.
package enum Namespaces {
    /// The namespace a process is in.
    ///
    /// Throws `ENOENT` or `ESRCH` when the process is gone.
    package static func open(_ pid: Int32, _ kind: NamespaceKind) throws(SystemError) -> FileDescriptor {
        try Files.open("/proc/\(pid)/ns/\(kind.rawValue)")
    }

    /// This process's own namespace.
    package static func open(_ kind: NamespaceKind) throws(SystemError) -> FileDescriptor {
        try Files.open("/proc/self/ns/\(kind.rawValue)")
    }

    /// Makes an empty network namespace.
    ///
    /// It lives while the descriptor, a process or a mount holds it.
    package static func makeNetwork() throws(SystemError) -> FileDescriptor {
        let holder = try Thread.run(name: "netns") { () throws(SystemError) in
            _ = try system("unshare", "CLONE_NEWNET") { linux_unshare(CLONE_NEWNET) }
            return try Files.open("/proc/thread-self/ns/net").shared()
        }
        return try holder.duplicate()
    }

    /// Runs a body on a thread that is in a network namespace, and waits for it.
    ///
    /// Sockets it makes stay in there.
    ///
    /// It blocks: call it from `BlockingExecutor`.
    package static func withNetworkNamespace<Answer>(
        _ namespace: Int32, _ body: @escaping @Sendable () throws(SystemError) -> Answer
    ) throws(SystemError) -> Answer {
        // The thread ends after the body, and its namespace with it: nothing needs to be put back.
        try Thread.run(name: "netns") { () throws(SystemError) in
            _ = try system("setns", "network namespace") { linux_setns(namespace, CLONE_NEWNET) }
            return try body()
        }
    }

    /// Runs a body in one network namespace after another, on one thread, and waits for it.
    ///
    /// - Parameter body: is given the position of the namespace it is in.
    /// - Returns: an answer for each; a failure of one is its own.
    ///
    /// It blocks: call it from `BlockingExecutor`.
    package static func inEachNetworkNamespace<Answer>(
        _ namespaces: [Int32], _ body: @escaping @Sendable (Int) throws(SystemError) -> Answer
    ) throws(SystemError) -> [Result<Answer, SystemError>] {
        try Thread.run(name: "netns") { () throws(SystemError) in
            namespaces.indices.map { position in
                Result { () throws(SystemError) in
                    let namespace = namespaces[position]
                    _ = try system("setns", "network namespace") { linux_setns(namespace, CLONE_NEWNET) }
                    return try body(position)
                }
            }
        }
    }

    /// A new mount of what is mounted at the root of a mount namespace, without the mounts below it.
    ///
    /// It is nowhere, and goes with its descriptor. No name is looked up in the namespace.
    ///
    /// It blocks: call it from `BlockingExecutor`.
    package static func cloneRoot(of namespace: Int32) throws(SystemError) -> FileDescriptor {
        let tree = try Thread.run(name: "mntns") { () throws(SystemError) in
            // Root and working directory follow the namespace, so that they must be this thread's own.
            _ = try system("unshare", "CLONE_FS") { linux_unshare(CLONE_FS) }
            _ = try system("setns", "mount namespace") { linux_setns(namespace, CLONE_NEWNS) }
            return try Mounts.openTree("/", clone: true).shared()
        }
        return try tree.duplicate()
    }

    /// The identity of an open namespace.
    package static func identity(_ namespace: Int32) throws(SystemError) -> NamespaceIdentity {
        let status = try FileStatus.read(descriptor: namespace, subject: "namespace")
        return NamespaceIdentity(device: status.device, inode: status.inode)
    }
}
