import Apply
import Diagnostics
import JSONText
import Linux

/// `stackctl apply`: makes the host what the manifest or the compose file says.
enum ApplyCommand {
    static let declaration = CommandDeclaration(
        "apply", summary: "Make the host what the manifest or the compose file says",
        discussion: """
            Shows the plan and asks. A folder without Stack.swift is applied by its compose.yaml.
            A saved plan is applied as it is, without asking, if the host is still what it was
            when the plan was made. A failed step does not stop those that do not need it; what
            was done is recorded, and the next apply goes on from there. Answers 0 when all was
            done, else 1.
            """,
        operands: [
            OperandDeclaration(
                "STACK|FILE", .optional,
                "Folder with Stack.swift or compose.yaml (default: the current one), or a saved plan",
                completion: .path)
        ],
        options: [
            SharedOptions.yes, SharedOptions.variable, SharedOptions.variableFile, PlanTargets.target,
            PlanTargets.replace, SharedOptions.upgrade, SharedOptions.takeOver, SharedOptions.json,
            SharedOptions.timings,
        ], optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        if !invocation.arguments.isSet(ComposeSelectionOptions.file),
            case .file(let path) = try StackSelection.sourceOrPlan(invocation.arguments.operand(0))
        {
            return try await apply(plan: path, invocation)
        }
        return try await apply(try StackSource.chosen(by: invocation), invocation)
    }

    private static func apply(_ source: StackSource, _ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let session = StackSession(invocation: invocation, source: source)
        let daemon = try await invocation.daemon()
        var planned = try await session.plan { daemon }
        if !arguments.isSet(SharedOptions.json) { invocation.output.show(planned.plan) }
        if !planned.plan.isEmpty { try await Approval.ask("Apply these changes?", invocation) }
        // Without changes too: outputs and lines of the manifest may differ from what is recorded.
        let began = Clock.monotonic()
        let code = try await ApplyStream.run(
            daemon, "/stacks/apply", ["plan": planned.saved.json],
            headers: await CallerCredentials.headers(for: planned.saved, invocation.output),
            invocation: invocation, shown: planned.plan)
        planned.timings.add("apply", nanoseconds: Clock.monotonic() - began)
        if code == .success, case .manifest(let folder) = source {
            try await writeLock(planned.saved, folder: folder, daemon, invocation)
        }
        if arguments.isSet(SharedOptions.timings) { invocation.output.writeError(planned.timings.line + "\n") }
        return code
    }

    private static func apply(plan path: String, _ invocation: Invocation) async throws -> ExitCode {
        let late = [
            SharedOptions.variable, SharedOptions.variableFile, SharedOptions.upgrade, PlanTargets.target,
            PlanTargets.replace,
        ].filter { invocation.arguments.isSet($0) }
        if let option = late.first {
            throw Diagnostic(
                code: "SC0175", summary: "a saved plan is applied as it is: --\(option.long) comes too late",
                hint: "give it to `stackctl plan --out FILE` and apply the new file")
        }
        let value: JSONValue
        do {
            value = try JSONValue.parse(try Files.readAll(path, limit: 256 * 1024 * 1024))
        } catch let error as JSONParseError {
            throw Diagnostic(
                code: "SC0171", summary: "`\(path)` is not a saved plan: \(error.reason)",
                hint: "`stackctl plan --out FILE` writes one")
        }
        let saved = try SavedPlan(json: value)
        let daemon = try await invocation.daemon()
        if !invocation.arguments.isSet(SharedOptions.json) { invocation.output.show(saved.plan) }
        let code = try await ApplyStream.run(
            daemon, "/stacks/apply",
            [
                "plan": value,
                "options": ["takeOver": .bool(invocation.arguments.isSet(SharedOptions.takeOver))],
            ], headers: await CallerCredentials.headers(for: saved, invocation.output), invocation: invocation,
            shown: saved.plan)
        if code == .success { try await writeLock(of: saved, daemon, invocation) }
        return code
    }

    /// Writes the lock of a saved plan into the folder the plan was made from.
    private static func writeLock(
        of saved: SavedPlan, _ daemon: DaemonClient, _ invocation: Invocation
    ) async throws {
        guard StackLock.isNeeded(by: saved) else { return }
        if let folder = saved.origin, StackSelection.isStack(folder: folder) {
            return try await writeLock(saved, folder: folder, daemon, invocation)
        }
        invocation.output.show([
            Diagnostic(
                severity: .note, code: "SC0155", summary: "\(StackLock.fileName) was not written",
                detail: saved.origin.map {
                    "The plan was made in \($0), and there is no such stack folder here."
                } ?? "The plan does not say which folder it was made in.",
                hint: "where the manifest is, `stackctl apply` writes it")
        ])
    }

    private static func writeLock(
        _ saved: SavedPlan, folder: String, _ daemon: DaemonClient, _ invocation: Invocation
    ) async throws {
        guard let document = saved.document else { return }
        let shown = try await daemon.get(Target("stacks", saved.plan.stack).text)
        do {
            let lock = StackLock.from(shown: shown, document: document, tags: saved.tags)
            if try lock.write(folder: folder), !invocation.arguments.isSet(SharedOptions.json) {
                let path = folder == "." ? StackLock.fileName : "\(folder)/\(StackLock.fileName)"
                invocation.output.print("\nWrote \(path). Commit it, and the next build is the same.")
            }
        } catch {
            invocation.output.show([error])
        }
    }
}

/// Asks before something is changed.
enum Approval {
    /// Returns when the user agrees.
    ///
    /// - Throws: a `Diagnostic` when the user does not, or when there is nobody to ask.
    static func ask(_ question: String, _ invocation: Invocation) async throws(Diagnostic) {
        if invocation.arguments.isSet(SharedOptions.yes) { return }
        guard Terminal.isTerminal(0), invocation.output.style.isTerminal,
            !invocation.arguments.isSet(SharedOptions.json)
        else {
            throw Diagnostic(
                code: "SC0172", summary: "there is no terminal to ask on, so nothing was changed",
                hint: "add --yes to go ahead, or save the plan with `stackctl plan --out FILE` and apply the file")
        }
        invocation.output.write("\n\(question) Only `yes` is taken as agreement: ")
        let answer = await Prompt.answer()
        guard answer == "yes" else {
            throw Diagnostic(code: "SC0173", summary: "not agreed, so nothing was changed")
        }
    }
}
