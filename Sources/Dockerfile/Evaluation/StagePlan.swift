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
        if let syntax = input.arguments["BUILDKIT_SYNTAX"], !syntax.isEmpty, !Self.isBuiltIn(syntax) {
            throw DiagnosticList(
                Diagnostic(
                    code: DockerfileCode.invalid, summary: "the front end \(syntax) cannot be run",
                    hint: "only docker/dockerfile is built in; leave --build-arg BUILDKIT_SYNTAX out"))
        }
        do throws(SourceFault) {
            return try StagePlanner(document: self, input: input).plan()
        } catch {
            throw DiagnosticList(error.diagnostic(name: name, lines: lines))
        }
    }

    /// The stage of a name, whatever its case; the last one where several have it.
    func stage(named name: String) -> Int? { stageNames[name.lowercased()] }
}
