/// Docker's default seccomp profile, as a list of what is refused.
///
/// Docker lists what is allowed; both refuse the same for the calls both know. A call newer than this table does not
/// exist (`ENOSYS`), so that programs fall back instead of failing.
package enum SeccompFilter {
    private static let refused = FilterAssembler.Verdict.fail(errno: 1)
    private static let absent = FilterAssembler.Verdict.fail(errno: 38)
    /// Mount, cgroup, UTS, IPC, user, PID and network namespaces.
    private static let namespaceFlags: UInt32 = 0x7E02_0000
    /// AF_ALG and AF_VSOCK: a way into kernel cryptography, and out to the hypervisor.
    private static let refusedFamilies: [UInt32] = [38, 40]
    private static let personalities: [UInt32] = [0, 0x0008, 0x20000, 0x20008, 0xFFFF_FFFF]

    /// The filter for a process with these capabilities, as BPF instructions.
    package static func standard(capabilities: Set<Capability>) -> [UInt8] {
        var filter = FilterAssembler()
        filter.loadArchitecture()
        filter.decide(absent, ifNotEqual: SystemCall.architecture)
        filter.loadNumber()
        filter.decide(absent, ifGreaterThan: SystemCall.lastKnown)
        for call in SystemCall.never { filter.decide(refused, ifEqual: call) }
        for (calls, allowing) in SystemCall.byCapability where capabilities.isDisjoint(with: allowing) {
            for call in calls { filter.decide(refused, ifEqual: call) }
        }
        if !capabilities.contains(.sysAdmin) {
            filter.decide(absent, ifEqual: SystemCall.clone3)
            filter.when(SystemCall.clone) { filter in
                filter.loadArgument(0)
                filter.decide(refused, ifAnyOf: namespaceFlags)
                filter.decide(.allow)
            }
        }
        filter.when(SystemCall.socket) { filter in
            filter.loadArgument(0)
            for family in refusedFamilies { filter.decide(refused, ifEqual: family) }
            filter.decide(.allow)
        }
        filter.when(SystemCall.personality) { filter in
            filter.loadArgument(0)
            for value in personalities { filter.decide(.allow, ifEqual: value) }
            filter.decide(refused)
        }
        filter.decide(.allow)
        return filter.bytes
    }
}
