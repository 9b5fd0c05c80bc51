import Diagnostics
import JSONText

/// Runs one request per named object, goes on after a failure, and prints the names that succeeded.
enum EachObject {
    static func run(
        _ invocation: Invocation, names: [String]? = nil, _ act: (DaemonClient, String) async throws -> Void
    ) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        var failed = false
        for name in names ?? invocation.arguments.operands {
            do {
                try await act(daemon, name)
                invocation.output.print(name)
            } catch {
                failed = true
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return failed ? .failure : .success
    }
}

/// `stackctl start`.
enum StartCommand {
    static let declaration = CommandDeclaration(
        "start", summary: "Start containers", operands: [SharedOptions.containers]
    ) { invocation in
        try await EachObject.run(invocation) { daemon, name in
            _ = try await daemon.post(Target("containers", name, "start").text)
        }
    }
}

/// `stackctl stop`.
enum StopCommand {
    private static let signal = OptionDeclaration.value(
        "signal", "s", .text("SIGNAL"), "Signal to send first (default: its own)")
    private static let time = OptionDeclaration.value(
        "time", "t", .integer("SECONDS"), "Seconds until SIGKILL (default: its own, else 10)")

    static let declaration = CommandDeclaration(
        "stop", summary: "Stop containers", operands: [SharedOptions.containers], options: [signal, time]
    ) { invocation in
        try await EachObject.run(invocation) { daemon, name in
            let target = Target("containers", name, "stop").with("signal", invocation.arguments.value(of: signal))
                .with("t", invocation.arguments.value(of: time))
            _ = try await daemon.post(target.text)
        }
    }
}

/// `stackctl restart`.
enum RestartCommand {
    private static let time = OptionDeclaration.value(
        "time", "t", .integer("SECONDS"), "Seconds until SIGKILL (default: its own, else 10)")

    static let declaration = CommandDeclaration(
        "restart", summary: "Stop containers and start them again", operands: [SharedOptions.containers],
        options: [time]
    ) { invocation in
        try await EachObject.run(invocation) { daemon, name in
            let target = Target("containers", name, "restart").with("t", invocation.arguments.value(of: time))
            _ = try await daemon.post(target.text)
        }
    }
}

/// `stackctl kill`.
enum KillCommand {
    private static let signal = OptionDeclaration.value(
        "signal", "s", .text("SIGNAL"), "Signal to send (default: SIGKILL)")

    static let declaration = CommandDeclaration(
        "kill", summary: "Send a signal to containers", operands: [SharedOptions.containers], options: [signal]
    ) { invocation in
        try await EachObject.run(invocation) { daemon, name in
            let target = Target("containers", name, "kill").with("signal", invocation.arguments.value(of: signal))
            _ = try await daemon.post(target.text)
        }
    }
}

/// `stackctl rm`.
enum RmCommand {
    private static let force = OptionDeclaration.flag("force", "f", "Kill it first if it runs")
    private static let volumes = OptionDeclaration.flag("volumes", "v", "Also remove its anonymous volumes")

    static let declaration = CommandDeclaration(
        "rm", summary: "Remove containers",
        discussion: """
            A container that belongs to a stack is made again by the next `apply`; use
            `stackctl destroy` to be rid of the stack.
            """,
        operands: [SharedOptions.containers], options: [force, volumes]
    ) { invocation in
        try await EachObject.run(invocation) { daemon, name in
            let target = Target("containers", name).with("force", invocation.arguments.isSet(force))
                .with("v", invocation.arguments.isSet(volumes))
            _ = try await daemon.delete(target.text)
        }
    }
}
