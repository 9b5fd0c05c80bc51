/// Makes the plan.
struct StagePlanner {
    let document: DockerfileDocument
    let input: EvaluationInput
    /// The stages so far by their names.
    private var names: [String: Int] = [:]
    /// Remarks of the rules of `--check`.
    var remarks: [LintRemark] = []

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
}
