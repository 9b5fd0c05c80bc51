import Linux

/// Something mounted into a container at the user's wish.
package struct MountConfiguration: Sendable, Hashable {
    /// What is mounted.
    package enum Kind: Sendable, Hashable {
        /// A file or directory of the host, by absolute path; volumes are binds too.
        case bind(source: String, recursive: Bool)
        /// A new memory file system.
        ///
        /// No size is half of the memory.
        case tmpfs(sizeBytes: Int64?, mode: UInt32)
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
    /// Whether nothing can be written, submounts included.
    package var readOnly: Bool
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
        MountConfiguration(
            .tmpfs(sizeBytes: sizeBytes, mode: 0o1777), target: target, noExec: true, noSetUserID: true,
            noDevices: true)
    }
}

/// A device node to make in a container.
package struct DeviceConfiguration: Sendable, Hashable {
    /// Its path in the container, under /dev.
    package var path: String
    /// Whether it is a block device.
    package var isBlock: Bool
    /// The device's major number.
    package var major: UInt32
    /// The device's minor number.
    package var minor: UInt32
    /// The permissions.
    package var mode: UInt32
    /// The owner.
    package var user: UInt32 = 0
    /// The owner's group.
    package var group: UInt32 = 0
    /// What the container may do with the device.
    package var access: DeviceRule.Access = .all

    package init(path: String, isBlock: Bool = false, major: UInt32, minor: UInt32, mode: UInt32 = 0o666) {
        self.path = path
        self.isBlock = isBlock
        self.major = major
        self.minor = minor
        self.mode = mode
    }

    /// What every container has.
    package static let standard: [DeviceConfiguration] = [
        DeviceConfiguration(path: "/dev/null", major: 1, minor: 3),
        DeviceConfiguration(path: "/dev/zero", major: 1, minor: 5),
        DeviceConfiguration(path: "/dev/full", major: 1, minor: 7),
        DeviceConfiguration(path: "/dev/random", major: 1, minor: 8),
        DeviceConfiguration(path: "/dev/urandom", major: 1, minor: 9),
        DeviceConfiguration(path: "/dev/tty", major: 5, minor: 0),
    ]
}
