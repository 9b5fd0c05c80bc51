import JSONText

/// The defaults of a container made of an image: the `config` object of an image config.
///
/// Source: OCI image specification, config.md, "config", with Docker's additions (`Healthcheck`, `OnBuild`, `Shell`,
/// `StopTimeout`, `ArgsEscaped`).
package struct ExecutionParameters: Sendable, Hashable {
    /// User and group, as `user`, `uid`, `user:group` and so on; empty for root.
    package var user = ""

    /// Ports the program listens on, such as `80/tcp`.
    package var exposedPorts: [String] = []

    /// Environment, each `NAME=value`.
    package var env: [String] = []

    /// The program, and arguments always given to it.
    package var entrypoint: [String]?

    /// Arguments of the entrypoint, or the program where there is none.
    package var command: [String]?

    /// Paths that are kept in volumes.
    package var volumes: [String] = []

    /// The directory the program starts in; empty for `/`.
    package var workingDirectory = ""

    /// Labels of the image.
    package var labels: [String: String] = [:]

    /// The signal that asks the program to end.
    package var stopSignal: String?

    /// Seconds between that signal and SIGKILL.
    package var stopTimeout: Int?

    /// How to tell whether the container is well.
    package var healthcheck: Healthcheck?

    /// Instructions for images built from this one.
    package var onBuild: [String] = []

    /// The shell of instructions in shell form.
    package var shell: [String]?

    /// Windows only: whether the command is escaped already.
    ///
    /// Kept so that the value survives a copy.
    package var argsEscaped = false

    package init() {}

    init(_ fields: FieldReader) throws(OCIError) {
        user = try fields.string("User") ?? ""
        exposedPorts = try fields.set("ExposedPorts")
        env = try fields.strings("Env") ?? []
        entrypoint = try fields.strings("Entrypoint")
        command = try fields.strings("Cmd")
        volumes = try fields.set("Volumes")
        workingDirectory = try fields.string("WorkingDir") ?? ""
        labels = try fields.dictionary("Labels")
        stopSignal = try fields.string("StopSignal")
        stopTimeout = try fields.integer("StopTimeout").flatMap { Int(exactly: $0) }
        healthcheck = try fields.reader("Healthcheck").map { fields throws(OCIError) in try Healthcheck(fields) }
        onBuild = try fields.strings("OnBuild") ?? []
        shell = try fields.strings("Shell")
        argsEscaped = try fields.boolean("ArgsEscaped") ?? false
    }

    /// The object with Docker's keys; what is not set is left out.
    package var json: JSONObject {
        var object = JSONObject()
        if !user.isEmpty { object["User"] = .string(user) }
        if !exposedPorts.isEmpty { object["ExposedPorts"] = .object(.set(of: exposedPorts)) }
        if !env.isEmpty { object["Env"] = .strings(env) }
        if let entrypoint { object["Entrypoint"] = .strings(entrypoint) }
        if let command { object["Cmd"] = .strings(command) }
        if let healthcheck { object["Healthcheck"] = .object(healthcheck.json) }
        if argsEscaped { object["ArgsEscaped"] = .bool(true) }
        if !volumes.isEmpty { object["Volumes"] = .object(.set(of: volumes)) }
        if !workingDirectory.isEmpty { object["WorkingDir"] = .string(workingDirectory) }
        if !onBuild.isEmpty { object["OnBuild"] = .strings(onBuild) }
        if !labels.isEmpty { object["Labels"] = .object(.strings(labels)) }
        if let stopSignal { object["StopSignal"] = .string(stopSignal) }
        if let stopTimeout { object["StopTimeout"] = .int(Int64(stopTimeout)) }
        if let shell { object["Shell"] = .strings(shell) }
        return object
    }
}

/// A command that tells whether a container is well, as Docker's image configs carry it.
package struct Healthcheck: Sendable, Hashable {
    /// `CMD` and arguments, `CMD-SHELL` and one command line, or `NONE`.
    package var test: [String]

    /// Nanoseconds between checks; 0 for the default.
    package var interval: Int64

    /// Nanoseconds a check may take; 0 for the default.
    package var timeout: Int64

    /// Nanoseconds after the start in which a failure does not count.
    package var startPeriod: Int64

    /// Nanoseconds between checks in the start period; 0 for the default.
    package var startInterval: Int64

    /// Failures in a row that make the container unhealthy; 0 for the default.
    package var retries: Int

    package init(
        test: [String], interval: Int64 = 0, timeout: Int64 = 0, startPeriod: Int64 = 0, startInterval: Int64 = 0,
        retries: Int = 0
    ) {
        self.test = test
        self.interval = interval
        self.timeout = timeout
        self.startPeriod = startPeriod
        self.startInterval = startInterval
        self.retries = retries
    }

    init(_ fields: FieldReader) throws(OCIError) {
        test = try fields.strings("Test") ?? []
        interval = try fields.integer("Interval") ?? 0
        timeout = try fields.integer("Timeout") ?? 0
        startPeriod = try fields.integer("StartPeriod") ?? 0
        startInterval = try fields.integer("StartInterval") ?? 0
        retries = try fields.integer("Retries").flatMap { Int(exactly: $0) } ?? 0
    }

    /// The object with Docker's keys.
    package var json: JSONObject {
        var object = JSONObject()
        object["Test"] = .strings(test)
        if interval != 0 { object["Interval"] = .int(interval) }
        if timeout != 0 { object["Timeout"] = .int(timeout) }
        if startPeriod != 0 { object["StartPeriod"] = .int(startPeriod) }
        if startInterval != 0 { object["StartInterval"] = .int(startInterval) }
        if retries != 0 { object["Retries"] = .int(Int64(retries)) }
        return object
    }
}
