import Apply
import Diagnostics
import Linux
import StackModel

/// `stackctl compose rm`.
enum ComposeRmCommand {
    private static let force = OptionDeclaration.flag("force", "f", "Do not ask")
    private static let stop = OptionDeclaration.flag("stop", "s", "Stop them first, where they run")
    private static let volumes = OptionDeclaration.flag("volumes", "v", "Also remove their anonymous volumes")
    private static let all = OptionDeclaration.flag("all", "a", "Accepted for Docker's sake")

    static let declaration = CommandDeclaration(
        "rm", summary: "Remove containers of services that do not run",
        discussion: "Without -f it asks. Volumes with a name stay; networks and the rest: `stackctl compose down`.",
        operands: [ComposeOptions.services], options: [force, stop, volumes, all, ComposeOptions.dryRun]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let target = try await session.target()
        var containers = try await session.meant(target, services: session.arguments.operands)
        if session.arguments.isSet(stop) {
            let code = try await ComposeStopCommand.stop(containers.filter(\.isRunning), session, target)
            guard code == .success else { return code }
        } else {
            containers.removeAll(where: \.isRunning)
        }
        guard !containers.isEmpty else {
            session.output.print("No stopped containers")
            return .success
        }
        try await ask(containers, session)
        return try await ComposeRemoval(session, target).remove(
            containers, volumes: session.arguments.isSet(volumes))
    }

    private static func ask(_ containers: [ComposeContainer], _ session: ComposeSession) async throws(Diagnostic) {
        guard !session.arguments.isSet(force), !session.isDryRun else { return }
        let names = containers.map(\.name).joined(separator: ", ")
        guard Terminal.isTerminal(0), Terminal.isTerminal(2) else {
            throw Diagnostic(
                code: "SC0228", summary: "there is no terminal to ask on, so nothing was removed",
                detail: "It would be: \(names)", hint: "add -f to remove them")
        }
        session.output.writeError("Going to remove \(TerminalText.line(names))\nAre you sure? [yN] ")
        let answer = await Prompt.answer()
        guard ["y", "yes"].contains(answer.lowercased()) else {
            throw Diagnostic(code: "SC0228", summary: "not agreed, so nothing was removed")
        }
    }
}
