import Diagnostics

extension DockerfileDocument {
    /// What the rules of `--check` have to say.
    ///
    /// - Parameters:
    ///   - ignored: what is left out of the context.
    ///   - bases: settings of base images that are known, by stage; of a stage whose base is not known, no variable is
    ///     said to be undefined.
    ///   - checksAll: whether stages that the target does not need are looked at too, as `--check` without a target
    ///     does.
    /// - Returns: warnings in the order of the file, `RuleName: message` each, of which there are 500 at most; rules that
    ///   `# check=skip=` names are left out.
    package func lint(
        _ input: EvaluationInput, ignored: IgnoreRules?, bases: [Int: ImageSettings] = [:], checksAll: Bool = false
    ) -> [Diagnostic] {
        var remarks = LintOfText(document: self).remarks + defaultBases(input)
        var planner = StagePlanner(document: self, input: input)
        let plan = try? planner.collectedPlan()
        remarks += planner.remarks
        if let plan { remarks += evaluated(plan, ignored, bases, checksAll) }
        let wanted = remarks.filter { isWanted($0) }
        return wanted.enumerated().sorted {
            ($0.element.span.firstLine, $0.offset) < ($1.element.span.firstLine, $1.offset)
        }.prefix(500).map { diagnostic($0.element) }
    }

    /// Why a build fails for its warnings; nil where it does not: no `# check=error=true`, or nothing to say.
    package func lintFailure(_ warnings: [Diagnostic]) -> Diagnostic? {
        guard directives.check.isError, !warnings.isEmpty else { return nil }
        var rules: [String] = []
        for warning in warnings {
            let rule = String(warning.summary.prefix { $0 != ":" })
            if !rules.contains(rule) { rules.append(rule) }
        }
        return Diagnostic(
            code: DockerfileCode.check, summary: "lint violation found for rules: \(rules.joined(separator: ", "))",
            hint: "change what the warnings tell, or take error=true out of # check=")
    }

    private func isWanted(_ remark: LintRemark) -> Bool {
        var options = directives.check
        for comment in remark.comments {
            guard let (name, value) = DirectiveReader.parse(Array(comment.utf8)[...]), name == "check" else { continue }
            if let more = try? CheckOptions(String(value.prefix { $0 != " " })) { options = options.merging(more) }
            break
        }
        if remark.rule.isExperimental {
            return options.wantsAllExperimental || options.experimental.contains(remark.rule.rawValue)
        }
        return !options.skipsAll && !options.skipped.contains(remark.rule.rawValue)
    }

    private func diagnostic(_ remark: LintRemark) -> Diagnostic {
        let line = remark.span.firstLine
        let length = lines.indices.contains(line - 1) ? lines[line - 1].count - remark.span.column + 1 : 1
        let excerpt = SourceExcerpt(
            lines: lines, first: line, last: line, column: remark.span.column, length: max(1, length))
        return Diagnostic(
            severity: .warning, code: DockerfileCode.check, summary: "\(remark.rule.rawValue): \(remark.message)",
            detail: excerpt.text, location: SourceLocation(file: name, line: line, column: remark.span.column),
            notes: [remark.rule.address])
    }

    /// Whether the defaults of global arguments alone give names of images.
    private func defaultBases(_ input: EvaluationInput) -> [LintRemark] {
        let arguments = GlobalArguments(document: self, input: input)
        guard let scope = try? arguments.scope(ignoringArguments: true) else { return [] }
        var remarks: [LintRemark] = []
        for stage in stages {
            guard let base = try? ShellWords(escape: escape).expand(stage.from.base, { scope[$0] }) else {
                return remarks
            }
            if self.stage(named: base.text) == nil, ReferenceText.problem(base.text) != nil {
                remarks.append(
                    LintRemark(
                        .invalidDefaultArgInFrom,
                        "Default value for ARG \(stage.from.base) results in empty or invalid base image name",
                        stage.from.span))
            }
        }
        return remarks
    }

    /// What is found with the values of variables.
    private func evaluated(
        _ plan: StagePlan, _ ignored: IgnoreRules?, _ bases: [Int: ImageSettings], _ checksAll: Bool
    ) -> [LintRemark] {
        let isComplete = checksAll && (plan.input.target ?? "").isEmpty
        var remarks: [LintRemark] = []
        var done: [Int: EvaluatedStage] = [:]
        for stage in isComplete ? plan.all : plan.stages {
            var parent: EvaluatedStage?
            var base = ImageSettings()
            var isPartial = false
            switch stage.base {
            case .scratch: break
            case .stage(let index):
                parent = done[index]
                base = parent?.settings ?? base
            case .context, .image:
                isPartial = bases[stage.index] == nil
                base = bases[stage.index] ?? base
            }
            var evaluator = StageEvaluator(plan: plan, index: stage.index, base: base, parent: parent)
            evaluator.ignored = ignored
            if isPartial { evaluator.scope.isPartial = true }
            let result = try? evaluator.evaluate()
            remarks += evaluator.remarks
            if let result { done[stage.index] = result }
        }
        return remarks
    }
}

/// What the rules say of the text alone.
private struct LintOfText {
    let document: DockerfileDocument
    var remarks: [LintRemark] = []

    init(document: DockerfileDocument) {
        self.document = document
        for span in document.emptyContinuations {
            remarks.append(LintRemark(.noEmptyContinuation, "Empty continuation line", span))
        }
        checkStages()
        checkCasing()
        for instruction in document.globalArguments + document.stages.flatMap(\.instructions) { check(instruction) }
    }

    private mutating func checkStages() {
        var names: Set<String> = []
        for from in document.stages.map(\.from) {
            if let written = from.writtenName, written != written.lowercased() {
                add(.stageNameCasing, "Stage name '\(written)' should be lowercase", from)
            }
            if let word = from.asKeyword, !isCased(word, like: from.keyword) {
                add(.fromAsCasing, "'\(word)' and '\(from.keyword)' keywords' casing do not match", from)
            }
            guard let name = from.name else { continue }
            if name == "context" || name == "scratch" {
                add(
                    .reservedStageName,
                    "Stage name should not use the same name as reserved stage \(GoText.quoted(name))", from)
            }
            if !names.insert(name).inserted {
                add(
                    .duplicateStageName, "Duplicate stage name \(GoText.quoted(name)), stage names should be unique",
                    from)
            }
            describe("FROM", [name], from.comments, from.span)
        }
    }

    private mutating func add(_ rule: LintRule, _ message: String, _ from: FromInstruction) {
        remarks.append(LintRemark(rule, message, from.span, comments: from.comments))
    }

    /// Whether AS is as FROM, where FROM is in one case.
    private func isCased(_ word: String, like keyword: String) -> Bool {
        if keyword == keyword.lowercased() { return word == word.lowercased() }
        return keyword != keyword.uppercased() || word == word.uppercased()
    }

    /// Instructions are in the case that most of them have.
    private mutating func checkCasing() {
        var words: [(word: String, span: SourceSpan, comments: [String])] = []
        for stage in document.stages {
            words.append((stage.from.keyword, stage.from.span, stage.from.comments))
            words += stage.instructions.map { ($0.keyword, $0.span, $0.comments) }
        }
        let lower = words.count { $0.word == $0.word.lowercased() }
        let upper = words.count { $0.word == $0.word.uppercased() }
        let isLower = lower > upper
        for (word, span, _) in words where word != (isLower ? word.lowercased() : word.uppercased()) {
            let wanted = isLower ? "lowercase" : "uppercase"
            remarks.append(
                LintRemark(
                    .consistentInstructionCasing,
                    "Command '\(word)' should match the case of the command majority (\(wanted))", span))
        }
    }

    private mutating func check(_ instruction: Instruction) {
        switch instruction.kind {
        case .maintainer:
            remarks.append(
                LintRemark(
                    .maintainerDeprecated, "Maintainer instruction is deprecated in favor of using label",
                    instruction.span, comments: instruction.comments))
        case .arg(let arguments): describe("ARG", arguments.map(\.name), instruction.comments, instruction.span)
        default: break
        }
    }

    /// A comment right before what has a name begins with the name.
    private mutating func describe(_ what: String, _ names: [String], _ comments: [String], _ span: SourceSpan) {
        guard let comment = comments.last, let first = names.first,
            !names.contains(String(comment.prefix { $0 != " " }))
        else { return }
        let name = names.count > 1 ? "<arg_key>" : first
        remarks.append(
            LintRemark(
                .invalidDefinitionDescription,
                "Comment for \(what) should follow the format: `# \(name) <description>`", span, comments: comments))
    }
}

extension LintRule {
    /// Where the rule is explained.
    var address: String {
        var words = ""
        var wasLower = false
        for character in rawValue {
            if character.isUppercase, wasLower { words += "-" }
            wasLower = character.isLowercase
            words += character.lowercased()
        }
        return "https://docs.docker.com/go/dockerfile/rule/\(words.replacing("jsonargs", with: "json-args"))/"
    }
}
