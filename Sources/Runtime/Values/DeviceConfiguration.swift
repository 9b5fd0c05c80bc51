import Linux

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
