import Diagnostics
import HTTP
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

    /// The same, many at a time, since each may take seconds; what came of them is told in the order of the names.
    ///
    /// - Parameter isFine: whether a failure is none, although it is told.
    static func runTogether(
        _ invocation: Invocation, isFine: (any Error) -> Bool = { _ in false },
        _ act: @escaping @Sendable (DaemonClient, String) async throws -> Void
    ) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        let names = invocation.arguments.operands
        return try await withThrowingTaskGroup(of: (Int, Result<Void, any Error>).self) { group in
            var waiting = names.enumerated().makeIterator()
            func startNext() {
                guard let (index, name) = waiting.next() else { return }
                group.addTask {
                    do { return (index, .success(try await act(daemon, name))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for _ in 0..<atOnce { startNext() }
            var results: [Int: Result<Void, any Error>] = [:]
            var told = 0
            var code = ExitCode.success
            while let (index, result) = try await group.next() {
                startNext()
                results[index] = result
                while let result = results.removeValue(forKey: told) {
                    switch result {
                    case .success: invocation.output.print(names[told])
                    case .failure(let error):
                        if !isFine(error) { code = .failure }
                        invocation.output.show(Failure.diagnostics(error))
                    }
                    told += 1
                }
            }
            return code
        }
    }

    /// As many as Docker's client does.
    private static let atOnce = 50

    /// A command that asks for the same of every container it is given.
    static func command(
        _ name: String, _ summary: String, offers: CompletedKind, options: [OptionDeclaration] = [],
        _ target: @escaping @Sendable (String, ParsedArguments) -> Target
    ) -> CommandDeclaration {
        CommandDeclaration(
            name, summary: summary,
            operands: [
                OperandDeclaration(
                    "CONTAINER", .oneOrMore, "Names or identifiers of containers", completion: .names(offers))
            ], options: options
        ) { invocation in
            try await runTogether(invocation) { daemon, name in
                _ = try await daemon.post(target(name, invocation.arguments).text)
            }
        }
    }
}

/// `stackctl stop`, `restart`, `kill`, `pause` and `unpause`.
enum LifecycleCommands {
    private static let firstSignal = OptionDeclaration.value(
        "signal", "s", .text("SIGNAL"), "Signal to send first (default: its own)")
    /// Docker's name since version 28, and the one before.
    private static let time = OptionDeclaration.value(
        "timeout", "t", .text("SECONDS"), "Seconds until SIGKILL (default: its own, else 10); -1 waits for ever"
    ).named(also: "time")
    private static let signal = OptionDeclaration.value(
        "signal", "s", .text("SIGNAL"), "Signal to send (default: SIGKILL)")

    static let stop = EachObject.command(
        "stop", "Stop containers", offers: .running, options: [firstSignal, time]
    ) { name, arguments in
        Target("containers", name, "stop").with("signal", arguments.value(of: firstSignal))
            .with("t", arguments.value(of: time))
    }

    static let restart = EachObject.command(
        "restart", "Stop containers and start them again", offers: .containers, options: [firstSignal, time]
    ) { name, arguments in
        Target("containers", name, "restart").with("signal", arguments.value(of: firstSignal))
            .with("t", arguments.value(of: time))
    }

    static let kill = EachObject.command(
        "kill", "Send a signal to containers", offers: .running, options: [signal]
    ) { name, arguments in
        Target("containers", name, "kill").with("signal", arguments.value(of: signal))
    }

    static let pause = EachObject.command(
        "pause", "Freeze every process of containers", offers: .running
    ) { name, _ in Target("containers", name, "pause") }

    static let unpause = EachObject.command(
        "unpause", "Let the processes of frozen containers go on", offers: .running
    ) { name, _ in Target("containers", name, "unpause") }
}

/// `stackctl rm`.
enum RmCommand {
    private static let force = OptionDeclaration.flag("force", "f", "Kill it first if it runs")
    private static let link = OptionDeclaration.flag("link", "l", "Remove the link of this name, not the container")
    private static let volumes = OptionDeclaration.flag("volumes", "v", "Also remove its anonymous volumes")

    static let declaration = CommandDeclaration(
        "rm", aliases: ["remove"], summary: "Remove containers",
        discussion: """
            A container that belongs to a stack is made again by the next `apply`; use
            `stackctl destroy` to be rid of the stack.
            """,
        operands: [
            OperandDeclaration(
                "CONTAINER", .oneOrMore, "Names or identifiers of containers", completion: .names(.containers))
        ], options: [force, link, volumes], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let isForced = arguments.isSet(force)
        // Whoever forces wants it gone, and gone it is.
        return try await EachObject.runTogether(
            invocation, isFine: { isForced && ($0 as? StatusFailure)?.status == 404 }
        ) { daemon, name in
            let target = Target("containers", name).with("force", isForced)
                .with("v", arguments.isSet(volumes)).with("link", arguments.isSet(link))
            _ = try await daemon.delete(target.text)
        }
    }
}

/// `stackctl wait`: waits until containers have ended.
enum WaitCommand {
    static let declaration = CommandDeclaration(
        "wait", summary: "Wait until containers have ended, and print their exit codes",
        operands: [
            OperandDeclaration(
                "CONTAINER", .oneOrMore, "Names or identifiers of containers", completion: .names(.running))
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        var failed = false
        for name in invocation.arguments.operands {
            do {
                let answer = try await daemon.open("POST", Target("containers", name, "wait").text).collect()
                invocation.output.print("\(try ContainerAttachment.exitCode(of: answer).code)")
            } catch {
                failed = true
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return failed ? .failure : .success
    }
}

/// `stackctl rename`.
enum RenameCommand {
    static let declaration = CommandDeclaration(
        "rename", summary: "Give a container another name",
        operands: [
            OperandDeclaration("CONTAINER", "Name or identifier of a container", completion: .names(.containers)),
            OperandDeclaration("NAME", "The new name"),
        ]
    ) { invocation in
        let target = Target("containers", invocation.arguments.operand(0) ?? "", "rename")
            .with("name", invocation.arguments.operand(1))
        _ = try await invocation.daemon().post(target.text)
        return .success
    }
}
