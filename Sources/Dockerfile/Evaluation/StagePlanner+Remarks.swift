extension StagePlanner {
    mutating func remarkUndeclared(_ names: Set<String>, _ globals: VariableScope, _ from: FromInstruction) {
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

    mutating func remarkPlatform(_ platform: ExpandedText, _ from: FromInstruction, _ globals: VariableScope) {
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
