import Diagnostics

extension StagePlan {
    /// Finds what a stage's steps are, once its base is known.
    ///
    /// - Parameters:
    ///   - index: the stage's place in the document.
    ///   - base: the settings of the base image, or of the parent stage; ONBUILD of it comes first.
    ///   - parent: the stage it is made of, where it is one.
    /// - Throws: what makes no sense now that variables have values, with its place.
    package func evaluate(
        _ index: Int, base: ImageSettings, parent: EvaluatedStage?
    ) throws(DiagnosticList) -> EvaluatedStage {
        guard all.indices.contains(index), document.stages.indices.contains(index) else {
            throw DiagnosticList(
                Diagnostic(code: DockerfileCode.notFound, summary: "invalid stage index \(index)"))
        }
        do throws(SourceFault) {
            var evaluator = StageEvaluator(plan: self, index: index, base: base, parent: parent)
            return try evaluator.evaluate()
        } catch {
            throw DiagnosticList(error.diagnostic(name: document.name, lines: document.lines))
        }
    }
}

/// Goes through a stage with the values of its variables.
struct StageEvaluator {
    let plan: StagePlan
    let index: Int
    var settings: ImageSettings
    var scope: StageScope
    var steps: [EvaluatedStep] = []
    /// What the rules of `--check` found.
    var remarks: [LintRemark] = []
    /// What is left out of the context, for the rules.
    var ignored: IgnoreRules?
    /// Where a command, an entry point, a check were said last in this stage.
    var lastCommand: (command: Instruction?, entrypoint: Instruction?, healthcheck: Instruction?)
    /// The instruction that is looked at.
    var instruction: Instruction
    var isTrigger = false
    /// The bytes that expansions may still give.
    private var budget = 128 << 20
    /// Where in the settings' environment a name is.
    var environmentIndex: [String: Int] = [:]

    /// What a process finds where an image says nothing.
    static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    init(plan: StagePlan, index: Int, base: ImageSettings, parent: EvaluatedStage?) {
        self.plan = plan
        self.index = index
        settings = base
        let from = plan.document.stages[index].from
        instruction = Instruction(kind: .cmd(.exec([])), span: from.span, text: from.text)
        if !settings.environment.contains(where: { VariableScope.split($0).name == "PATH" }) {
            settings.environment.append(Self.path)
        }
        for (place, line) in settings.environment.enumerated() {
            environmentIndex[VariableScope.split(line).name] = place
        }
        settings.workingDirectory = GoPath.join("/", settings.workingDirectory)
        scope = parent?.scope ?? StageScope()
        if parent == nil { scope.variables = VariableScope(settings.environment) }
    }

    mutating func evaluate() throws(SourceFault) -> EvaluatedStage {
        if isReplaced { return EvaluatedStage(steps: [], settings: settings, scope: scope) }
        let triggers = settings.onBuild
        settings.onBuild = []
        isTrigger = true
        for trigger in triggers {
            do throws(LineFault) {
                try take(try self.trigger(trigger))
            } catch {
                throw fault(error, plan.document.stages[index].from.span)
            }
        }
        isTrigger = false
        for instruction in plan.document.stages[index].instructions {
            do throws(LineFault) {
                try take(instruction)
            } catch {
                throw fault(error, instruction.span)
            }
        }
        return EvaluatedStage(steps: steps, settings: settings, scope: scope)
    }

    /// Whether a named context takes the whole stage's place.
    private var isReplaced: Bool {
        guard case .context(let name) = plan.all[index].base, let own = plan.document.stages[index].from.name else {
            return false
        }
        return FamiliarName.of(name) == own
    }

    private func fault(_ fault: LineFault, _ span: SourceSpan) -> SourceFault {
        let lines = plan.document.lines
        if let place = fault.span {
            return SourceFault(
                fault.message, line: place.firstLine, column: place.column, length: fault.length, hint: fault.hint)
        }
        let line = lines.indices.contains(span.firstLine - 1) ? lines[span.firstLine - 1] : ""
        return SourceFault(
            fault.message, line: span.firstLine, column: span.column, length: max(1, line.count - span.column + 1),
            hint: fault.hint)
    }

    /// Reads what ONBUILD of the base asks for.
    private func trigger(_ text: String) throws(LineFault) -> Instruction {
        let source: SourceText
        do throws(SourceFault) {
            source = try SourceText(Array(text.utf8))
        } catch {
            throw LineFault("ONBUILD of the base: \(error.message)")
        }
        var reader = DocumentReader(source, name: "ONBUILD")
        reader.isFragment = true
        let instructions = reader.readInstructions()
        if let fault = reader.faults.first { throw LineFault("ONBUILD of the base: \(fault.message)") }
        guard var instruction = instructions.first, instructions.count == 1 else {
            throw LineFault("onbuild trigger should be a single expression")
        }
        instruction.span = plan.document.stages[index].from.span
        return instruction
    }

    /// Does what one instruction says.
    private mutating func take(_ instruction: Instruction) throws(LineFault) {
        self.instruction = instruction
        switch instruction.kind {
        case .add(let transfer): try self.transfer(transfer, isAdd: true)
        case .copy(let transfer): try self.transfer(transfer, isAdd: false)
        case .arg(let arguments): try declare(arguments)
        case .env(let assignments): try setEnvironment(assignments)
        case .label(let assignments): try setLabels(assignments)
        case .run(let form, let heredocs): try run(form, heredocs)
        case .workdir(let path): try setWorkingDirectory(path)
        case .expose(let ports): try expose(ports)
        case .cmd(let form): try setCommand(form)
        case .entrypoint(let form): try setEntrypoint(form)
        case .healthcheck(let form): try setHealthcheck(form)
        case .user(let user):
            settings.user = try expand(user)
            try finish("USER \(settings.user)")
        case .volume(let paths): try addVolumes(paths)
        case .stopsignal(let signal): try setStopSignal(signal)
        case .shell(let shell):
            settings.shell = shell
            try finish("SHELL \(GoText.list(shell))")
        case .maintainer(let author):
            settings.author = author
            try finish("MAINTAINER \(author)")
        case .onbuild(let text): settings.onBuild.append(text)
        }
    }
}

extension StageEvaluator {
    /// Counts bytes that are kept.
    mutating func spend(_ bytes: Int) throws(LineFault) {
        budget -= bytes
        guard budget >= 0 else {
            throw LineFault("the values of this stage need more than 128 MiB", hint: "make variables shorter")
        }
    }

    /// A word with the values of its variables, quotes and escapes taken away.
    mutating func expand(_ text: String) throws(LineFault) -> String { try expansion(text).text }

    mutating func expansion(
        _ text: String, _ lexer: ShellWords? = nil, variables: VariableScope? = nil
    ) throws(LineFault) -> ExpandedText {
        let variables = variables ?? scope.variables
        do throws(ExpansionFault) {
            let expanded = try (lexer ?? ShellWords(escape: plan.document.escape)).expand(text) { variables[$0] }
            try spendExpansion(expanded.text.utf8.count)
            remarkUnknown(expanded.unknown, variables)
            return expanded
        } catch {
            throw LineFault(error.message)
        }
    }

    private mutating func spendExpansion(_ bytes: Int) throws(ExpansionFault) {
        do throws(LineFault) {
            try spend(bytes)
        } catch {
            throw ExpansionFault(message: error.message)
        }
    }

    private mutating func remarkUnknown(_ names: Set<String>, _ variables: VariableScope) {
        guard !names.isEmpty, !scope.isPartial else { return }
        for name in names.sorted() where !scope.isDeclared(name) {
            let suggestion = Suggestion.of(name, among: variables.names).map { " (did you mean $\($0)?)" } ?? ""
            remark(.undefinedVar, "Usage of undefined variable '$\(name)'\(suggestion)")
        }
    }

    mutating func remark(_ rule: LintRule, _ message: String, at other: Instruction? = nil) {
        // What a base image asks for is not this Dockerfile's.
        guard !isTrigger else { return }
        remarks.append(
            LintRemark(rule, message, (other ?? instruction).span, comments: instruction.comments))
    }

    /// Adds the step of the instruction.
    mutating func finish(
        _ createdBy: String, _ action: EvaluatedStep.Action? = nil, title: String? = nil
    ) throws(LineFault) {
        let shown = title ?? defaultTitle(createdBy)
        // Each step keeps the lists as they are after it.
        let kept =
            settings.environment.count + settings.labels.count + settings.exposedPorts.count + settings.volumes.count
        try spend(createdBy.utf8.count + shown.utf8.count + 16 * kept)
        steps.append(
            EvaluatedStep(
                action: action, settings: settings, title: (isTrigger ? "ONBUILD " : "") + shown,
                createdBy: createdBy, span: isTrigger ? nil : instruction.span))
    }

    /// The title of what only changes settings: with its values where it has any.
    private func defaultTitle(_ createdBy: String) -> String {
        switch instruction.kind {
        case .add, .copy, .workdir: title(instruction.text, ShellWords(escape: plan.document.escape))
        case .cmd, .entrypoint, .expose, .healthcheck, .maintainer, .onbuild, .run, .shell:
            Self.uppercased(instruction.text)
        case .arg, .env, .label, .stopsignal, .user, .volume: createdBy
        }
    }

    private static func uppercased(_ text: String) -> String {
        let name = text.prefix { $0 != " " }
        return name.uppercased() + text.dropFirst(name.count)
    }

    /// What progress shows of a text: its values put in, its name in upper case.
    func title(_ text: String, _ lexer: ShellWords, masked: [String: String] = [:]) -> String {
        let variables = scope.variables
        let expanded = try? lexer.expand(text) { masked[$0] ?? variables[$0] }
        return Self.uppercased(expanded?.text ?? text)
    }
}
