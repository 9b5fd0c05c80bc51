/// A device, or many, that a group may use; all others are refused.
package struct DeviceRule: Sendable, Hashable {
    /// What may be done.
    package struct Access: OptionSet, Sendable, Hashable {
        package let rawValue: Int32

        package init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// Make a node (`BPF_DEVCG_ACC_MKNOD`).
        package static var makeNode: Access { Access(rawValue: 1) }
        package static var read: Access { Access(rawValue: 2) }
        package static var write: Access { Access(rawValue: 4) }
        package static var all: Access { [.makeNode, .read, .write] }

        /// `rwm`, as the version 1 files say it.
        var letters: String {
            (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.makeNode) ? "m" : "")
        }
    }

    /// Block devices; otherwise character devices.
    package var isBlock: Bool
    /// nil is any.
    package var major: UInt32?
    /// nil is any.
    package var minor: UInt32?
    package var access: Access

    /// A rule.
    package init(isBlock: Bool = false, major: UInt32?, minor: UInt32?, access: Access = .all) {
        self.isBlock = isBlock
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// The access `rwm` letters name; nil for any other letter, or none.
    package static func access(letters: some StringProtocol) -> Access? {
        guard !letters.isEmpty, letters.count <= 3 else { return nil }
        var access: Access = []
        for letter in letters {
            switch letter {
            case "r": access.insert(.read)
            case "w": access.insert(.write)
            case "m": access.insert(.makeNode)
            default: return nil
            }
        }
        return access
    }

    /// Reads a line as Docker and cgroup v1 have it: `c 1:3 rwm`, `a *:* rwm`; nil where it is none.
    ///
    /// `a` stands for two rules.
    package static func rules(line: String) -> [DeviceRule]? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let access = access(letters: words[2]) else { return nil }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = number(numbers[0]), let minor = number(numbers[1]) else { return nil }
        let kinds: [Bool]
        switch words[0] {
        case "a": kinds = [true, false]
        case "b": kinds = [true]
        case "c": kinds = [false]
        default: return nil
        }
        return kinds.map { DeviceRule(isBlock: $0, major: major, minor: minor, access: access) }
    }

    /// A number, or nil for `*`; nothing for anything else.
    private static func number(_ text: Substring) -> UInt32?? {
        if text == "*" { return .some(nil) }
        return UInt32(text).map { .some($0) }
    }

    /// Every device.
    package static var everything: [DeviceRule] {
        [DeviceRule(isBlock: false, major: nil, minor: nil), DeviceRule(isBlock: true, major: nil, minor: nil)]
    }

    /// What every container gets: nodes may be made but not used, except null, zero, full, random, urandom, tty,
    /// console, ptmx and pseudo terminals.
    package static var defaults: [DeviceRule] {
        let nodes = [
            DeviceRule(isBlock: false, major: nil, minor: nil, access: .makeNode),
            DeviceRule(isBlock: true, major: nil, minor: nil, access: .makeNode),
        ]
        let memory = [3, 5, 7, 8, 9].map { DeviceRule(major: 1, minor: $0) }
        let terminals = [0, 1, 2].map { DeviceRule(major: 5, minor: $0) } + [DeviceRule(major: 136, minor: nil)]
        return nodes + memory + terminals
    }

    /// The line of `devices.allow` (version 1): `c 1:3 rwm`.
    var line: String {
        "\(isBlock ? "b" : "c") \(major.map(String.init) ?? "*"):\(minor.map(String.init) ?? "*") \(access.letters)"
    }
}

/// The rules as a BPF program (`BPF_PROG_TYPE_CGROUP_DEVICE`), which version 2 asks at every access.
enum DeviceProgram {
    /// The instructions: 8 bytes each, as in `struct bpf_insn`.
    ///
    /// Answers 1 for what a rule allows, 0 for all else.
    ///
    /// The context is `struct bpf_cgroup_dev_ctx`: access and type (16 bits each), major, minor.
    static func instructions(_ rules: [DeviceRule]) -> [UInt64] {
        var program = [
            instruction(0x61, to: 2, from: 1, offset: 0),  // r2 = access << 16 | type
            instruction(0xbc, to: 3, from: 2),  // r3 = r2
            instruction(0x54, to: 2, immediate: 0xffff),  // r2: type
            instruction(0x74, to: 3, immediate: 16),  // r3: access
            instruction(0x61, to: 4, from: 1, offset: 4),  // r4: major
            instruction(0x61, to: 5, from: 1, offset: 8),  // r5: minor
        ]
        for rule in rules { program += block(rule) }
        program += [instruction(0xb4, to: 0, immediate: 0), instruction(0x95)]  // r0 = 0, exit
        return program
    }

    /// Instructions that leave with 1 when the rule allows the access, and go on behind themselves otherwise.
    private static func block(_ rule: DeviceRule) -> [UInt64] {
        var tests: [(register: UInt8, value: UInt32)] = [(2, rule.isBlock ? 1 : 2)]
        if let major = rule.major { tests.append((4, major)) }
        if let minor = rule.minor { tests.append((5, minor)) }
        let masksAccess = rule.access != .all
        let length = tests.count + (masksAccess ? 3 : 0) + 2
        var block: [UInt64] = []
        for test in tests {
            let skip = Int16(length - block.count - 1)
            block.append(
                instruction(0x56, to: test.register, offset: skip, immediate: Int32(bitPattern: test.value)))
        }
        if masksAccess {
            block.append(instruction(0xbc, to: 1, from: 3))  // r1 = access
            block.append(instruction(0x54, to: 1, immediate: rule.access.rawValue))  // r1 &= allowed
            block.append(instruction(0x5e, to: 1, from: 3, offset: Int16(length - block.count - 1)))  // if r1 != r3
        }
        return block + [instruction(0xb4, to: 0, immediate: 1), instruction(0x95)]
    }

    private static func instruction(
        _ code: UInt8, to destination: UInt8 = 0, from source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0
    ) -> UInt64 {
        UInt64(code) | UInt64(destination) << 8 | UInt64(source) << 12 | UInt64(UInt16(bitPattern: offset)) << 16
            | UInt64(UInt32(bitPattern: immediate)) << 32
    }
}
