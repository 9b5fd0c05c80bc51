extension StageEvaluator {
    /// ENV: all values are made of what was before the line.
    mutating func setEnvironment(_ assignments: [Instruction.Assignment]) throws(LineFault) {
        let before = scope.variables
        var createdBy = "ENV"
        var values: [(String, String)] = []
        for assignment in assignments {
            let name = try expansion(assignment.name, variables: before).text
            let value = try expansion(assignment.value ?? "", variables: before).text
            if assignment.isLegacy { remarkLegacy("ENV") }
            remarkSecret("ENV", name)
            createdBy += " \(name)=\(value)"
            values.append((name, value))
        }
        for (name, value) in values {
            scope.variables[name] = value
            setEnvironment(name, value)
        }
        try finish(createdBy)
    }

    private mutating func setEnvironment(_ name: String, _ value: String) {
        let line = "\(name)=\(value)"
        if let index = environmentIndex[name] {
            settings.environment[index] = line
        } else {
            environmentIndex[name] = settings.environment.count
            settings.environment.append(line)
        }
    }

    mutating func setLabels(_ assignments: [Instruction.Assignment]) throws(LineFault) {
        var createdBy = "LABEL"
        for assignment in assignments {
            let name = try expand(assignment.name)
            let value = try expand(assignment.value ?? "")
            if assignment.isLegacy { remarkLegacy("LABEL") }
            settings.labels[name] = value
            createdBy += " \(name)=\(value)"
        }
        try finish(createdBy)
    }

    /// ARG: given values beat defaults, and global ones count where nothing else is said.
    mutating func declare(_ arguments: [Instruction.Assignment]) throws(LineFault) {
        var shown: [String] = []
        for argument in arguments {
            remarkSecret("ARG", argument.name)
            var value = plan.input.arguments[argument.name]
            if value == nil, let written = argument.value { value = try expand(written) }
            if value == nil, argument.value == nil { value = plan.globals[argument.name] }
            if let value, !Self.unnamed.contains(argument.name) { scope.variables[argument.name] = value }
            scope.declare(argument.name, value)
            shown.append(value.map { "\(argument.name)=\($0)" } ?? argument.name)
        }
        try finish("ARG \(shown.joined(separator: " "))")
    }

    /// Arguments that are for the builder alone.
    private static let unnamed: Set<String> = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]

    mutating func setWorkingDirectory(_ written: String) throws(LineFault) {
        let path = try expand(written)
        if !scope.hasWorkingDirectory, path.utf8.first != UInt8(ascii: "/") {
            remark(
                .workdirRelativePath,
                "Relative workdir \(GoText.quoted(path)) can have unexpected results if the base image changes")
        }
        scope.hasWorkingDirectory = true
        let isAbsolute = path.utf8.first == UInt8(ascii: "/")
        settings.workingDirectory = isAbsolute ? GoPath.clean(path) : GoPath.join(settings.workingDirectory, path)
        let isMade = settings.workingDirectory != "/"
        try finish("WORKDIR \(settings.workingDirectory)", isMade ? .makeWorkingDirectory : nil)
    }

    mutating func setCommand(_ form: CommandForm) throws(LineFault) {
        remarkRepeated("CMD", lastCommand.command)
        lastCommand.command = instruction
        let arguments = arguments(of: form, "CMD")
        settings.command = arguments
        try finish("CMD \(GoText.quoted(arguments))")
    }

    mutating func setEntrypoint(_ form: CommandForm) throws(LineFault) {
        remarkRepeated("ENTRYPOINT", lastCommand.entrypoint)
        lastCommand.entrypoint = instruction
        let arguments = arguments(of: form, "ENTRYPOINT")
        settings.entrypoint = arguments.isEmpty ? nil : arguments
        // The base's arguments are not meant for this entry point.
        if lastCommand.command == nil { settings.command = nil }
        try finish("ENTRYPOINT \(GoText.quoted(arguments))")
    }

    private mutating func arguments(of form: CommandForm, _ name: String) -> [String] {
        switch form {
        case .exec(let arguments): return arguments
        case .shell(let text):
            if (settings.shell ?? []).isEmpty {
                remark(
                    .jsonArgsRecommended,
                    "JSON arguments recommended for \(instruction.keyword) to prevent unintended behavior related to OS "
                        + "signals")
            }
            return shell + [text]
        }
    }

    /// What runs the shell form.
    var shell: [String] { (settings.shell ?? []).isEmpty ? ["/bin/sh", "-c"] : settings.shell ?? [] }

    mutating func setHealthcheck(_ form: CommandForm?) throws(LineFault) {
        remarkRepeated("HEALTHCHECK", lastCommand.healthcheck)
        lastCommand.healthcheck = instruction
        var check: HealthcheckSettings
        switch form {
        case nil: check = HealthcheckSettings(test: ["NONE"])
        case .exec(let arguments): check = HealthcheckSettings(test: ["CMD"] + arguments)
        case .shell(let text): check = HealthcheckSettings(test: ["CMD-SHELL", text])
        }
        for flag in instruction.flags where form != nil {
            let value = try HealthcheckFlags.value(flag)
            switch flag.name {
            case "interval": check.interval = value
            case "timeout": check.timeout = value
            case "start-period": check.startPeriod = value
            case "start-interval": check.startInterval = value
            default: check.retries = Int(value)
            }
        }
        settings.healthcheck = check
        let times = [
            "Interval:\(GoDuration.text(check.interval))", "Timeout:\(GoDuration.text(check.timeout))",
            "StartPeriod:\(GoDuration.text(check.startPeriod))",
            "StartInterval:\(GoDuration.text(check.startInterval))", "Retries:\(check.retries)",
        ]
        try finish("HEALTHCHECK {Test:\(GoText.list(check.test)) \(times.joined(separator: " "))}")
    }

    mutating func addVolumes(_ written: [String]) throws(LineFault) {
        var paths: [String] = []
        for path in written { paths.append(try expand(path)) }
        guard !paths.contains("") else { throw LineFault("VOLUME specified can not be an empty string") }
        var known = Set(settings.volumes)
        settings.volumes += paths.filter { known.insert($0).inserted }
        try finish("VOLUME \(GoText.list(paths))")
    }

    mutating func setStopSignal(_ written: String) throws(LineFault) {
        let signal = try expand(written)
        guard SignalText.isSignal(signal) else {
            throw LineFault("invalid signal: \(signal)", hint: "give a name such as SIGTERM, or a number")
        }
        settings.stopSignal = signal
        try finish("STOPSIGNAL \(signal)")
    }

    private mutating func remarkLegacy(_ name: String) {
        remark(
            .legacyKeyValueFormat,
            "\"\(instruction.keyword) key=value\" should be used instead of legacy \"\(instruction.keyword) key value\" "
                + "format")
    }

    private mutating func remarkRepeated(_ name: String, _ last: Instruction?) {
        guard let last else { return }
        remark(
            .multipleInstructionsDisallowed,
            "Multiple \(instruction.keyword) instructions should not be used in the same stage because only the last "
                + "one will be used", at: last)
    }

    private mutating func remarkSecret(_ name: String, _ key: String) {
        guard SecretNames.isSecret(key) else { return }
        remark(
            .secretsUsedInArgOrEnv,
            "Do not use ARG or ENV instructions for sensitive data (\(name) \(GoText.quoted(key)))")
    }
}

/// Signals by name or number.
enum SignalText {
    private static let names: Set<String> = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
        "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
        "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
    ]

    static func isSignal(_ text: String) -> Bool {
        if let number = Int(text) { return number != 0 }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if names.contains(name) { return true }
        if name.hasPrefix("RTMIN+"), let offset = Int(name.dropFirst(6)) { return (1...15).contains(offset) }
        if name.hasPrefix("RTMAX-"), let offset = Int(name.dropFirst(6)) { return (1...14).contains(offset) }
        return false
    }
}

/// Names of variables that look like secrets.
enum SecretNames {
    private static let secret: Set<String> = [
        "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
    ]
    private static let harmless: Set<String> = ["public", "file", "version"]

    /// Whether a part of the name, between underscores, says so, and none says otherwise.
    static func isSecret(_ name: String) -> Bool {
        let parts = Set(name.lowercased().split(separator: "_").map(String.init))
        return !parts.isDisjoint(with: secret) && parts.isDisjoint(with: harmless)
    }
}
