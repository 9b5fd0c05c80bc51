import CLinux
import Glibc

extension Cgroup {
    /// Lets the group use only these devices.
    ///
    /// Throws `EINVAL` or `EPERM` where the kernel has no device control for groups.
    package func restrictDevices(to rules: [DeviceRule] = DeviceRule.defaults) throws(SystemError) {
        if isV2 {
            guard let root = hierarchy.unifiedRoot else { return }
            try Self.attachDeviceProgram(rules, to: "\(root)/\(path)")
            return
        }
        guard let deny = file("devices", "devices.deny"), let allow = file("devices", "devices.allow") else { return }
        try Files.writeExisting(deny, "a")
        for rule in rules { try Files.writeExisting(allow, rule.line) }
    }

    /// Loads the rules as a program and attaches it to a version 2 group's directory; it lives as long as the group.
    package static func attachDeviceProgram(_ rules: [DeviceRule], to directory: String) throws(SystemError) {
        let program = DeviceProgram.instructions(rules)
        let number = try system("bpf", "BPF_PROG_LOAD") {
            program.withUnsafeBytes {
                linux_bpf_load_device_program($0.baseAddress, UInt32(program.count), nil, 0)
            }
        }
        let loaded = FileDescriptor(owning: number)
        let group = try Files.open(directory, [.readOnly, .directory])
        let programNumber = loaded.raw
        let groupNumber = group.raw
        // 0: no other program beside or below, so nothing can widen what is allowed.
        _ = try system("bpf", "BPF_PROG_ATTACH \(directory)") {
            linux_bpf_attach_device_program(groupNumber, programNumber, 0)
        }
    }
}
