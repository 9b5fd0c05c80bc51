/// One step of a launch.
///
/// The interpreter executes them in order and stops at the first that fails.
///
/// A `target` is a path in the new root; it is resolved there, once, without ever leaving it. A `source` is a path on the
/// host. Flags and attributes are the kernel's own values (`MOUNT_ATTR_*`, `CLONE_*`, `RLIMIT_*`, `CAP_*`).
package enum Operation: Sendable, Equatable {
    /// Moves this process into a cgroup by writing 0 to each entry file given by host path, and then joins the
    /// cgroup namespace, when the plan names one.
    ///
    /// A process made inside its cgroup has nothing to write.
    case joinCgroups([KernelString])
    /// unshare(2): namespaces that must be made after other steps, as the cgroup namespace after joining the cgroup.
    case unshare(flags: UInt32)
    /// Maps this user namespace's `inside` ids to the given ids outside, one each, and denies setgroups(2).
    case mapIdentity(insideUser: UInt32, outsideUser: UInt32, insideGroup: UInt32, outsideGroup: UInt32)
    /// Sets how likely the kernel's out-of-memory killer takes this process: -1000 to 1000.
    case setOutOfMemoryScore(Int32)
    /// Sets the propagation of every mount of this namespace (`MS_PRIVATE`, `MS_SLAVE`), recursively.
    case setPropagation(flags: UInt32)
    /// Mounts an overlay on a host directory and takes it as the new root.
    ///
    /// Lower directories are given top first.
    case overlayRoot(lower: [KernelString], upper: KernelString, work: KernelString, mountPoint: KernelString)
    /// Takes a copy of a host directory's mount as the new root, attached to the mount point.
    case bindRoot(source: KernelString, mountPoint: KernelString)
    /// Takes an empty tmpfs as the new root, attached to the mount point.
    case temporaryRoot(sizeBytes: UInt64, mountPoint: KernelString)
    /// Mounts a new file system (fsopen, fsconfig, fsmount, move_mount).
    ///
    /// Without `followLinks` the target must be a real directory that no link leads to, as it must be for the kernel's
    /// own file systems.
    case mount(
        type: KernelString, options: [MountOption], attributes: UInt32, target: KernelString, followLinks: Bool)
    /// Attaches a copy of a host path's mount (open_tree, mount_setattr, move_mount).
    case bind(source: KernelString, target: KernelString, recursive: Bool, attributes: UInt32, propagation: UInt32)
    /// Makes a directory, and those above it, where missing.
    case makeDirectory(target: KernelString, mode: UInt32)
    /// Makes a symbolic link.
    ///
    /// One that is there is left.
    case makeSymbolicLink(target: KernelString, content: KernelString)
    /// Makes a device node (`S_IFCHR` or `S_IFBLK` is in the mode).
    case makeDevice(target: KernelString, mode: UInt32, major: UInt32, minor: UInt32)
    /// Gives what was made at a path to a user and a group.
    case setOwner(target: KernelString, user: UInt32, group: UInt32)
    /// Attaches a copy of the mount that the donor of a namespace has at the same path.
    ///
    /// Nothing happens where it has none, or nobody gave a namespace.
    case bindFromDonor(KernelString)
    /// Writes a new small file.
    case writeFile(target: KernelString, content: KernelString, mode: UInt32)
    /// Opens a pseudo-terminal of the container's devpts, makes it stdin, stdout, stderr and `/dev/console`.
    case openTerminal(rows: UInt32, columns: UInt32)
    /// Sets a kernel parameter, by its path under /proc/sys, through the container's own procfs.
    case setKernelParameter(name: KernelString, value: KernelString)
    /// Hides a path: a file behind /dev/null, a directory behind an empty read-only tmpfs.
    ///
    /// A missing path is fine.
    case maskPath(KernelString)
    /// Makes a path, and what is mounted below, read-only.
    ///
    /// A missing path is fine.
    case readOnlyPath(KernelString)
    /// Makes the mount at a path read-only, without those below it.
    case setMountReadOnly(KernelString)
    /// Makes the new root `/`, and drops every mount of the host.
    case pivotRoot
    /// sethostname(2).
    case setHostname(KernelString)
    /// setdomainname(2).
    case setDomainname(KernelString)
    /// setrlimit(2).
    case setLimit(resource: UInt32, soft: UInt64, hard: UInt64)
    /// umask(2).
    case setUmask(UInt32)
    /// Opens the working directory inside the root and enters it.
    ///
    /// A missing one is an error: `makeDirectory` comes first where it is to be made.
    case changeDirectory(KernelString)
    /// Becomes a user: `name`, `uid`, `name:group`, `uid:gid`, looked up in the root's own files; groups are always
    /// set.
    ///
    /// `supplementary` are groups to add; `keep` are the capabilities kept by uid 0 (bit n is capability n).
    case setUser(specification: KernelString, supplementary: [KernelString], keep: UInt64)
    /// Becomes fixed ids without looking anything up, with no supplementary groups and no capabilities.
    case setIdentity(user: UInt32, group: UInt32)
    /// Drops every capability not in the set from the bounding set.
    case limitCapabilities(UInt64)
    /// Forbids gaining privileges by executing set-user-ID files.
    case setNoNewPrivileges
    /// Installs a seccomp filter: classic BPF instructions, 8 bytes each.
    case installFilter([UInt8])
    /// Closes every descriptor from this number on, but the one that failures are reported through.
    ///
    /// It is done here, not by execve(2): that resolves the program's path while close-on-exec descriptors are open.
    case closeDescriptors(from: UInt32)
    /// Replaces the process.
    ///
    /// A program's name without a slash is searched in the environment's PATH. With a reaper the program is the first
    /// process's child.
    case execute(program: KernelString, arguments: [KernelString], environment: [KernelString], reaper: Bool)
    /// Takes a copy of a host path's mount, to be attached later; trees are numbered from 0 in the order they are taken.
    ///
    /// It is taken while the host's mounts are still peers of this namespace's, so that propagation works. A subpath is
    /// resolved inside the source.
    case openTree(source: KernelString, subpath: KernelString, recursive: Bool)
    /// Takes read-only directories laid over each other, top first, as the next tree.
    ///
    /// The scratch directory is mounted on for a moment.
    case openOverlay(lower: [KernelString], subpath: KernelString, scratch: KernelString)
    /// Attaches a tree that was taken.
    case attachTree(TreeAttachment)
    /// Makes directories and files where they are missing in layers laid over each other, top first, in a directory of
    /// their own: what is made to be mounted on is not among what the program writes.
    ///
    /// The mount point is mounted on for a moment.
    case makePlaces(MountPlaces)
    /// Takes the tree that came as this descriptor, which is nowhere yet, as the next one.
    case takeTree(descriptor: UInt32, source: KernelString)
    /// Takes new files of a memory file system that nothing else is seen of as the next trees, one each.
    ///
    /// The scratch directory is mounted on for a moment.
    case openFiles([LaunchFile], scratch: KernelString)
    /// Takes a tree that was taken, or layers, top first, with what is written going to a directory of its own, as the
    /// next tree.
    ///
    /// The scratch directory is mounted on for a moment.
    case openScratch(ScratchTree)
}

/// How a tree that was taken is attached.
package struct TreeAttachment: Sendable, Equatable {
    /// The tree's number.
    package var tree: UInt32
    /// What was taken, for words.
    package var source: KernelString
    /// Where it goes, in the new root.
    package var target: KernelString
    /// `MOUNT_ATTR_*` that are set.
    package var attributes: UInt32
    /// Whether mounts below get them, too.
    package var attributesBelow: Bool
    /// `MS_PRIVATE`, `MS_SLAVE` or `MS_SHARED`, also of the mounts below; 0 leaves them.
    package var propagation: UInt32
    /// Lines of `uid_map` and `gid_map` (user_namespaces(7)): owners on the disk, owners as seen, how many.
    ///
    /// Empty: owners are seen as they are.
    package var userMap: KernelString
    package var groupMap: KernelString

    package init(
        tree: UInt32, source: KernelString, target: KernelString, attributes: UInt32 = 0, attributesBelow: Bool = true,
        propagation: UInt32 = MountPropagation.private, userMap: KernelString = "", groupMap: KernelString = ""
    ) {
        self.tree = tree
        self.source = source
        self.target = target
        self.attributes = attributes
        self.attributesBelow = attributesBelow
        self.propagation = propagation
        self.userMap = userMap
        self.groupMap = groupMap
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.tree == right.tree && left.source == right.source && left.target == right.target
            && left.attributes == right.attributes && left.attributesBelow == right.attributesBelow
            && left.propagation == right.propagation && left.userMap == right.userMap
            && left.groupMap == right.groupMap
    }
}

/// One option of a new file system, as fsconfig(2) takes it.
package struct MountOption: Sendable, Hashable {
    /// The option's name.
    package var key: KernelString
    /// Its value, or nil for a flag.
    package var value: KernelString?

    package init(_ key: KernelString, _ value: KernelString? = nil) {
        self.key = key
        self.value = value
    }
}
