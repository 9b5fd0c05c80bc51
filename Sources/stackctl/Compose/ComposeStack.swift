import Apply
import Compose
import Diagnostics
import JSONText
import Linux
import Providers
import StackModel

/// A project as a stack: its plans, and what is done of them.
struct ComposeStack: Sendable {
    let session: ComposeSession
    /// The project's name, which is the stack's.
    let name: String
    /// The project's directory; nil where it is not known.
    let origin: String?

    init(_ session: ComposeSession, _ target: ComposeTarget) {
        self.session = session
        name = target.name
        origin = target.project?.directory
    }

    /// A plan with what it takes to apply it.
    struct Planned: Sendable {
        var saved: SavedPlan
        var scope: PlanScope
        var plan: Plan { saved.plan }
    }

    /// Plans and carries out again where the host has moved on in between, as a container that ended just then.
    static func whileStale<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
        for _ in 1..<attempts {
            do {
                return try await body()
            } catch let failure as StatusFailure where failure.diagnostics.contains(where: { $0.code == "SC3130" }) {}
        }
        return try await body()
    }

    /// So often is planned before the user is told that the host does not keep still.
    private static let attempts = 5

    // MARK: Apply

    /// What an apply of a document would do within a scope.
    func plan(_ document: StackDocument, _ scope: PlanScope) async throws -> Planned {
        let answer = try await session.daemon().plan(.apply(document: document.json, options: options(scope)))
        let plan = try Plan(json: answer)
        return Planned(saved: SavedPlan(plan: plan, document: document, origin: origin, takeOver: true), scope: scope)
    }

    /// Shows a plan; on a terminal all of it, else a line for each change.
    func show(_ plan: Plan, isShort: Bool) {
        let output = session.progress
        guard isShort || !output.style.isTerminal else { return output.show(plan) }
        output.show(plan.diagnostics)
        for line in ComposePlanText.lines(plan) { output.print(line) }
    }

    /// Applies what was planned, and agreed to.
    func apply(_ planned: Planned) async throws -> ExitCode {
        try await ApplyStream.run(
            try await session.daemon(), "/stacks/apply",
            ["plan": planned.saved.json, "options": options(planned.scope)],
            headers: await CallerCredentials.headers(for: planned.saved, session.output),
            invocation: session.progressInvocation, shown: planned.plan, stop: "stackctl compose -p \(name) stop")
    }

    /// Asks where data would be lost, and only there.
    ///
    /// - Throws: `Diagnostic` (SC0230) where nobody agrees.
    func agree(to plan: Plan) async throws(Diagnostic) {
        let losing = plan.changes.filter(\.losesData).map(\.address.description)
        guard !losing.isEmpty, !session.arguments.isSet(ComposeOptions.yes) else { return }
        let list = TerminalText.line(losing.joined(separator: ", "))
        guard Terminal.isTerminal(0), session.progress.style.isTerminal else {
            throw Diagnostic(
                code: "SC0230", summary: "data would be lost, so nothing was changed", detail: "It is in \(list).",
                hint: "add -y to agree, or see the reasons: stackctl compose up --dry-run")
        }
        session.progress.write("\nThe data in \(list) will be lost. Only `yes` is taken as agreement: ")
        let answer = await Prompt.answer()
        guard answer == "yes" else {
            throw Diagnostic(code: "SC0230", summary: "not agreed, so nothing was changed")
        }
    }

    /// Makes sure that a stack of this name, if there is one, is a compose project: another manifest's is not ours to take.
    ///
    /// - Throws: `Diagnostic` (SC0238) where it is not.
    func checkIsProject() async throws {
        let filters = [("label", "\(HostNames.stackLabel)=\(name)")]
        let request = Target("containers", "json").with("all", true).with(filters: filters)
        for container in try await session.daemon().get(request.text).arrayValue ?? []
        where container["Labels"]?[ComposeLabels.project] == nil {
            throw Diagnostic(
                code: "SC0238", summary: "the stack \(name) is no compose project: a manifest of that name was applied",
                hint: "give the project another name with -p, or remove that stack: stackctl destroy \(name)")
        }
    }

    // MARK: Destroy

    /// What a destroy within a scope would take away; nil where no stack of this name is recorded.
    func planDestroy(_ scope: PlanScope) async throws -> Plan? {
        do {
            let answer = try await session.daemon().plan(.destroy(stack: name, options: options(scope)))
            return try Plan(json: answer)
        } catch let failure as StatusFailure where failure.status == 404 {
            return nil
        }
    }

    /// Takes away what was planned.
    func destroy(_ plan: Plan, _ scope: PlanScope) async throws -> ExitCode {
        guard !plan.isEmpty else { return .success }
        guard case .object(var options) = options(scope) else { return .failure }
        options["expected"] = plan.json
        return try await ApplyStream.run(
            try await session.daemon(), Target("stacks", name, "destroy").text, ["options": .object(options)],
            invocation: session.progressInvocation, shown: plan)
    }

    /// Projects of one name are one project, wherever their files are, as with Docker.
    private func options(_ scope: PlanScope) -> JSONValue {
        var options: JSONObject = ["takeOver": true, "scope": scope.json]
        if let origin { options["origin"] = .string(origin) }
        if let seconds = session.stopTimeout { options["stopTimeout"] = .int(Int64(seconds)) }
        return .object(options)
    }
}

/// A plan in few words: a line for each change.
enum ComposePlanText {
    static func lines(_ plan: Plan) -> [String] {
        let changes = plan.changes.filter { $0.action != .noChange }
        guard !changes.isEmpty else {
            return [plan.goal == .destroy ? "Nothing to remove." : "No changes: everything is as the files say."]
        }
        return changes.map(line)
    }

    private static func line(_ change: Change) -> String {
        var text = "\(symbol(change.action)) \(change.address)  \(words(change))"
        // What Compose's labels say follows from the rest.
        let telling = change.reasons.filter { !$0.path.hasPrefix("labels.com.docker.compose.") }
        let reasons = change.action == .create ? [] : (telling.isEmpty ? change.reasons : telling).map(reason)
        if !reasons.isEmpty {
            let shown = reasons.prefix(3).joined(separator: ", ")
            text += ": " + shown + (reasons.count > 3 ? ", and \(reasons.count - 3) more" : "")
        }
        return TerminalText.line(text)
    }

    private static func reason(_ reason: ChangeReason) -> String {
        let text = reason.note ?? reason.path
        return reason.cause == .drift && !reason.path.isEmpty ? "\(text) (changed on the host)" : text
    }

    private static func symbol(_ action: ChangeAction) -> String {
        switch action {
        case .create: "+"
        case .update: "~"
        case .repair: "*"
        case .restart: "!"
        case .recreate: "-/+"
        case .delete: "-"
        case .noChange: " "
        }
    }

    private static func words(_ change: Change) -> String {
        switch change.action {
        case .create: "create"
        case .update: "change live"
        case .repair: "repair"
        case .restart: "restart"
        case .recreate: change.losesData ? "recreate, LOSING ITS DATA" : "recreate"
        case .delete: change.losesData ? "delete, LOSING ITS DATA" : "delete"
        case .noChange: ""
        }
    }
}
