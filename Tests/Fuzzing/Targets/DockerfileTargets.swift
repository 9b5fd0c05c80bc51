import Diagnostics
import Dockerfile

extension FuzzTarget {
    /// A Dockerfile: read, planned, evaluated, checked; places are in the file, paths are clean, and it means the same
    /// each time.
    static let dockerfile = FuzzTarget("dockerfile", mutations: 120) { input in
        guard
            let document = parsed({ () throws(DiagnosticList) in
                try DockerfileDocument(reading: input, name: "Dockerfile")
            })
        else { return }
        for instruction in document.globalArguments + document.stages.flatMap(\.instructions) {
            try requirePlace(instruction.span, in: document, instruction.text)
        }
        for stage in document.stages { try requirePlace(stage.from.span, in: document, stage.from.text) }
        let given = EvaluationInput(
            arguments: ["TAG": "2", "HTTP_PROXY": "p", "GIVEN": "$x"], targetPlatform: "linux/arm/v7",
            namedContexts: ["base", "files"])
        for warning in document.lint(given, ignored: IgnoreRules(input), checksAll: true) {
            try require(warning.severity == .warning, "a remark is an error: \(warning)")
        }
        guard let plan = parsed({ () throws(DiagnosticList) in try document.plan(given) }) else { return }
        let needed = plan.stages.map(\.index)
        try require(needed == needed.sorted() && needed.contains(plan.target), "the stages of the plan are \(needed)")
        var done: [Int: EvaluatedStage] = [:]
        for stage in plan.stages {
            var parent: EvaluatedStage?
            if case .stage(let index) = stage.base {
                guard let known = done[index] else { return }
                parent = known
            }
            var base = parent?.settings ?? ImageSettings()
            if parent == nil { base.onBuild = ["ENV from=base", String(decoding: input.prefix(200), as: UTF8.self)] }
            let read = { () throws(DiagnosticList) in try plan.evaluate(stage.index, base: base, parent: parent) }
            if parsed(read) == nil, parent == nil { base.onBuild = [] }
            guard let evaluated = parsed(read) else { return }
            try requireSame(evaluated, as: "a stage", read)
            try check(evaluated)
            done[stage.index] = evaluated
        }
    }

    /// Rules of a `.dockerignore` and a path, parted by a NUL byte: they mean what they mean letter by letter.
    static let ignoreRules = FuzzTarget("ignore-rules", mutations: 600) { input in
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, input.count < 200 else { return }
        let path = Array(parts[1])
        let rules = IgnoreRules(Array(parts[0]))
        let isExcluded = rules.excludes(path.span)
        if path.count < 24, parts[0].count < 12, let text = String(validating: path, as: UTF8.self),
            let pattern = GoPathPattern(String(decoding: parts[0], as: UTF8.self)),
            SlowPattern.isSimple(pattern.description)
        {
            let slow = SlowPattern.matches(
                Array(text.unicodeScalars)[...], Array(pattern.description.unicodeScalars)[...])
            try require(pattern.matches(path.span) == slow, "`\(pattern)` and `\(text)` are matched in two ways")
        }
        // What is below a directory that is left out stays so, unless the rules say that it may come back.
        guard isExcluded, !rules.mayContainIncluded(path.span), !path.isEmpty else { return }
        for name in ["a", "x/y", "keep"] {
            let below = path + Array("/\(name)".utf8)
            try require(rules.excludes(below.span), "`\(name)` comes back below what is left out")
        }
    }

    private static func requirePlace(_ span: SourceSpan, in document: DockerfileDocument, _ text: String) throws {
        try require(
            span.firstLine >= 1 && span.firstLine <= span.lastLine && span.lastLine <= document.lines.count
                && span.column >= 1, "\(text) is said to be at \(span) of \(document.lines.count) lines")
    }

    private static func check(_ stage: EvaluatedStage) throws {
        for step in stage.steps {
            let directory = step.settings.workingDirectory
            try require(
                directory.hasPrefix("/") && GoPath.clean(directory) == directory,
                "the working directory is \(directory)")
            try require(step.settings.environment.allSatisfy { $0.contains("=") }, "a variable has no value")
            guard case .run(let run) = step.action else { continue }
            for mount in run.mounts where !mount.target.isEmpty {
                try require(
                    mount.target.hasPrefix("/") && GoPath.clean(mount.target) == mount.target,
                    "a mount is at \(mount.target)")
            }
        }
    }
}

/// A pattern without sets and escapes, matched by trying everything.
private struct SlowPattern {
    typealias Text = ArraySlice<Unicode.Scalar>

    static func isSimple(_ pattern: String) -> Bool { !pattern.contains("[") && !pattern.contains("\\") }

    static func matches(_ path: Text, _ pattern: Text) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if pattern.starts(with: ["*", "*"]) {
            var rest = pattern.dropFirst(2)
            if rest.first == "/" { rest = rest.dropFirst() }
            if rest.isEmpty || matches(path, rest) { return true }
            return path.indices.contains { path[$0] == "/" && matches(path[($0 + 1)...], rest) }
        }
        switch first {
        case "*":
            var rest = path
            while true {
                if matches(rest, pattern.dropFirst()) { return true }
                guard let scalar = rest.popFirst(), scalar != "/" else { return false }
            }
        case "?":
            guard let scalar = path.first, scalar != "/" else { return false }
            return matches(path.dropFirst(), pattern.dropFirst())
        default: return path.first == first && matches(path.dropFirst(), pattern.dropFirst())
        }
    }
}
