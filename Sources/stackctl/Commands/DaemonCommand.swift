import Diagnostics
import Engine
import EngineAPI
import JSONText
import Linux
import Providers

/// `stackctl daemon`: the engine, in the foreground.
enum DaemonCommand {
    private static let stopContainers = OptionDeclaration.flag(
        "stop-containers", nil, "Stop the containers when the daemon stops")
    private static let configFile = OptionDeclaration.value(
        "config-file", nil, .path("FILE"), "Configuration (default: \(DaemonSettings.path), where it is there)")
    private static let validate = OptionDeclaration.flag(
        "validate", nil, "Check flags and configuration, and leave")
    private static let host = OptionDeclaration.list(
        "host", "H", .text("HOST"), "Serve on unix:///PATH, tcp://ADDRESS[:PORT] or fd:// (repeatable)")

    /// Flags that are keys of the configuration file.
    private static let keys: [(option: OptionDeclaration, key: String)] = [
        (host, "hosts"),
        (.value("group", "G", .text("GROUP"), "Group that may use the unix sockets"), "group"),
        (.flag("tls", nil, "Speak TLS on TCP"), "tls"),
        (.flag("tlsverify", nil, "Ask clients for a certificate of --tlscacert"), "tlsverify"),
        (.value("tlscacert", nil, .path("FILE"), "Authority of clients' certificates"), "tlscacert"),
        (.value("tlscert", nil, .path("FILE"), "Certificate of the daemon"), "tlscert"),
        (.value("tlskey", nil, .path("FILE"), "Its private key"), "tlskey"),
        (.flag("allow-insecure-tcp", nil, "Serve other hosts without TLS"), "allow-insecure-tcp"),
        (.value("log-level", "l", .text("LEVEL"), "Log from this level on: debug, info, warn, error"), "log-level"),
        (.value("log-format", nil, .choice(["text", "json"]), "How the log is written"), "log-format"),
        (.flag("debug", "D", "Log at level debug"), "debug"),
        (.list("label", nil, .pair("KEY=VALUE"), "Label of the daemon"), "labels"),
        (.value("metrics-addr", nil, .text("ADDRESS:PORT"), "Serve Prometheus metrics there"), "metrics-addr"),
        (
            .value("shutdown-timeout", nil, .integer("SECONDS"), "Time for requests when it stops (default: 15)"),
            "shutdown-timeout"
        ),
        (.list("registry-mirror", nil, .text("URL"), "Mirror of Docker Hub"), "registry-mirrors"),
        (.list("insecure-registry", nil, .text("HOST"), "Registry without verified TLS"), "insecure-registries"),
        (.list("log-opt", nil, .pair("KEY=VALUE"), "Log option of containers that give none"), "log-opts"),
        (.value("default-shm-size", nil, .text("SIZE"), "Size of /dev/shm (default: 64m)"), "default-shm-size"),
        (.list("dns", nil, .text("ADDRESS"), "Name server of containers that give none"), "dns"),
        (.list("dns-opt", nil, .text("OPTION"), "Resolver option of containers that give none"), "dns-opts"),
        (.list("dns-search", nil, .text("DOMAIN"), "Search domain of containers that give none"), "dns-search"),
    ]

    static let declaration = CommandDeclaration(
        "daemon", summary: "Run the engine in the foreground",
        discussion: """
            Commands start it by themselves when none answers; in production systemd runs it.
            Containers, their logs, names and ports outlive it: it can be stopped, upgraded
            or killed at any time.

            Each flag is a key of the configuration file; one that is in both is an error.
            A hang-up signal (systemctl reload) makes it read the file again.
            """,
        options: [configFile, validate] + keys.map(\.option) + [stopContainers], watchesInterrupts: false, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let reread: EngineServer.Rereading = { try Self.settings(invocation) }
        let settings = try await BlockingExecutor.shared.run { try reread() }
        if invocation.arguments.isSet(validate) {
            for key in settings.idleKeys { invocation.output.writeError("warning: `\(key)` changes nothing here\n") }
            invocation.output.print("configuration OK")
            return .success
        }
        // Whatever the one who starts it has: files get the modes they are given, and containers need many descriptors.
        CurrentProcess.setUmask(0o022)
        CurrentProcess.raiseOpenFileLimit()
        let location = invocation.location
        let executable = try CurrentProcess.executablePath()
        let root = settings.dataRoot ?? location.root
        var configuration = EngineConfiguration(
            root: root, socketPath: location.socketIsGiven ? location.socket : nil,
            initBinary: try ToolFiles.initBinary(beside: executable),
            stopContainersOnExit: invocation.arguments.isSet(stopContainers) || !settings.keepsContainers,
            version: Version.number)
        configuration.publishInterfaces = settings.publishInterfaces
        configuration.addressPools = settings.addressPools
        let server = try await EngineServer(
            configuration, settings: settings, reread: reread, providers: { EngineProviders.all($0) })
        let places = settings.hosts.isEmpty ? [configuration.socketPath] : settings.hosts
        try await server.run(onReady: {
            invocation.output.writeError("listening on \(places.joined(separator: ", "))\n")
        })
        return .success
    }

    /// What the configuration file and the flags say together.
    ///
    /// Blocks.
    private static func settings(_ invocation: Invocation) throws -> DaemonSettings {
        let flags = try flagSettings(invocation)
        let given = invocation.arguments.value(of: configFile)
        let path = given ?? DaemonSettings.path
        guard given != nil || Files.exists(path) else { return try DaemonSettings().adding(flags) }
        let bytes: [UInt8]
        do {
            bytes = try Files.readAll(path, limit: 1 << 20)
        } catch {
            throw Diagnostic(
                code: "SC5019", summary: "the configuration \(path) cannot be read", detail: "\(error)",
                hint: "name another with --config-file")
        }
        let file = try DaemonSettings(json: bytes, path: path)
        let conflicts = file.conflicts(with: flags)
        guard conflicts.isEmpty else {
            let list = conflicts.map { key in
                let (flag, file) = (flags.given[key] ?? .null, file.given[key] ?? .null)
                return "\(key): (from flag: \(flag.serialized(.compact)), from file: \(file.serialized(.compact)))"
            }
            throw Diagnostic(
                code: "SC5020",
                summary:
                    "the following directives are specified both as a flag and in the configuration file: \(list.joined(separator: ", "))",
                hint: "keep one of each: change \(path) or the command line (`systemctl edit stackctl`)")
        }
        return try file.adding(flags)
    }

    private static func flagSettings(_ invocation: Invocation) throws -> DaemonSettings {
        let arguments = invocation.arguments
        var flags = DaemonSettings()
        if let root = arguments.value(of: GlobalOptions.root) {
            try flags.take("data-root", .string(try absolute(root)), from: "the flags")
        }
        for (option, key) in keys {
            guard let value = try value(of: option, arguments) else { continue }
            try flags.take(key, value, from: "--\(option.long)")
        }
        return flags
    }

    private static func value(of option: OptionDeclaration, _ arguments: ParsedArguments) throws -> JSONValue? {
        if !option.takesValue {
            if arguments.isRefused(option) { return false }
            return arguments.isSet(option) ? true : nil
        }
        guard let last = arguments.value(of: option) else { return nil }
        if option == host { return .strings(try arguments.values(of: option).map { try place($0) }) }
        switch option.value {
        case .pair where option.long == "log-opt":
            return .object(JSONObject(arguments.pairs(of: option).map { ($0.key, .string($0.value)) }))
        case .integer: return Int64(last).map { .int($0) }
        case .path: return .string(try absolute(last))
        default: return option.repeats ? .strings(arguments.values(of: option)) : .string(last)
        }
    }

    /// A socket's path may be relative on the command line.
    private static func place(_ text: String) throws -> String {
        if text.hasPrefix("unix://") { return "unix://" + (try absolute(String(text.dropFirst("unix://".count)))) }
        return text.contains("://") ? text : "unix://" + (try absolute(text))
    }

    private static func absolute(_ path: String) throws -> String {
        path.hasPrefix("/") ? path : "\(try CurrentProcess.workingDirectory())/\(path)"
    }
}
