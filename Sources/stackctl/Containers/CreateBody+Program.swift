import Diagnostics
import JSONText

extension CreateBody {
    /// What runs: program, variables, user, labels.
    mutating func addProgram() throws(Diagnostic) {
        set("Image", arguments.operand(0).map { .string($0) })
        let command = arguments.operands.dropFirst()
        if !command.isEmpty { set("Cmd", .array(command.map { .string($0) })) }
        // `--entrypoint=` does away with the image's.
        set("Entrypoint", arguments.value(of: CreateOptions.entrypoint).map { .array([.string($0)]) })
        let variables = try CreateBody.variables(
            arguments, CreateOptions.environment, CreateOptions.environmentFile, environment)
        if !variables.isEmpty { set("Env", .array(variables.map { .string($0) })) }
        set("WorkingDir", text(CreateOptions.workingDirectory))
        set("User", text(CreateOptions.user))
        setHost("GroupAdd", texts(CreateOptions.groups))
        setHost("Init", flag(CreateOptions.initProcess))
        set("StopSignal", text(CreateOptions.stopSignal))
        set(
            "StopTimeout",
            try arguments.value(of: CreateOptions.stopTimeout) { text throws(Reason) in
                .int(try GoText.integer(text))
            })
    }

    /// Labels of files first, then those of the command line.
    mutating func addLabels() throws(Diagnostic) {
        var lines: [String] = []
        for path in arguments.values(of: CreateOptions.labelFile) {
            lines += try KeyValueFile.read(path, option: CreateOptions.labelFile, lookUp: nil)
        }
        lines += try arguments.values(of: CreateOptions.label) { text throws(Reason) in
            guard !CommaSeparated.cut(text).key.isEmpty else { throw Reason("invalid label '\(text)': empty name") }
            return text
        }
        set("Labels", CreateBody.object(lines))
    }

    /// Variables of files first, then those of the command line.
    ///
    /// A name alone is taken over from the caller. In a file a name that the caller does not have is left out; on the
    /// command line it goes on alone, which takes the variable away from the image's.
    static func variables(
        _ arguments: ParsedArguments, _ option: OptionDeclaration, _ fileOption: OptionDeclaration?,
        _ environment: [String: String]
    ) throws(Diagnostic) -> [String] {
        var lines: [String] = []
        if let fileOption {
            for path in arguments.values(of: fileOption) {
                lines += try KeyValueFile.read(path, option: fileOption) { environment[$0] }
            }
        }
        return lines
            + (try arguments.values(of: option) { text throws(Reason) in
                let (name, value) = CommaSeparated.cut(text)
                guard !name.isEmpty else { throw Reason("invalid environment variable: \(text)") }
                if value != nil { return text }
                return environment[name].map { "\(name)=\($0)" } ?? text
            })
    }
}

extension CreateBody {
    /// How its health is checked.
    mutating func addHealth() throws(Diagnostic) {
        var check: JSONObject = [:]
        let command = arguments.value(of: CreateOptions.healthCommand) ?? ""
        if !command.isEmpty { check["Test"] = ["CMD-SHELL", .string(command)] }
        let times = [
            ("Interval", CreateOptions.healthInterval), ("Timeout", CreateOptions.healthTimeout),
            ("StartPeriod", CreateOptions.healthStartPeriod), ("StartInterval", CreateOptions.healthStartInterval),
        ]
        for (key, option) in times {
            let value = try arguments.value(of: option) { text throws(Reason) in try GoText.duration(text) }
            guard let value, value != 0 else { continue }
            guard value > 0 else { throw FlagProblem.sentence("--\(option.long) cannot be negative") }
            check[key] = .int(value)
        }
        let retries = try arguments.value(of: CreateOptions.healthRetries) { text throws(Reason) in
            try GoText.integer(text)
        }
        if let retries, retries != 0 {
            guard retries > 0 else { throw FlagProblem.sentence("--health-retries cannot be negative") }
            check["Retries"] = .int(retries)
        }
        if arguments.isSet(CreateOptions.noHealthCheck) {
            guard check.isEmpty else {
                throw FlagProblem.sentence("--no-healthcheck conflicts with --health-* options")
            }
            check["Test"] = ["NONE"]
        }
        if !check.isEmpty { set("Healthcheck", .object(check)) }
    }

    /// Where its output is kept.
    mutating func addLogging() throws(Diagnostic) {
        let driver = arguments.value(of: CreateOptions.logDriver)
        let options = arguments.values(of: CreateOptions.logOption)
        if driver == "none", !options.isEmpty {
            throw FlagProblem.sentence("invalid logging opts for driver none", hint: "leave out --log-opt")
        }
        guard driver != nil || !options.isEmpty else { return }
        setHost("LogConfig", ["Type": .string(driver ?? ""), "Config": CreateBody.object(options) ?? [:]])
    }
}
