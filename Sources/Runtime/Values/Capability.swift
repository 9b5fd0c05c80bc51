/// A capability of a process.
///
/// Source: capabilities(7); the raw value is the kernel's number.
package enum Capability: UInt8, Sendable, Hashable, CaseIterable {
    case chown = 0
    case dacOverride, dacReadSearch, fowner, fsetid, kill, setgid, setuid, setpcap, linuxImmutable, netBindService
    case netBroadcast, netAdmin, netRaw, ipcLock, ipcOwner, sysModule, sysRawIO, sysChroot, sysPtrace, sysPacct
    case sysAdmin, sysBoot, sysNice, sysResource, sysTime, sysTTYConfig, mknod, lease, auditWrite, auditControl
    case setfcap, macOverride, macAdmin, syslog, wakeAlarm, blockSuspend, auditRead, perfmon, bpf, checkpointRestore

    /// What Docker leaves to a container: 14 capabilities.
    package static let dockerDefault: [Capability] = [
        .chown, .dacOverride, .fsetid, .fowner, .mknod, .netRaw, .setgid, .setuid, .setfcap, .setpcap,
        .netBindService, .sysChroot, .kill, .auditWrite,
    ]

    /// The kernel's name without `CAP_`, as Docker writes it: `NET_BIND_SERVICE`.
    package var name: String { Self.names[Int(rawValue)] }

    /// A capability by name, with or without `CAP_`, in any case; nil for an unknown one.
    package init?(named text: String) {
        var name = text.uppercased()
        if name.hasPrefix("CAP_") { name.removeFirst(4) }
        guard let index = Self.names.firstIndex(of: name), let value = Capability(rawValue: UInt8(index)) else {
            return nil
        }
        self = value
    }

    /// The set as the kernel's bit mask.
    package static func mask(_ set: some Sequence<Capability>) -> UInt64 {
        set.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
    }

    private static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]
}
