import Diagnostics

/// Which stages a build needs, before any base image is known.
package struct StagePlan: Sendable, Hashable {
    package var document: DockerfileDocument
    package var input: EvaluationInput
    /// The stages that are needed, in the order of the document.
    package var stages: [PlannedStage]
    /// The target's place in the document.
    package var target: Int
    /// All stages, each at its place in the document; ONBUILD of a base image may need what `stages` has not.
    package var all: [PlannedStage]
    /// SOURCE_DATE_EPOCH where it is given as an argument or as a global ARG.
    package var sourceDateEpoch: String?
    /// ARG before the first FROM, and what is predefined.
    var globals: VariableScope

    /// The stages that these need, and these, in the order of the document.
    package func closure(of wanted: some Sequence<Int>) -> [PlannedStage] {
        var needed: Set<Int> = []
        var pending = Array(wanted)
        while let index = pending.popLast() {
            guard all.indices.contains(index), needed.insert(index).inserted else { continue }
            if case .stage(let base) = all[index].base { pending.append(base) }
            pending += all[index].uses
        }
        return needed.sorted().map { all[$0] }
    }
}

extension StagePlan {
    /// An origin by the name its named context was given under, where there is one.
    func replaced(_ origin: FileOrigin) -> FileOrigin {
        guard case .named(let name) = origin, let context = input.context(name) else { return origin }
        return .named(context)
    }
}

extension EvaluationInput {
    /// The named context that replaces a name.
    func context(_ name: String) -> String? {
        guard name != "scratch", name != "context", !namedContexts.isEmpty else { return nil }
        if namedContexts.contains(name) { return name }
        let wanted = FamiliarName.of(name)
        return namedContexts.sorted().first { FamiliarName.of($0) == wanted }
    }
}

extension DockerfileDocument {
    /// Finds what a target needs.
    ///
    /// - Throws: a base that is blank, a platform that is none, a target or stage that is not there or comes later, a
    ///   cycle.
    package func plan(_ input: EvaluationInput) throws(DiagnosticList) -> StagePlan {
        do throws(SourceFault) {
            return try StagePlanner(document: self, input: input).plan()
        } catch {
            throw DiagnosticList(error.diagnostic(name: name, lines: lines))
        }
    }

    /// The stage of a name, whatever its case; the last one where several have it.
    func stage(named name: String) -> Int? { stageNames[name.lowercased()] }
}

/// Makes the plan.
struct StagePlanner {
    let document: DockerfileDocument
    let input: EvaluationInput
    /// The stages so far by their names.
    private var names: [String: Int] = [:]
    /// Remarks of the rules of `--check`.
    private(set) var remarks: [LintRemark] = []

    init(document: DockerfileDocument, input: EvaluationInput) {
        self.document = document
        self.input = input
    }

    mutating func collectedPlan() throws(SourceFault) -> StagePlan { try make() }

    func plan() throws(SourceFault) -> StagePlan {
        var planner = self
        return try planner.make()
    }

    private mutating func make() throws(SourceFault) -> StagePlan {
        let globals = try GlobalArguments(document: document, input: input).scope()
        var all: [PlannedStage] = []
        for index in document.stages.indices { all.append(try planned(index, globals, all)) }
        for index in all.indices where !isReplaced(all[index]) { all[index].uses = try uses(index) }
        try refuseCycles(all)
        let target = try self.target()
        let epoch = input.arguments["SOURCE_DATE_EPOCH"] ?? globals["SOURCE_DATE_EPOCH"]
        var plan = StagePlan(
            document: document, input: input, stages: [], target: target, all: all,
            sourceDateEpoch: epoch == "" ? nil : epoch, globals: globals)
        plan.stages = plan.closure(of: [target])
        try refuseLaterStages(plan)
        for stage in plan.stages {
            guard case .image(let name) = stage.base, let problem = ReferenceText.problem(name) else { continue }
            throw fault(
                "failed to parse stage name \(GoText.quoted(name)): \(problem)", document.stages[stage.index].from.span)
        }
        return plan
    }

    private func isReplaced(_ stage: PlannedStage) -> Bool {
        if case .context(let name) = stage.base { return name == document.stages[stage.index].from.name }
        return false
    }

    private func fault(_ message: String, _ span: SourceSpan, hint: String? = nil) -> SourceFault {
        let line = document.lines.indices.contains(span.firstLine - 1) ? document.lines[span.firstLine - 1] : ""
        return SourceFault(
            message, line: span.firstLine, column: span.column, length: max(1, line.count - span.column + 1),
            hint: hint)
    }

    private mutating func planned(
        _ index: Int, _ globals: VariableScope, _ before: [PlannedStage]
    ) throws(SourceFault) -> PlannedStage {
        let from = document.stages[index].from
        let base = try expand(from.base, globals, from)
        guard !base.text.isEmpty else {
            throw fault(
                "base name (\(from.base)) should not be blank", from.span,
                hint: "give the ARG a value before the first FROM, or with --build-arg")
        }
        remarkUndeclared(base.unknown, globals, from)
        var stage = PlannedStage(index: index, name: from.name ?? String(index), base: .image(base.text))
        stage.platform = try platform(from, globals)
        if let name = from.name, let context = input.context(name) {
            stage.base = .context(context)
        } else if let parent = names[base.text.lowercased()] {
            stage.base = .stage(parent)
            stage.platform = before[parent].platform
        } else if base.text == "scratch" {
            stage.base = .scratch
        } else if let context = input.context(base.text) {
            stage.base = .context(context)
        }
        if let name = from.name { names[name] = index }
        return stage
    }

    private func expand(
        _ text: String, _ scope: VariableScope, _ from: FromInstruction
    ) throws(SourceFault) -> ExpandedText {
        do throws(ExpansionFault) {
            return try ShellWords(escape: document.escape).expand(text) { scope[$0] }
        } catch {
            throw fault(error.message, from.span)
        }
    }

    private mutating func platform(_ from: FromInstruction, _ globals: VariableScope) throws(SourceFault) -> String? {
        guard let written = from.platform, !written.isEmpty else { return nil }
        let platform = try expand(written, globals, from)
        remarkUndeclared(platform.unknown, globals, from)
        let suggestion =
            platform.unknown.sorted().lazy
            .map { Suggestion.remark($0, among: globals.names) }.first { !$0.isEmpty } ?? ""
        guard !platform.text.isEmpty else {
            throw fault("empty platform value from expression \(written)\(suggestion)", from.span)
        }
        guard let normal = PlatformText.normalized(platform.text, build: input.buildPlatform) else {
            throw fault(
                "failed to parse platform \(written): \(GoText.quoted(platform.text)): unknown operating system or "
                    + "architecture: invalid argument\(suggestion)", from.span,
                hint: "write a platform as linux/amd64 or linux/arm/v7")
        }
        remarkPlatform(platform, from, globals)
        return normal
    }

    private func target() throws(SourceFault) -> Int {
        guard let wanted = input.target, !wanted.isEmpty else { return document.stages.count - 1 }
        if let index = document.stage(named: wanted) { return index }
        // The classic builder takes a number too.
        if let index = Int(wanted), document.stages.indices.contains(index) { return index }
        let names = document.stages.compactMap(\.from.name)
        let remark = Suggestion.remark(wanted, among: names)
        var told = SourceFault(
            "target stage \(GoText.quoted(wanted)) could not be found\(remark)", line: 1, column: 1,
            hint: names.isEmpty ? "no stage has a name" : "stages are: \(names.joined(separator: ", "))")
        if let last = document.stages.last { told.line = last.from.span.firstLine }
        throw told
    }
}

extension StagePlanner {
    /// The stages whose files a stage copies or mounts.
    private func uses(_ index: Int) throws(SourceFault) -> Set<Int> {
        var uses: Set<Int> = []
        for instruction in document.stages[index].instructions {
            for name in try origins(instruction) {
                if case .stage(let used) = name { uses.insert(used) }
            }
        }
        return uses
    }

    private func origins(_ instruction: Instruction) throws(SourceFault) -> [FileOrigin] {
        do throws(LineFault) {
            switch instruction.kind {
            case .copy: return try document.copyOrigin(instruction).map { [$0] } ?? []
            case .run: return try document.mountOrigins(instruction)
            default: return []
            }
        } catch {
            throw fault(error.message, instruction.span, hint: error.hint)
        }
    }

    private func refuseCycles(_ all: [PlannedStage]) throws(SourceFault) {
        // 0 not seen, 1 on the way, 2 done; without recursion, for there may be many stages.
        var marks = [Int](repeating: 0, count: all.count)
        for start in all.indices where marks[start] == 0 {
            var path: [(stage: Int, next: [Int])] = [(start, all[start].uses.sorted())]
            marks[start] = 1
            while let (stage, next) = path.last {
                guard let used = next.first else {
                    marks[stage] = 2
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next.removeFirst()
                if marks[used] == 1 { throw cycle(start, through: stage, to: used) }
                guard marks[used] == 0 else { continue }
                marks[used] = 1
                path.append((used, all[used].uses.sorted()))
            }
        }
    }

    private func cycle(_ start: Int, through stage: Int, to used: Int) -> SourceFault {
        let name = document.stages[start].from.name ?? "stage-\(start)"
        let span = place(in: stage, of: used)
        return fault(
            "circular dependency detected on stage: \(name)", span,
            hint: "a stage can only use files of stages before it")
    }

    /// The instruction of a stage by which it uses another one.
    private func place(in stage: Int, of used: Int) -> SourceSpan {
        let instruction = document.stages[stage].instructions.first {
            ((try? origins($0)) ?? []).contains(.stage(used))
        }
        return instruction?.span ?? document.stages[stage].from.span
    }

    private func refuseLaterStages(_ plan: StagePlan) throws(SourceFault) {
        for stage in plan.stages {
            guard let later = stage.uses.sorted().last, later >= stage.index else { continue }
            let used = document.stages[later].from.name ?? String(later)
            let own = document.stages[stage.index].from.name ?? "stage-\(stage.index)"
            throw fault(
                "cannot copy from stage \(GoText.quoted(used)), it needs to be defined before current stage "
                    + GoText.quoted(own), place(in: stage.index, of: later))
        }
    }

    private mutating func remarkUndeclared(_ names: Set<String>, _ globals: VariableScope, _ from: FromInstruction) {
        guard !names.isEmpty else { return }
        let declared = document.globalArguments.flatMap { instruction -> [String] in
            if case .arg(let arguments) = instruction.kind { arguments.map(\.name) } else { [] }
        }
        let known = Set(globals.names + declared)
        for name in names.sorted() where !known.contains(name) {
            let remark = Suggestion.remark(name, among: known.sorted())
            remarks.append(
                LintRemark(
                    .undefinedArgInFrom, "FROM argument '\(name)' is not declared\(remark)", from.span,
                    comments: from.comments))
        }
    }

    private mutating func remarkPlatform(_ platform: ExpandedText, _ from: FromInstruction, _ globals: VariableScope) {
        if platform.known == ["TARGETPLATFORM"], platform.unknown.isEmpty, platform.text == globals["TARGETPLATFORM"] {
            remarks.append(
                LintRemark(
                    .redundantTargetPlatform,
                    "Setting platform to predefined \(from.platform ?? "") in FROM is redundant as this is the default "
                        + "behavior", from.span, comments: from.comments))
        }
        guard platform.known.isEmpty, platform.unknown.isEmpty else { return }
        let (system, architecture, _) = PlatformText.parts(
            PlatformText.normalized(platform.text, build: input.buildPlatform) ?? "")
        if let name = from.name, name.contains(system) || name.contains(architecture) { return }
        remarks.append(
            LintRemark(
                .fromPlatformFlagConstDisallowed,
                "FROM --platform flag should not use constant value \(GoText.quoted(platform.text))", from.span,
                comments: from.comments))
    }
}

extension DockerfileDocument {
    /// The escape character as a scalar.
    var escape: Unicode.Scalar { directives.escape.unicodeScalars.first ?? "\\" }

    /// Where COPY takes its files; nil is the context.
    func copyOrigin(_ instruction: Instruction) throws(LineFault) -> FileOrigin? {
        guard let from = instruction.value("from"), !from.isEmpty else { return nil }
        let plain: String?
        do throws(ExpansionFault) {
            plain = try ShellWords(escape: escape).expand(from) { _ in nil }.text
        } catch {
            throw LineFault(error.message)
        }
        guard plain == from else {
            throw LineFault(
                "variable expansion is not supported for --from, define a new stage with FROM using ARG from global "
                    + "scope as a workaround")
        }
        if let index = Int(from) {
            guard stages.indices.contains(index) else { throw LineFault("invalid stage index \(index)") }
            return .stage(index)
        }
        return stage(named: from).map { .stage($0) } ?? .named(from)
    }

    /// Where RUN's mounts take their files, of those that take any.
    func mountOrigins(_ instruction: Instruction) throws(LineFault) -> [FileOrigin] {
        var origins: [FileOrigin] = []
        for mount in instruction.values("mount") {
            guard let name = try MountOptions.origin(mount) else { continue }
            origins.append(mountOrigin(name))
        }
        return origins
    }

    /// What a mount's `from` names.
    func mountOrigin(_ name: String) -> FileOrigin { stage(named: name).map { .stage($0) } ?? .named(name) }
}

/// Gives ARG before the first FROM its values.
struct GlobalArguments {
    let document: DockerfileDocument
    let input: EvaluationInput

    /// What is predefined; an argument of the same name counts more.
    var predefined: VariableScope {
        let build = PlatformText.parts(input.buildPlatform)
        let target = PlatformText.parts(input.targetPlatform)
        let stage = input.target.flatMap { $0.isEmpty ? nil : $0 } ?? document.stages.last?.from.name
        var scope = VariableScope()
        let values = [
            ("BUILDPLATFORM", input.buildPlatform), ("BUILDOS", build.system), ("BUILDOSVERSION", ""),
            ("BUILDARCH", build.architecture), ("BUILDVARIANT", build.variant),
            ("TARGETPLATFORM", input.targetPlatform), ("TARGETOS", target.system), ("TARGETOSVERSION", ""),
            ("TARGETARCH", target.architecture), ("TARGETVARIANT", target.variant), ("TARGETSTAGE", stage ?? "default"),
        ]
        for (name, value) in values { scope[name] = input.arguments[name] ?? value }
        return scope
    }

    /// The values.
    ///
    /// - Parameter ignoringArguments: whether only defaults count.
    func scope(ignoringArguments: Bool = false) throws(SourceFault) -> VariableScope {
        var scope = predefined
        for instruction in document.globalArguments {
            guard case .arg(let arguments) = instruction.kind else { continue }
            for argument in arguments {
                if let given = input.arguments[argument.name], !ignoringArguments {
                    scope[argument.name] = given
                } else if let written = argument.value {
                    let current = scope
                    do throws(ExpansionFault) {
                        let value = try ShellWords(escape: document.escape).expand(written) { current[$0] }
                        scope[argument.name] = value.text
                    } catch {
                        throw SourceFault(
                            error.message, line: instruction.span.firstLine, column: instruction.span.column,
                            length: instruction.text.count)
                    }
                }
            }
        }
        return scope
    }
}
