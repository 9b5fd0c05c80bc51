import Diagnostics
import Engine
import EngineAPI
import Linux
import Providers

/// `stackctl daemon`: the engine, in the foreground.
enum DaemonCommand {
    private static let stopContainers = OptionDeclaration.flag(
        "stop-containers", nil, "Stop the containers when the daemon stops")

    static let declaration = CommandDeclaration(
        "daemon", summary: "Run the engine in the foreground",
        discussion: """
            Commands start it by themselves when none answers; in production systemd runs it.
            Containers, their logs, names and ports outlive it: it can be stopped, upgraded
            or killed at any time.
            """,
        options: [stopContainers], watchesInterrupts: false, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        // Whatever the one who starts it has: files get the modes they are given, and containers need many descriptors.
        CurrentProcess.setUmask(0o022)
        CurrentProcess.raiseOpenFileLimit()
        let location = invocation.location
        let executable = try CurrentProcess.executablePath()
        let configuration = EngineConfiguration(
            root: location.root, socketPath: location.socketIsGiven ? location.socket : nil,
            initBinary: try ToolFiles.initBinary(beside: executable),
            stopContainersOnExit: invocation.arguments.isSet(stopContainers), version: Version.number)
        let server = try await EngineServer(configuration, providers: { EngineProviders.all($0) })
        try await server.run(onReady: { invocation.output.writeError("listening on \(location.socket)\n") })
        return .success
    }
}
