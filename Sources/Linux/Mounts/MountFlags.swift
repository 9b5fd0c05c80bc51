/// Flags of `mount(2)`.
package struct MountFlags: OptionSet, Sendable {
    package let rawValue: UInt

    package init(rawValue: UInt) {
        self.rawValue = rawValue
    }

    package static var readOnly: MountFlags { MountFlags(rawValue: 1) }
    package static var noSetUserID: MountFlags { MountFlags(rawValue: 2) }
    package static var noDevices: MountFlags { MountFlags(rawValue: 4) }
    package static var noExecution: MountFlags { MountFlags(rawValue: 8) }
    package static var remount: MountFlags { MountFlags(rawValue: 32) }
    package static var noAccessTimes: MountFlags { MountFlags(rawValue: 1_024) }
    package static var bind: MountFlags { MountFlags(rawValue: 4_096) }
    package static var move: MountFlags { MountFlags(rawValue: 8_192) }
    package static var recursive: MountFlags { MountFlags(rawValue: 16_384) }
    package static var unbindable: MountFlags { MountFlags(rawValue: 1 << 17) }
    package static var `private`: MountFlags { MountFlags(rawValue: 1 << 18) }
    package static var slave: MountFlags { MountFlags(rawValue: 1 << 19) }
    package static var shared: MountFlags { MountFlags(rawValue: 1 << 20) }
}

/// Flags of `umount2(2)`.
package struct UnmountFlags: OptionSet, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Take it out of the tree now, free it when nobody uses it any more.
    package static var detach: UnmountFlags { UnmountFlags(rawValue: 2) }
    /// Do not follow a symbolic link.
    package static var noFollow: UnmountFlags { UnmountFlags(rawValue: 8) }
}

/// Attributes of a mount for `mount_setattr(2)` and `fsmount(2)`.
package struct MountAttributes: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static var readOnly: MountAttributes { MountAttributes(rawValue: 0x01) }
    package static var noSetUserID: MountAttributes { MountAttributes(rawValue: 0x02) }
    package static var noDevices: MountAttributes { MountAttributes(rawValue: 0x04) }
    package static var noExecution: MountAttributes { MountAttributes(rawValue: 0x08) }
    package static var noAccessTimes: MountAttributes { MountAttributes(rawValue: 0x10) }
    package static var noSymbolicLinks: MountAttributes { MountAttributes(rawValue: 0x20_0000) }
}

/// Whether mounts and unmounts below a mount spread to its peers.
package enum MountPropagation: UInt64, Sendable {
    case `private` = 0x4_0000
    case slave = 0x8_0000
    case shared = 0x10_0000
    case unbindable = 0x2_0000
}

/// An option of a file system for `Mounts.create`.
package enum MountOption: Sendable {
    /// `nouuid`.
    case flag(String)
    /// `lowerdir=/a`.
    case string(String, String)
    /// A file by descriptor.
    case descriptor(String, Int32)
}
