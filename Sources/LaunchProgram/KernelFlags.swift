/// Namespaces, as clone(2), unshare(2) and setns(2) take them.
package enum NamespaceFlag {
    package static let mount: UInt64 = 0x0002_0000
    package static let cgroup: UInt64 = 0x0200_0000
    package static let uts: UInt64 = 0x0400_0000
    package static let ipc: UInt64 = 0x0800_0000
    package static let user: UInt64 = 0x1000_0000
    package static let pid: UInt64 = 0x2000_0000
    package static let network: UInt64 = 0x4000_0000
}

/// Attributes of a mount, as mount_setattr(2) and fsmount(2) take them.
package enum MountAttribute {
    package static let readOnly: UInt32 = 0x1
    package static let noSetUserID: UInt32 = 0x2
    package static let noDevices: UInt32 = 0x4
    package static let noExec: UInt32 = 0x8
    package static let noAccessTime: UInt32 = 0x10
    package static let strictAccessTime: UInt32 = 0x20
    package static let noDirectoryAccessTime: UInt32 = 0x80
    package static let mappedOwners: UInt64 = 0x10_0000
}

/// Propagation of mounts, as mount(2) and mount_setattr(2) take it.
package enum MountPropagation {
    package static let `private`: UInt32 = 1 << 18
    package static let slave: UInt32 = 1 << 19
    package static let shared: UInt32 = 1 << 20
}

/// File types in a mode.
///
/// Source: inode(7).
package enum FileType {
    package static let characterDevice: UInt32 = 0o020000
    package static let directory: UInt32 = 0o040000
    package static let blockDevice: UInt32 = 0o060000
    package static let regular: UInt32 = 0o100000
    package static let mask: UInt32 = 0o170000
}
