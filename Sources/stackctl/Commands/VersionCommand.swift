import Diagnostics
import JSONText
import Linux
import OCI

/// `stackctl version`: this program and the daemon it talks to.
enum VersionCommand {
    static let declaration = CommandDeclaration(
        "version", summary: "Show the versions of this program and of the daemon",
        discussion: "No daemon is started for it. `stackctl --version` prints only the program's.",
        options: [InspectCommand.format, SharedOptions.json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let template = try ObjectFormat(invocation.arguments.value(of: InspectCommand.format))
        let server = await DaemonLauncher(location: invocation.location).existing()
        let answer = try await server?.get("/version")
        let client = client(invocation)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: ["Client": .object(client), "Server": answer ?? .null])
            return .success
        }
        if let template {
            invocation.output.print(try template.render(["Client": .object(client), "Server": answer ?? .null]))
            return answer == nil ? .failure : .success
        }
        var lines = ["Client:"]
        func add(_ name: String, _ value: String?, indent: Int) {
            guard let value, !value.isEmpty else { return }
            let label = String(repeating: " ", count: indent) + name + ":"
            lines.append(label + String(repeating: " ", count: max(1, 20 - label.count)) + TerminalText.line(value))
        }
        for (name, key) in [("Version", "Version"), ("API version", "ApiVersion"), ("Context", "Context")] {
            add(name, client[key]?.stringValue, indent: 1)
        }
        add("OS/Arch", "\(client["Os"]?.stringValue ?? "")/\(client["Arch"]?.stringValue ?? "")", indent: 1)
        guard let answer else {
            lines.append("Server:")
            lines.append(" none answers at \(invocation.location.address)")
            for line in lines { invocation.output.print(line) }
            return .success
        }
        lines += ["", "Server:", " Engine:"]
        func text(_ key: String) -> String? { answer[key]?.stringValue }
        add("Version", text("Version"), indent: 2)
        let least = text("MinAPIVersion").map { " (minimum version \($0))" } ?? ""
        add("API version", text("ApiVersion").map { $0 + least }, indent: 2)
        add("OS/Arch", "\(text("Os") ?? "")/\(text("Arch") ?? "")", indent: 2)
        add("Kernel", text("KernelVersion"), indent: 2)
        add("Built", text("BuildTime"), indent: 2)
        for line in lines { invocation.output.print(line) }
        return .success
    }

    private static func client(_ invocation: Invocation) -> JSONObject {
        let store = ContextStore(environment: Environment.all)
        let choice = EndpointChoice(
            arguments: invocation.arguments, environment: Environment.all, workingDirectory: "/")
        let name = store == nil ? nil : try? choice.contextName
        let version = DaemonConnector.newestVersionText
        return [
            "Version": .string(Version.number), "ApiVersion": .string(invocation.location.version ?? version),
            "DefaultAPIVersion": .string(version), "Os": "linux", "Arch": .string(Platform.host.architecture),
            "Context": .string(name ?? ContextStore.defaultName),
        ]
    }
}
