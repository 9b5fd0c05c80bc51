import Diagnostics
import Dockerfile
import JSONText

/// The steps of a manifest's image as the document that a Dockerfile would be: the same graph builds both.
///
/// What the manifest says is meant as it is written, so that what a Dockerfile would expand is escaped.
struct StepsDocument {
    private var lines: [String] = []
    private var stages: [StageDeclaration] = []

    /// - Parameters:
    ///   - stages: the attribute `from.stages`, those that are used before those that use them.
    ///   - name: what messages call it: the image's address.
    /// - Throws: the steps that are none.
    static func document(_ stages: JSONValue, name: String) throws(DiagnosticList) -> DockerfileDocument {
        var reader = StepsDocument()
        for (index, stage) in (stages.arrayValue ?? []).enumerated() { try reader.read(stage, index) }
        guard !reader.stages.isEmpty else { throw problem("an image has stages", stages) }
        return DockerfileDocument(name: name, lines: reader.lines, stages: reader.stages)
    }

    private static func problem(_ expected: String, _ found: JSONValue?) -> DiagnosticList {
        DiagnosticList([
            Diagnostic(
                code: "SC5102", summary: expected,
                detail: "it is \((found ?? .null).serialized(.compact).prefix(200))")
        ])
    }

    private mutating func read(_ stage: JSONValue, _ index: Int) throws(DiagnosticList) {
        let name = stage["name"]?.stringValue
        for (number, step) in (stage["steps"]?.arrayValue ?? []).enumerated() {
            guard let step = step.objectValue else { throw Self.problem("a step is an object", step) }
            if number == 0 {
                try begin(step, name)
            } else {
                try add(step, to: index)
            }
        }
        guard stages.count == index + 1 else { throw Self.problem("a stage begins with `from`", stage) }
    }

    private mutating func begin(_ step: JSONObject, _ name: String?) throws(DiagnosticList) {
        guard let base = step["from"]?.stringValue ?? step["from"]?["stage"]?.stringValue else {
            throw Self.problem("a stage begins with `from`", .object(step))
        }
        let platform = step["platform"]?.stringValue
        var text = "FROM "
        if let platform { text += "--platform=\(platform) " }
        text += base + (name.map { " AS \($0)" } ?? "")
        let span = place(text)
        stages.append(
            StageDeclaration(
                from: FromInstruction(
                    base: Self.escaped(base), name: name, platform: platform.map(Self.escaped), span: span, text: text))
        )
    }

    /// Takes down a line of the text that messages show.
    private mutating func place(_ text: String) -> SourceSpan {
        lines.append(text.split(whereSeparator: \.isNewline).joined(separator: " "))
        return SourceSpan(firstLine: lines.count, lastLine: lines.count)
    }

    // MARK: Steps

    private mutating func add(_ step: JSONObject, to index: Int) throws(DiagnosticList) {
        guard
            let (key, value) = step.first(where: { !["mounts", "network"].contains($0.key) }).map({ ($0.key, $0.value) }
            )
        else { throw Self.problem("a step says what it does", .object(step)) }
        switch key {
        case "run": try run(value, step, index)
        case "copy": try transfer("COPY", value, index)
        case "add": try transfer("ADD", value, index)
        case "env", "labels":
            let pairs = (value.objectValue ?? JSONObject()).map { pair in
                Instruction.Assignment(name: pair.key, value: Self.escaped(pair.value.stringValue ?? ""))
            }
            let shown = (value.objectValue ?? JSONObject()).map { "\($0.key)=\($0.value.stringValue ?? "")" }
                .joined(separator: " ")
            append(key == "env" ? .env(pairs) : .label(pairs), (key == "env" ? "ENV " : "LABEL ") + shown, index)
        case "command": append(.cmd(.exec(Self.words(value))), "CMD \(value.serialized())", index)
        case "entrypoint": append(.entrypoint(.exec(Self.words(value))), "ENTRYPOINT \(value.serialized())", index)
        case "healthcheck": healthcheck(value, index)
        default:
            guard let text = value.stringValue else { throw Self.problem("`\(key)` is a string", value) }
            let word = Self.escaped(text)
            switch key {
            case "workdir": append(.workdir(word), "WORKDIR \(text)", index)
            case "user": append(.user(word), "USER \(text)", index)
            case "exposed": append(.expose([word]), "EXPOSE \(text)", index)
            case "volume": append(.volume([word]), "VOLUME \(text)", index)
            case "stopSignal": append(.stopsignal(word), "STOPSIGNAL \(text)", index)
            default: throw Self.problem("there is no step `\(key)`", .object(step))
            }
        }
    }

    private mutating func append(
        _ kind: Instruction.Kind, _ text: String, _ index: Int, flags: [(String, String?)] = []
    ) {
        let shown = flags.map { "--\($0.0)" + ($0.1.map { "=\($0)" } ?? "") }
        let words = text.split(separator: " ", maxSplits: 1).map(String.init)
        let line = ([words.first ?? ""] + shown + words.dropFirst()).joined(separator: " ")
        let span = place(line)
        stages[index].instructions.append(
            Instruction(
                kind: kind, flags: flags.map { Instruction.Flag(name: $0.0, value: $0.1, span: span) }, span: span,
                text: line))
    }

    private mutating func run(_ command: JSONValue, _ step: JSONObject, _ index: Int) throws(DiagnosticList) {
        var flags: [(String, String?)] = []
        for mount in step["mounts"]?.arrayValue ?? [] {
            // The type says which other fields there may be, so that it comes first.
            let fields = (mount.objectValue ?? JSONObject()).sorted { left, right in
                (left.key == "type" ? 0 : 1, left.key) < (right.key == "type" ? 0 : 1, right.key)
            }.map { "\($0.key)=\(Self.escaped($0.value.stringValue ?? ""))" }
            flags.append(("mount", fields.joined(separator: ",")))
        }
        if let network = step["network"]?.stringValue { flags.append(("network", network)) }
        if let line = command.stringValue {
            append(.run(.shell(line), heredocs: []), "RUN \(line)", index, flags: flags)
        } else {
            append(
                .run(.exec(Self.words(command)), heredocs: []), "RUN \(command.serialized())", index, flags: flags)
        }
    }

    private mutating func transfer(_ name: String, _ value: JSONValue, _ index: Int) throws(DiagnosticList) {
        guard let fields = value.objectValue, let destination = fields["to"]?.stringValue else {
            throw Self.problem("a copy has a destination", value)
        }
        var sources = Self.words(fields["sources"] ?? .array([])).map { source in
            Instruction.TransferSource.path(Self.escaped(source))
        }
        var shown = Self.words(fields["sources"] ?? .array([])).joined(separator: " ")
        if let text = fields["text"]?.stringValue {
            let file = destination.split(separator: "/").last.map(String.init) ?? "file"
            sources = [.heredoc(Heredoc(name: file, content: text, isExpanded: false))]
            shown = "<<\(file)"
        }
        guard !sources.isEmpty else { throw Self.problem("a copy has a source", value) }
        var flags: [(String, String?)] = []
        if let origin = fields["stage"]?.stringValue ?? fields["image"]?.stringValue { flags.append(("from", origin)) }
        for (field, flag) in [("owner", "chown"), ("mode", "chmod"), ("checksum", "checksum")] {
            if let text = fields[field]?.stringValue { flags.append((flag, Self.escaped(text))) }
        }
        for pattern in Self.words(fields["excluding"] ?? .array([])) {
            flags.append(("exclude", Self.escaped(pattern)))
        }
        if fields["parents"]?.boolValue == true { flags.append(("parents", nil)) }
        if fields["link"]?.boolValue == true { flags.append(("link", nil)) }
        if let unpacks = fields["unpack"]?.boolValue { flags.append(("unpack", unpacks ? "true" : "false")) }
        let transfer = Instruction.Transfer(sources: sources, destination: Self.escaped(destination))
        append(
            name == "ADD" ? .add(transfer) : .copy(transfer), "\(name) \(shown) \(destination)", index, flags: flags)
    }

    private mutating func healthcheck(_ value: JSONValue, _ index: Int) {
        let test = Self.words(value["test"] ?? .array([]))
        let command = Array(test.dropFirst())
        let form = test.first == "CMD-SHELL" ? CommandForm.shell(command.first ?? "") : CommandForm.exec(command)
        var flags: [(String, String?)] = []
        for (field, flag) in [("interval", "interval"), ("timeout", "timeout"), ("startPeriod", "start-period")] {
            if let time = value[field]?.intValue { flags.append((flag, "\(time)ns")) }
        }
        if let retries = value["retries"]?.intValue { flags.append(("retries", "\(retries)")) }
        append(.healthcheck(form), "HEALTHCHECK CMD \(command.joined(separator: " "))", index, flags: flags)
    }

    private static func words(_ value: JSONValue) -> [String] { (value.arrayValue ?? []).compactMap(\.stringValue) }

    /// Text that means itself where a Dockerfile would expand it.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if "\\$\"'".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }
}
