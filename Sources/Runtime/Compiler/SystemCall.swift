/// Numbers of system calls.
///
/// Source: asm/unistd_64.h (x86-64), asm-generic/unistd.h (arm64).
enum SystemCall {
    /// The last call of this table's time (Linux 6.18).
    static let lastKnown: UInt32 = 470

    #if arch(arm64)
    /// The kernel's `AUDIT_ARCH_AARCH64`.
    static let architecture: UInt32 = 0xC000_00B7
    static let clone: UInt32 = 220
    static let socket: UInt32 = 198
    static let personality: UInt32 = 92
    #else
    /// The kernel's `AUDIT_ARCH_X86_64`.
    ///
    /// Calls of other architectures (32 bits, x32) do not exist.
    static let architecture: UInt32 = 0xC000_003E
    static let clone: UInt32 = 56
    static let socket: UInt32 = 41
    static let personality: UInt32 = 135
    #endif
    static let clone3: UInt32 = 435

    #if arch(arm64)
    /// Refused whatever the capabilities: kexec_load, kexec_file_load, add_key, request_key, keyctl, userfaultfd,
    /// swapon, swapoff, pivot_root, migrate_pages, move_pages, nfsservctl, io_uring_setup, io_uring_enter,
    /// io_uring_register.
    static let never: [UInt32] = [104, 294, 217, 218, 219, 282, 224, 225, 41, 238, 239, 42, 425, 426, 427]

    /// Allowed with any of the capabilities named.
    static let byCapability: [([UInt32], Set<Capability>)] = [
        // mount, umount2, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr, open_tree_attr,
        // setns, unshare, sethostname, setdomainname, quotactl, quotactl_fd, fanotify_init, lookup_dcookie
        ([40, 39, 428, 429, 430, 431, 432, 433, 442, 467, 268, 97, 161, 162, 60, 443, 262, 18], [.sysAdmin]),
        // bpf, perf_event_open, syslog
        ([280], [.sysAdmin, .bpf]), ([241], [.sysAdmin, .perfmon]), ([116], [.sysAdmin, .syslog]),
        // reboot; init_module, delete_module, finit_module; acct; open_by_handle_at
        ([142], [.sysBoot]), ([105, 106, 273], [.sysModule]), ([89], [.sysPacct]), ([265], [.dacReadSearch]),
        // kcmp, pidfd_getfd, process_madvise
        ([272, 438, 440], [.sysPtrace]),
        // settimeofday, clock_settime; vhangup
        ([170, 112], [.sysTime]), ([58], [.sysTTYConfig]),
        // mbind, get_mempolicy, set_mempolicy, set_mempolicy_home_node
        ([235, 236, 237, 450], [.sysNice]), ([51], [.sysChroot]),
    ]
    #else
    /// Refused whatever the capabilities: kexec_load, kexec_file_load, add_key, request_key, keyctl, userfaultfd,
    /// swapon, swapoff, pivot_root, migrate_pages, move_pages, nfsservctl, _sysctl, uselib, ustat, sysfs, create_module,
    /// get_kernel_syms, query_module, getpmsg, putpmsg, afs_syscall, tuxcall, security, vserver, io_uring_setup,
    /// io_uring_enter, io_uring_register.
    static let never: [UInt32] = [
        246, 320, 248, 249, 250, 323, 167, 168, 155, 256, 279, 180, 156, 134, 136, 139, 174, 177, 178, 181, 182, 183,
        184, 185, 236, 425, 426, 427,
    ]

    /// Allowed with any of the capabilities named.
    static let byCapability: [([UInt32], Set<Capability>)] = [
        // mount, umount2, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr, open_tree_attr,
        // setns, unshare, sethostname, setdomainname, quotactl, quotactl_fd, fanotify_init, lookup_dcookie
        ([165, 166, 428, 429, 430, 431, 432, 433, 442, 467, 308, 272, 170, 171, 179, 443, 300, 212], [.sysAdmin]),
        // bpf, perf_event_open, syslog
        ([321], [.sysAdmin, .bpf]), ([298], [.sysAdmin, .perfmon]), ([103], [.sysAdmin, .syslog]),
        // reboot; init_module, delete_module, finit_module; acct; open_by_handle_at
        ([169], [.sysBoot]), ([175, 176, 313], [.sysModule]), ([163], [.sysPacct]), ([304], [.dacReadSearch]),
        // kcmp, pidfd_getfd, process_madvise; iopl, ioperm
        ([312, 438, 440], [.sysPtrace]), ([172, 173], [.sysRawIO]),
        // settimeofday, clock_settime; vhangup
        ([164, 227], [.sysTime]), ([153], [.sysTTYConfig]),
        // mbind, set_mempolicy, get_mempolicy, set_mempolicy_home_node; chroot
        ([237, 238, 239, 450], [.sysNice]), ([161], [.sysChroot]),
    ]
    #endif
}
