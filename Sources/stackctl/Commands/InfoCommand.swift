import Diagnostics
import JSONText

/// `stackctl info`: what the daemon runs on and holds.
enum InfoCommand {
    static let declaration = CommandDeclaration(
        "info", summary: "Show what the daemon runs on and holds",
        options: [InspectCommand.format, SharedOptions.json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let template = try ObjectFormat(invocation.arguments.value(of: InspectCommand.format))
        let answer = try await invocation.daemon().get("/info")
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        if let template {
            invocation.output.print(try template.render(answer))
            return .success
        }
        for line in lines(answer, at: invocation.location.address) { invocation.output.print(line) }
        for warning in (answer["Warnings"]?.arrayValue ?? []).compactMap(\.stringValue) {
            invocation.output.writeError("WARNING: \(TerminalText.line(warning))\n")
        }
        return .success
    }

    private static func lines(_ info: JSONValue, at address: String) -> [String] {
        var lines = ["Client:", " Version:    \(Version.number)", "", "Server:"]
        func text(_ key: String) -> String? {
            switch info[key] {
            case nil, .null?: nil
            case .string(let text)?: text
            case .bool(let value)?: "\(value)"
            case let value?: value.serialized(.compact)
            }
        }
        func add(_ name: String, _ value: String?, indent: Int = 1) {
            guard let value, !value.isEmpty else { return }
            lines.append(String(repeating: " ", count: indent) + "\(name): \(TerminalText.line(value))")
        }
        func list(_ name: String, _ values: [String]) {
            guard !values.isEmpty else { return }
            lines.append(" \(name):")
            lines += values.map { "  " + TerminalText.line($0) }
        }
        func strings(_ value: JSONValue?) -> [String] { (value?.arrayValue ?? []).compactMap(\.stringValue) }
        add("Socket", address)
        add("Containers", text("Containers"))
        for (name, key) in [
            ("Running", "ContainersRunning"), ("Paused", "ContainersPaused"), ("Stopped", "ContainersStopped"),
        ] { add(name, text(key), indent: 2) }
        add("Images", text("Images"))
        add("Server Version", text("ServerVersion"))
        add("Storage Driver", text("Driver"))
        for pair in info["DriverStatus"]?.arrayValue ?? [] {
            let words = strings(pair)
            if words.count == 2 { add(words[0], words[1], indent: 2) }
        }
        add("Logging Driver", text("LoggingDriver"))
        add("Cgroup Driver", text("CgroupDriver"))
        add("Cgroup Version", text("CgroupVersion"))
        let plugins = info["Plugins"]
        lines.append(" Plugins:")
        for (name, key) in [("Volume", "Volume"), ("Network", "Network"), ("Log", "Log")] {
            add(name, strings(plugins?[key]).joined(separator: " "), indent: 2)
        }
        add("Runtimes", info["Runtimes"]?.objectValue?.keys.sorted().joined(separator: " "))
        add("Default Runtime", text("DefaultRuntime"))
        add("Init Binary", text("InitBinary"))
        list("Security Options", strings(info["SecurityOptions"]))
        add("Kernel Version", text("KernelVersion"))
        add("Operating System", text("OperatingSystem"))
        add("OSType", text("OSType"))
        add("Architecture", text("Architecture"))
        add("CPUs", text("NCPU"))
        add("Total Memory", HumanText.memory(info["MemTotal"]?.intValue ?? 0))
        add("Name", text("Name"))
        add("ID", text("ID"))
        add("Docker Root Dir", text("DockerRootDir"))
        add("Debug Mode", text("Debug"))
        for (name, key) in [("HTTP Proxy", "HttpProxy"), ("HTTPS Proxy", "HttpsProxy"), ("No Proxy", "NoProxy")] {
            add(name, text(key))
        }
        list("Labels", strings(info["Labels"]))
        let registries = info["RegistryConfig"]
        list(
            "Insecure Registries",
            strings(registries?["InsecureRegistryCIDRs"])
                + (registries?["IndexConfigs"]?.objectValue ?? [:]).filter { $0.value["Secure"] == false }.map(\.key))
        list("Registry Mirrors", strings(registries?["Mirrors"]))
        add("Live Restore Enabled", text("LiveRestoreEnabled"))
        return lines
    }
}
