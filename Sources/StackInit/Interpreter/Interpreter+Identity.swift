import CLinux

/// Who the process becomes.
///
/// The files of the root are hostile: sizes, lines and numbers are bounded.
extension Interpreter {
    private static let databaseLimit = 1 << 20
    private static let maximumGroups = 1024

    mutating func setUser(
        _ specification: KernelString, supplementary: [KernelString], keep: UInt64
    ) throws(Fault) {
        let parts = specification.bytes.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.first.map { Array($0) } ?? []
        let groupName = parts.count > 1 ? Array(parts[1]) : []
        let needsFiles = !name.isEmpty || !groupName.isEmpty || !supplementary.isEmpty
        let users = try readAccounts("/etc/passwd", isNeeded: needsFiles)
        let groups = try readAccounts("/etc/group", isNeeded: needsFiles)
        let user = try Self.user(name, in: users)
        var gid = user.gid
        if !groupName.isEmpty { gid = try Self.group(groupName, in: groups) }
        // The primary group is among them: who gives it up by setgid(2) must not get round a mode that denies it.
        var list = [gid]
        if groupName.isEmpty {
            for group in AccountFile.groups(of: user.name, in: groups, maximum: Self.maximumGroups)
            where !list.contains(group) { list.append(group) }
        }
        for group in supplementary {
            let number = try Self.group(group.bytes, in: groups)
            if !list.contains(number) { list.append(number) }
        }
        guard list.count <= Self.maximumGroups else { throw Fault(E2BIG, "too many supplementary groups") }
        home = user.home
        try become(user: user.uid, group: gid, groups: list, keep: user.uid == 0 ? keep : 0)
    }

    /// An account file's bytes; empty when it is missing, or when it cannot be read and only the home directory of root is
    /// looked up in it.
    private mutating func readAccounts(_ path: KernelString, isNeeded: Bool) throws(Fault) -> [UInt8] {
        do throws(Fault) {
            return try readFile(path, limit: Self.databaseLimit) ?? []
        } catch {
            if isNeeded { throw error }
            return []
        }
    }

    mutating func setIdentity(user: UInt32, group: UInt32) throws(Fault) {
        // In a user namespace whose groups cannot be set there are none to drop.
        let result = init_set_groups(0, nil)
        if result < 0 && linux_errno() != EPERM { throw Fault.last("setgroups") }
        try check(init_set_gid(group), "setresgid")
        try check(init_set_uid(user), "setresuid")
        try check(init_set_capabilities(0), "capset")
    }

    private func become(user: UInt32, group: UInt32, groups: [UInt32], keep: UInt64) throws(Fault) {
        // Through /dev/stdout a process opens its own stream anew: that takes the owner's right.
        for stream in [Int32(0), 1, 2] where user != 0 { Self.giveStream(stream, to: user) }
        let result = groups.withUnsafeBufferPointer { init_set_groups($0.count, $0.baseAddress) }
        try check(result, "setgroups")
        try check(init_set_gid(group), "setresgid")
        try check(init_set_uid(user), "setresuid")
        // What root of this host does not have itself cannot be kept.
        try check(init_set_capabilities(keep & init_permitted_capabilities()), "capset")
    }

    private static func giveStream(_ stream: Int32, to user: UInt32) {
        var kind = init_file_kind()
        guard init_file_kind(stream, &kind) >= 0 else { return }
        let type = kind.mode & FileType.mask
        let isTerminal = type == FileType.characterDevice && isatty(stream) == 1
        if isTerminal || type == 0o010000 { _ = fchown(stream, user, gid_t.max) }
    }

    private static func user(_ name: [UInt8], in users: [UInt8]) throws(Fault) -> AccountFile.User {
        let number = name.isEmpty ? 0 : AccountFile.identifier(name[...])
        if let user = AccountFile.user(named: name, number: number, in: users) { return user }
        guard let number else {
            let text = KernelString("unable to find user ") + KernelString(bytes: name)
            throw Fault(ENOENT, text + ": no matching entries in passwd file")
        }
        return AccountFile.User(name: [], uid: number, gid: 0, home: "/")
    }

    private static func group(_ name: [UInt8], in groups: [UInt8]) throws(Fault) -> UInt32 {
        if let gid = AccountFile.group(named: name, in: groups) { return gid }
        if let number = AccountFile.identifier(name[...]) { return number }
        let text = KernelString("unable to find group ") + KernelString(bytes: name)
        throw Fault(ENOENT, text + ": no matching entries in group file")
    }

    func limitCapabilities(_ set: UInt64) throws(Fault) {
        for capability in UInt32(0)..<64 {
            let held = init_bounding_has(capability)
            if held < 0 { return }
            if held == 1 && set & (1 << UInt64(capability)) == 0 {
                try check(init_bounding_drop(capability), "drop a capability from the bounding set")
            }
        }
    }

    func installFilter(_ instructions: [UInt8]) throws(Fault) {
        guard instructions.count % 8 == 0, instructions.count / 8 <= 4096 else {
            throw Fault(EINVAL, "not a filter")
        }
        let count = UInt16(instructions.count / 8)
        // The kernel wants the instructions aligned as the structures they are.
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(instructions.count, 8), alignment: 8)
        for (index, byte) in instructions.enumerated() {
            copy.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        try check(init_seccomp(copy, count), "seccomp")
    }

    func mapIdentity(
        _ insideUser: UInt32, _ outsideUser: UInt32, _ insideGroup: UInt32, _ outsideGroup: UInt32
    ) throws(Fault) {
        // The files of a process that cannot be dumped are root's, and this may be a user's.
        _ = linux_prctl(INIT_PR_SET_DUMPABLE, 1, 0, 0, 0)
        defer { _ = linux_prctl(INIT_PR_SET_DUMPABLE, 0, 0, 0, 0) }
        try writeSetting("deny", to: "/proc/self/setgroups")
        try writeSetting(Self.mapping(insideUser, outsideUser), to: "/proc/self/uid_map")
        try writeSetting(Self.mapping(insideGroup, outsideGroup), to: "/proc/self/gid_map")
    }

    private static func mapping(_ inside: UInt32, _ outside: UInt32) -> KernelString {
        KernelString(bytes: decimalDigits(Int64(inside)) + [0x20] + decimalDigits(Int64(outside)) + [0x20, 0x31])
    }

}

/// Sets how likely the out-of-memory killer takes this process, through the host's procfs.
func writeOutOfMemoryScore(_ score: Int32) throws(Fault) {
    try writeSetting(KernelString(bytes: decimalDigits(Int64(score))), to: "/proc/self/oom_score_adj")
}

private func writeSetting(_ value: KernelString, to path: KernelString) throws(Fault) {
    let file = try check(
        withCString(path) { linux_openat(INIT_AT_FDCWD, $0, O_WRONLY | O_CLOEXEC, 0) }, "open", path)
    defer { closeDescriptor(file) }
    guard writeAll(file, value.bytes) else { throw Fault.last("write", path) }
}
