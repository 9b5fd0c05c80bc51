import Diagnostics
import JSONText

/// The body of `POST /containers/create`, from the words of `run` and `create`.
///
/// Only what was given is in it: the daemon knows the defaults.
struct CreateBody {
    let arguments: ParsedArguments
    /// The caller's variables, which `--env NAME` takes over.
    let environment: [String: String]
    /// Where relative paths of the caller begin.
    let workingDirectory: String

    private(set) var config: JSONObject = [:]
    private(set) var host: JSONObject = [:]
    private var endpoints: JSONObject = [:]

    /// Reads the options.
    ///
    /// - Throws: `Diagnostic` (SC0200, SC0201) with Docker's sentence.
    init(
        _ arguments: ParsedArguments, environment: [String: String], workingDirectory: String
    ) throws(Diagnostic) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        try addStreams()
        try addProgram()
        try addLabels()
        try addFiles()
        try addPorts()
        endpoints = try addNetworks()
        try addLimits()
        try addDevices()
        try addRights()
        try addHealth()
        try addLogging()
        try addLifecycle()
    }

    /// The whole body.
    var json: JSONValue {
        var body = config
        body["HostConfig"] = .object(host)
        body["NetworkingConfig"] = ["EndpointsConfig": .object(endpoints)]
        return .object(body)
    }

    /// Whether somebody attaches to a stream.
    func attaches(_ stream: String) -> Bool { config["Attach\(stream)"]?.boolValue ?? false }

    /// For a container that nobody attaches to at its start.
    mutating func detach() {
        for stream in ["Stdin", "Stdout", "Stderr"] { config["Attach\(stream)"] = false }
        config["StdinOnce"] = false
    }

    /// Adds variables that the user's settings have for every container.
    mutating func addVariables(_ lines: (Set<String>) -> [String]) {
        let given = (config["Env"]?.arrayValue ?? []).compactMap(\.stringValue)
        let more = lines(Set(given.map { CommaSeparated.cut($0).key }))
        if !more.isEmpty { config["Env"] = .array((more + given).map { .string($0) }) }
    }

    // MARK: What the parts of it write with

    mutating func set(_ key: String, _ value: JSONValue?) {
        if let value { config[key] = value }
    }

    mutating func setHost(_ key: String, _ value: JSONValue?) {
        if let value { host[key] = value }
    }

    /// The text of an option; nil where it was not given.
    func text(_ option: OptionDeclaration) -> JSONValue? { arguments.value(of: option).map { .string($0) } }

    /// The texts of an option; nil where it was not given.
    func texts(_ option: OptionDeclaration) -> JSONValue? {
        let values = arguments.values(of: option)
        return values.isEmpty ? nil : .array(values.map { .string($0) })
    }

    /// True or false as the flag was given; nil where it was not.
    func flag(_ option: OptionDeclaration) -> JSONValue? {
        arguments.isSet(option) ? true : arguments.isRefused(option) ? false : nil
    }

    /// Lines of `NAME=value` as an object; nil for none.
    static func object(_ lines: [String]) -> JSONValue? {
        guard !lines.isEmpty else { return nil }
        return .object(
            JSONObject(
                lines.map { line in
                    let (key, value) = CommaSeparated.cut(line)
                    return (key, .string(value ?? ""))
                }))
    }
}

extension CreateBody {
    /// Which streams the caller is attached to: those named, else all; the input only where it is kept open.
    private mutating func addStreams() throws(Diagnostic) {
        let named = try arguments.values(of: CreateOptions.attach) { text throws(Reason) in
            let stream = text.lowercased()
            guard ["stdin", "stdout", "stderr"].contains(stream) else {
                throw Reason("valid streams are STDIN, STDOUT and STDERR")
            }
            return stream
        }
        let isOpen = arguments.isSet(CreateOptions.interactive)
        set("AttachStdin", .bool(named.contains("stdin") || named.isEmpty && isOpen))
        set("AttachStdout", .bool(named.isEmpty || named.contains("stdout")))
        set("AttachStderr", .bool(named.isEmpty || named.contains("stderr")))
        set("OpenStdin", .bool(isOpen))
        set("StdinOnce", .bool(isOpen && attaches("Stdin")))
        set("Tty", .bool(arguments.isSet(CreateOptions.tty)))
    }

    private mutating func addLifecycle() throws(Diagnostic) {
        let policy = try CreateBody.restartPolicy(arguments.value(of: CreateOptions.restart))
        setHost("RestartPolicy", policy)
        setHost("AutoRemove", flag(CreateOptions.remove))
        let name = policy?["Name"]?.stringValue ?? ""
        if arguments.isSet(CreateOptions.remove), !["", "no"].contains(name) {
            throw FlagProblem.sentence(
                "conflicting options: cannot specify both --restart and --rm", hint: "leave out one of them")
        }
        setHost("ContainerIDFile", text(CreateOptions.idFile))
        setHost("Runtime", text(CreateOptions.runtime))
        setHost("Annotations", CreateBody.object(arguments.values(of: CreateOptions.annotation)))
    }

    /// `on-failure:3` as an object; nil for none.
    static func restartPolicy(_ text: String?) throws(Diagnostic) -> JSONValue? {
        guard let text, !text.isEmpty else { return nil }
        let (name, count) = CommaSeparated.cut(text, at: ":")
        guard !(name.isEmpty && count != nil) else {
            throw FlagProblem.sentence("invalid restart policy format: no policy provided before colon")
        }
        var policy: JSONObject = ["Name": .string(name)]
        if let count, !count.isEmpty {
            guard let number = Int64(count) else {
                throw FlagProblem.sentence(
                    "invalid restart policy format: maximum retry count must be an integer",
                    hint: "write --restart on-failure:3")
            }
            policy["MaximumRetryCount"] = .int(number)
        }
        return .object(policy)
    }
}
