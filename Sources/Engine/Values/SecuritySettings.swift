import JSONText
import Linux
import OCI
import Runtime

/// What Docker's `SecurityOpt` asks for.
package struct SecuritySettings: Sendable, Hashable {
    /// Which system calls are allowed.
    package enum Seccomp: Sendable, Hashable {
        case standard
        case unconfined
        /// A profile in Docker's format.
        case profile(String)
    }

    /// Whether programs can gain no privileges.
    package var noNewPrivileges = false
    package var seccomp = Seccomp.standard
    /// Whether the container may change its own control groups.
    package var writableCgroups = false

    /// Reads the options.
    ///
    /// - Parameter checksProfile: whether a seccomp profile is read, too, to be refused when it is given and not at
    ///   some start.
    /// - Throws: Docker's texts for unknown options; our own for what this host's kernel cannot do.
    package init(_ options: [String], checksProfile: Bool = false) throws(EngineError) {
        for option in options {
            switch option {
            case "no-new-privileges": noNewPrivileges = true
            case "writable-cgroups": writableCgroups = true
            case "disable": break
            default: try read(option, checksProfile)
            }
        }
    }

    private mutating func read(_ option: String, _ checksProfile: Bool) throws(EngineError) {
        guard let separator = option.contains("=") ? "=" : option.contains(":") ? ":" : nil,
            let range = option.firstRange(of: separator)
        else { throw EngineError(.invalid, "invalid --security-opt 1: \"\(option)\"") }
        let value = String(option[range.upperBound...])
        switch option[..<range.lowerBound] {
        case "seccomp":
            switch value {
            case "unconfined": seccomp = .unconfined
            case "", "builtin": seccomp = .standard
            default:
                if checksProfile {
                    _ = try SeccompProfileReader.rules(value, for: SeccompProfileReader.Subject())
                }
                seccomp = .profile(value)
            }
        case "no-new-privileges": noNewPrivileges = try Self.flag(value, option)
        case "writable-cgroups": writableCgroups = try Self.flag(value, option)
        // Nothing here labels processes or files: on a host without SELinux Docker does nothing, too.
        case "label": break
        case "apparmor":
            guard value == "unconfined" || value.isEmpty else {
                throw EngineError(
                    .notImplemented,
                    "AppArmor profile \"\(value)\" cannot be applied: this engine does not load AppArmor profiles; use apparmor=unconfined, or a seccomp profile"
                )
            }
        default: throw EngineError(.invalid, "invalid --security-opt 2: \"\(option)\"")
        }
    }

    /// Go's `strconv.ParseBool`.
    private static func flag(_ text: String, _ option: String) throws(EngineError) -> Bool {
        if ["1", "t", "T", "TRUE", "true", "True"].contains(text) { return true }
        if ["0", "f", "F", "FALSE", "false", "False"].contains(text) { return false }
        throw EngineError(.invalid, "invalid --security-opt 2: \"\(option)\"")
    }

    /// Docker's note that nothing is labelled, which it adds where a container shares the host's namespaces.
    static func addedOptions(_ specification: ContainerSpecification) -> [String] {
        let shares =
            specification.isPrivileged || specification.hostSettings.pidMode == "host"
            || specification.hostSettings.ipcMode == "host"
        let saysSo = specification.securityOptions.contains { $0.hasPrefix("label=") || $0.hasPrefix("label:") }
        return shares && !saysSo ? ["label=disable"] : []
    }
}

/// Reads seccomp profiles in Docker's format: OCI's, with rules that hold for some architectures, capabilities and
/// kernels only.
package enum SeccompProfileReader {
    /// What rules can depend on.
    package struct Subject: Sendable {
        package var capabilities: Set<Capability> = []
        /// The kernel's version: major and minor number.
        package var kernel: (major: Int, minor: Int) = (0, 0)

        package init() {}

        /// Reads a release such as `6.18.2-custom`.
        package init(capabilities: Set<Capability>, release: String) {
            self.capabilities = capabilities
            kernel = Self.version(release)
        }

        static func version(_ text: String) -> (major: Int, minor: Int) {
            let numbers = text.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
            return (numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0)
        }
    }

    /// The rules of a profile for a container.
    ///
    /// - Throws: what is wrong in the profile.
    package static func rules(_ text: String, for subject: Subject) throws(EngineError) -> SeccompRules {
        let json: JSONValue
        do {
            json = try JSONValue.parse(Array(text.utf8))
        } catch {
            throw EngineError(
                .invalid,
                "Decoding seccomp profile failed: \(error.reason) at line \(error.line), column \(error.column)")
        }
        let profile = try FieldReader(json, path: "seccomp profile")
        let standardErrno = try profile.integer("defaultErrnoRet", in: 0...4095)
        let standard = try action(try profile.text("defaultAction"), standardErrno)
        var rules: [SeccompRules.Rule] = []
        for reader in try profile.objects("syscalls") {
            guard try applies(reader, to: subject) else { continue }
            let name = try reader.text("name")
            let names = try reader.strings("names") ?? []
            try reader.require(
                name.isEmpty || names.isEmpty,
                "'name' and 'names' were specified in the seccomp profile, use either 'name' or 'names'")
            rules.append(
                SeccompRules.Rule(
                    names: name.isEmpty ? names : [name],
                    action: try action(
                        try reader.text("action"), try reader.integer("errnoRet", in: 0...4095) ?? standardErrno),
                    conditions: try conditions(reader)))
        }
        return SeccompRules(standard: standard, rules: rules)
    }

    private static func action(_ name: String, _ errno: Int64?) throws(EngineError) -> SeccompRules.Action {
        let number = UInt16(clamping: errno ?? 1)
        switch name {
        case "SCMP_ACT_ALLOW": return .allow
        case "SCMP_ACT_ERRNO": return .fail(errno: number)
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
        case "SCMP_ACT_KILL_PROCESS": return .killProcess
        case "SCMP_ACT_TRAP": return .trap
        case "SCMP_ACT_TRACE": return .trace(number)
        case "SCMP_ACT_LOG": return .log
        default: throw EngineError(.invalid, "seccomp profile: action \"\(name)\" is not supported")
        }
    }

    private static func conditions(_ reader: FieldReader) throws(EngineError) -> [SeccompRules.Condition] {
        var conditions: [SeccompRules.Condition] = []
        for argument in try reader.objects("args") {
            let name = try argument.text("op")
            guard let comparison = SeccompRules.Comparison(rawValue: name) else {
                throw EngineError(.invalid, "seccomp profile: comparison \"\(name)\" is not supported")
            }
            conditions.append(
                SeccompRules.Condition(
                    argument: UInt32(try argument.integer("index", in: 0...5) ?? 0), comparison,
                    value: try unsigned(argument, "value"), second: try unsigned(argument, "valueTwo")))
        }
        return conditions
    }

    /// Numbers above 2^63 are not whole to the JSON reader.
    private static func unsigned(_ reader: FieldReader, _ name: String) throws(EngineError) -> UInt64 {
        guard let value = reader.value(name) else { return 0 }
        if let number = value.intValue { return UInt64(bitPattern: number) }
        guard let number = value.doubleValue.flatMap({ UInt64(exactly: $0) }) else {
            throw EngineError(.invalid, "seccomp profile: \(name) must be a whole number")
        }
        return number
    }

    private static func applies(_ reader: FieldReader, to subject: Subject) throws(EngineError) -> Bool {
        if let includes = try reader.reader("includes") {
            let architectures = try includes.strings("arches") ?? []
            if !architectures.isEmpty, !architectures.contains(Platform.host.architecture) { return false }
            for name in try includes.strings("caps") ?? [] {
                guard let capability = Capability(named: name), subject.capabilities.contains(capability) else {
                    return false
                }
            }
            if let least = try includes.string("minKernel"), !least.isEmpty {
                let least = Subject.version(least)
                if subject.kernel < least { return false }
            }
        }
        if let excludes = try reader.reader("excludes") {
            if (try excludes.strings("arches") ?? []).contains(Platform.host.architecture) { return false }
            for name in try excludes.strings("caps") ?? [] {
                if let capability = Capability(named: name), subject.capabilities.contains(capability) { return false }
            }
            if let least = try excludes.string("minKernel"), !least.isEmpty {
                if subject.kernel >= Subject.version(least) { return false }
            }
        }
        return true
    }
}
