import Compose
import Diagnostics

/// `stackctl compose kill`.
enum ComposeKillCommand {
    private static let signal = OptionDeclaration.value(
        "signal", "s", .text("SIGNAL"), "Signal to send (default: SIGKILL)")

    static let declaration = CommandDeclaration(
        "kill", summary: "Send a signal to services that run", operands: [ComposeOptions.services],
        options: [signal, ComposeOptions.removeOrphans, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        let services = session.arguments.operands
        let isWhole = session.arguments.isSet(ComposeOptions.removeOrphans)
        let containers =
            try await isWhole
            ? session.containers(of: target, services: services, all: false)
            : session.meant(target, services: services, all: false)
        if containers.isEmpty {
            session.output.writeError("no container to kill\n")
            return .success
        }
        let daemon = try await session.daemon()
        let name = session.arguments.value(of: signal)
        let order = ComposeOrder(target, containers)
        return try await ComposeWork(session: session, order: order, operation: "kill").run(containers) {
            container, _ in
            _ = try await daemon.post(Target("containers", container.id, "kill").with("signal", name).text)
        }
    }
}
