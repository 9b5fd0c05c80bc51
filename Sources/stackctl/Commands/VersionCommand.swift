import Diagnostics
import JSONText

/// `stackctl version`: this program and the daemon it talks to.
enum VersionCommand {
    static let declaration = CommandDeclaration(
        "version", summary: "Show the versions of this program and of the daemon",
        discussion: "No daemon is started for it. `stackctl --version` prints only the program's.",
        options: [SharedOptions.json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let server = await DaemonLauncher(location: invocation.location).existing()
        let answer = try await server?.get("/version")
        if invocation.arguments.isSet(SharedOptions.json) {
            let client: JSONObject = ["Version": .string(Version.number)]
            invocation.output.print(json: ["Client": .object(client), "Server": answer ?? .null])
            return .success
        }
        invocation.output.print("Client:  \(Version.number)")
        guard let answer else {
            invocation.output.print("Daemon:  none answers at \(invocation.location.socket)")
            return .success
        }
        invocation.output.print("Daemon:  \(answer["Version"]?.stringValue ?? "unknown")")
        invocation.output.print("API:     \(answer["ApiVersion"]?.stringValue ?? "unknown")")
        invocation.output.print("Kernel:  \(answer["KernelVersion"]?.stringValue ?? "unknown")")
        return .success
    }
}
