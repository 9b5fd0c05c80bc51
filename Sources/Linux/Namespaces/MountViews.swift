import CLinux
import Glibc

/// A tree of mounts that only its descriptors lead to.
///
/// The mounts go when both are closed.
package struct MountView: Sendable {
    /// The directory that is the tree's root, a handle only (`O_PATH`).
    package let root: SharedDescriptor
    /// What keeps the mounts below the root: they would come apart with the last of their namespace.
    package let namespace: SharedDescriptor
}

extension Namespaces {
    /// The root of a mount namespace with all that is mounted in it.
    ///
    /// Whatever its processes chose as their own roots does not matter, and no name is looked up among theirs.
    ///
    /// It blocks: call it from `BlockingExecutor`.
    package static func openView(of namespace: SharedDescriptor) throws(SystemError) -> MountView {
        let root = try Thread.run(name: "mntns") { () throws(SystemError) in
            // Root and working directory follow the namespace, so that they must be this thread's own.
            _ = try system("unshare", "CLONE_FS") { linux_unshare(CLONE_FS) }
            _ = try system("setns", "mount namespace") { linux_setns(namespace.raw, CLONE_NEWNS) }
            return try Files.open("/", [.path, .directory]).shared()
        }
        return MountView(root: root, namespace: namespace)
    }

    /// A mount namespace of its own whose root is what a body mounts at a directory.
    ///
    /// Nothing of it is seen outside, and nothing of the host's is left in it.
    ///
    /// It blocks: call it from `BlockingExecutor`.
    ///
    /// - Parameters:
    ///   - directory: an empty directory, which is not needed any more afterwards.
    ///   - assemble: mounts something at the directory, and what it likes below.
    package static func makeView(
        at directory: String, _ assemble: @escaping @Sendable () throws(SystemError) -> Void
    ) throws(SystemError) -> MountView {
        try Thread.run(name: "mntns") { () throws(SystemError) in
            // This unshares root and working directory as well.
            _ = try system("unshare", "CLONE_NEWNS") { linux_unshare(CLONE_NEWNS) }
            let namespace = try Files.open("/proc/thread-self/ns/mnt").shared()
            try Mounts.mount(source: nil, target: "/", flags: [.private, .recursive])
            try assemble()
            _ = try system("chdir", directory) { chdir(directory) }
            // The old root comes to lie over the new one, and is taken away (pivot_root(2), "pivot_root(".", ".")").
            _ = try system("pivot_root", directory) { linux_pivot_root(".", ".") }
            try Mounts.unmount(".", .detach)
            _ = try system("chdir", "/") { chdir("/") }
            return MountView(root: try Files.open("/", [.path, .directory]).shared(), namespace: namespace)
        }
    }
}
