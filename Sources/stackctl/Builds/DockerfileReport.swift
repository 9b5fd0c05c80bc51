import Diagnostics
import Dockerfile
import JSONText
import Linux
import OCI

/// What a Dockerfile is, without building it: `--check`, `--call=outline`, `--call=targets`.
struct DockerfileReport {
    private let context: BuildContext
    private let body: BuildBody
    private let output: Output

    init(_ context: BuildContext, _ body: BuildBody, _ output: Output) {
        self.context = context
        self.body = body
        self.output = output
    }

    func run(_ call: String) throws -> ExitCode {
        guard case .text(let bytes, let name) = context.instructions else {
            throw Diagnostic(
                code: "SC0203", summary: "--call=\(call) looks at Dockerfiles of this host only",
                hint: "fetch the repository or unpack the archive, and name its directory")
        }
        let document = try DockerfileDocument(reading: bytes, name: name)
        switch call {
        case "targets": targets(document)
        case "outline": try outline(document)
        default: return try check(document)
        }
        return .success
    }

    private var input: EvaluationInput {
        var arguments: [String: String] = [:]
        for (name, value) in body.json["arguments"]?.objectValue ?? JSONObject() {
            arguments[name] = value.stringValue
        }
        let platform = body.json["platforms"]?.arrayValue?.first?.stringValue ?? Platform.host.description
        return EvaluationInput(
            arguments: arguments, targetPlatform: platform, buildPlatform: Platform.host.description,
            target: body.json["target"]?.stringValue,
            namedContexts: Set(body.contexts.map(\.name) + (body.json["namedContexts"]?.objectValue?.keys ?? [])))
    }

    private func check(_ document: DockerfileDocument) throws -> ExitCode {
        var rules: IgnoreRules?
        if case .directory(_, let found) = context.files { rules = found }
        let warnings = document.lint(input, ignored: rules)
        _ = try document.plan(input)
        guard !warnings.isEmpty else {
            output.print("Check complete, no warnings found.")
            return .success
        }
        output.print("Check complete, \(warnings.count) warning\(warnings.count == 1 ? " has" : "s have") been found!")
        output.print()
        output.show(warnings)
        return .failure
    }

    private func targets(_ document: DockerfileDocument) {
        var table = TextTable(["TARGET", "BASE"])
        for (index, stage) in document.stages.enumerated() {
            let isLast = index == document.stages.count - 1
            table.append([(stage.from.name ?? "\(index)") + (isLast ? " (default)" : ""), stage.from.base])
        }
        output.write(table.render())
    }

    private func outline(_ document: DockerfileDocument) throws {
        let plan = try document.plan(input)
        let needed = Set(plan.stages.map(\.index))
        var known = Set<String>()
        var arguments = TextTable(["BUILD ARG", "VALUE"])
        var secrets = TextTable(["SECRET", "REQUIRED"])
        var hasSecrets = false
        func add(_ assignments: [Instruction.Assignment]) {
            for assignment in assignments where known.insert(assignment.name).inserted {
                arguments.append([assignment.name, input.arguments[assignment.name] ?? assignment.value ?? ""])
            }
        }
        for case .arg(let assignments) in document.globalArguments.map(\.kind) { add(assignments) }
        for (index, stage) in document.stages.enumerated() where needed.contains(index) {
            for instruction in stage.instructions {
                if case .arg(let assignments) = instruction.kind { add(assignments) }
                for flag in instruction.flags where flag.name == "mount" {
                    let fields = (try? BuildPlace.fields(flag.value ?? "")) ?? [:]
                    guard fields["type"] == "secret" else { continue }
                    hasSecrets = true
                    secrets.append([fields["id"] ?? "", fields["required"] ?? "false"])
                }
            }
        }
        if let stage = plan.stages.last { output.print("TARGET: \(TerminalText.line(stage.name))\n") }
        if !known.isEmpty { output.write(arguments.render()) }
        if hasSecrets { output.write("\n" + secrets.render()) }
    }
}
