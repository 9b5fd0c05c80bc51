import LaunchProgram

/// Something mounted into a container at the user's wish.
package struct MountConfiguration: Sendable, Hashable {
    /// What is mounted.
    package enum Kind: Sendable, Hashable {
        /// A file or directory of the host, by absolute path; volumes are binds too.
        case bind(source: String, recursive: Bool)
        /// A new memory file system, with options of tmpfs(5).
        ///
        /// Without a mode it takes that of the directory it hides.
        case tmpfs(options: [MountOption])
        /// An image's layers laid over each other, top first, as host directories; always read-only.
        case layers([String])
        /// A tree that is nowhere yet, by its place among the descriptors that are handed over at the start.
        case handed(Int)
        /// A new file in memory.
        case file(content: [UInt8], mode: UInt32, user: UInt32, group: UInt32)
        /// Layers, top first as host directories, that can be written to: changes go to a directory, which has `upper` and
        /// `work` in it.
        case scratch(layers: [String], directory: String)
        /// The same above a handed tree, which is a directory.
        case scratchHanded(Int, directory: String)
    }

    /// How mounts made later on the host are seen in the container.
    ///
    /// Source: mount_namespaces(7).
    package enum Propagation: Sendable, Hashable {
        case `private`, slave, shared
    }

    /// What is mounted.
    package var kind: Kind
    /// Where in the container, absolute.
    ///
    /// Made when missing: a file for a file, else a directory.
    package var target: String
    /// Whether nothing can be written.
    package var readOnly: Bool
    /// Whether that is so of what is mounted below, too.
    package var readOnlyBelow = true
    /// A path inside the source that is mounted instead of all of it; empty for all.
    package var subpath = ""
    /// Owners of files as the container sees them.
    package var owners: OwnerMap?
    /// Further `MOUNT_ATTR_*`.
    package var attributes: UInt32 = 0
    /// Whether programs on it cannot be executed.
    package var noExec: Bool
    /// Whether set-user-ID bits on it have no effect.
    package var noSetUserID: Bool
    /// Whether device nodes on it do not open.
    package var noDevices: Bool
    /// How later mounts of the host are seen.
    package var propagation: Propagation

    package init(
        _ kind: Kind, target: String, readOnly: Bool = false, noExec: Bool = false, noSetUserID: Bool = false,
        noDevices: Bool = false, propagation: Propagation = .private
    ) {
        self.kind = kind
        self.target = target
        self.readOnly = readOnly
        self.noExec = noExec
        self.noSetUserID = noSetUserID
        self.noDevices = noDevices
        self.propagation = propagation
    }

    /// A bind of a host path.
    package static func bind(_ source: String, at target: String, readOnly: Bool = false) -> MountConfiguration {
        MountConfiguration(.bind(source: source, recursive: true), target: target, readOnly: readOnly)
    }

    /// A memory file system, without programs, set-user-ID bits and devices, as Docker mounts it.
    package static func tmpfs(at target: String, sizeBytes: Int64? = nil) -> MountConfiguration {
        var options = [MountOption("mode", "1777")]
        if let sizeBytes { options.append(MountOption("size", KernelString("\(sizeBytes)"))) }
        return MountConfiguration(
            .tmpfs(options: options), target: target, noExec: true, noSetUserID: true, noDevices: true)
    }
}

/// Two owners that change places: what belongs to one on the disk is seen as the other's, and the other way round.
///
/// Every other owner is seen as it is, so that each file has an owner and nothing that is written is refused.
package struct OwnerMap: Sendable, Hashable {
    /// The user on the disk.
    package var user: UInt32
    /// The group on the disk.
    package var group: UInt32
    /// Whom the container sees in the user's place.
    package var seenUser: UInt32
    /// Whom the container sees in the group's place.
    package var seenGroup: UInt32

    package init(user: UInt32, group: UInt32, seenUser: UInt32 = 0, seenGroup: UInt32 = 0) {
        self.user = user
        self.group = group
        self.seenUser = seenUser
        self.seenGroup = seenGroup
    }

    /// Lines for `uid_map`.
    package var userMap: String { Self.lines(user, seenUser) }
    /// Lines for `gid_map`.
    package var groupMap: String { Self.lines(group, seenGroup) }

    /// Every id but the last, which is none, is in one line (user_namespaces(7)).
    private static func lines(_ first: UInt32, _ second: UInt32) -> String {
        let (low, high) = (min(first, second), max(first, second))
        var lines: [String] = []
        func add(_ from: UInt32, _ to: UInt32, _ count: UInt32) {
            if count > 0 { lines.append("\(from) \(to) \(count)\n") }
        }
        guard low != high else { return "0 0 \(UInt32.max)\n" }
        add(0, 0, low)
        add(low, high, 1)
        add(low + 1, low + 1, high - low - 1)
        add(high, low, 1)
        add(high + 1, high + 1, UInt32.max - high - 1)
        return lines.joined()
    }
}
