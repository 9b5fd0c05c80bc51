import JSONText

/// What is wrong with an instruction, and where in its line.
struct LineFault: Error {
    var message: String
    /// The first byte that is meant; nil is the instruction's own name.
    var offset: Int?
    var length: Int
    var hint: String?
    /// Where it is, when that is known in another way.
    var span: SourceSpan?
    /// Whether it was found before the instruction was looked at as such: BuildKit's message has no prefix then.
    var isOfSyntax = false

    init(_ message: String, at offset: Int? = nil, length: Int = 1, hint: String? = nil, isOfSyntax: Bool = false) {
        self.message = message
        self.offset = offset
        self.length = length
        self.hint = hint
        self.isOfSyntax = isOfSyntax
    }

    /// The same, of a flag.
    func at(_ flag: Instruction.Flag) -> LineFault {
        var fault = self
        fault.span = flag.span
        fault.length = 2 + flag.name.count + (flag.value.map { 1 + $0.count } ?? 0)
        return fault
    }

    init(_ message: String, at word: LineWord, hint: String? = nil) {
        self.init(message, at: word.offset, length: max(1, word.text.count), hint: hint)
    }
}

/// One instruction's line taken apart, before what is in it is looked at.
struct RawInstruction {
    var line: LogicalLine
    var keyword: LineWord
    var flags: [LineWord]
    /// What follows the flags.
    var arguments: ArraySlice<UInt8>
    /// The arguments of the JSON form; nil where they have another.
    var list: [String]?
    var heredocs: [Heredoc] = []
    var comments: [String] = []

    /// Takes a line apart.
    init(_ line: LogicalLine, escape: UInt8) throws(LineFault) {
        self.line = line
        let (word, rest) = LineWords.first(line.bytes[...])
        keyword = LineWord(text: word.text, offset: word.startIndex)
        (flags, arguments) = LineWords.flags(rest, escape: escape)
        guard let name = InstructionName(word: keyword.text) else { return }
        switch name {
        case .add, .copy, .cmd, .entrypoint, .run, .shell, .volume: list = try Self.list(arguments)
        case .healthcheck: list = try Self.list(LineWords.first(arguments).rest)
        default: break
        }
    }

    /// What of it may have heredocs; ONBUILD's instruction in its place.
    var takesHeredocs: Bool {
        switch InstructionName(word: keyword.text) {
        case .onbuild:
            guard let name = InstructionName(word: LineWords.first(arguments).word.text), name.takesHeredocs else {
                return false
            }
            return (try? Self.list(LineWords.first(arguments).rest)) == .some(.none)
        case let name?: return name.takesHeredocs && list == nil
        case nil: return false
        }
    }

    /// Reads the JSON form; nil where it is none, which makes it the shell form.
    private static func list(_ text: ArraySlice<UInt8>) throws(LineFault) -> [String]? {
        guard text.first == UInt8(ascii: "["), let value = try? JSONValue.parse(Array(text)),
            let elements = value.arrayValue
        else { return nil }
        var texts: [String] = []
        for element in elements {
            guard let text = element.stringValue else {
                throw LineFault(
                    "when using JSON array syntax, arrays must be comprised of strings only", at: text.startIndex,
                    length: text.count, isOfSyntax: true)
            }
            texts.append(text)
        }
        return texts
    }
}

/// Makes instructions of their lines.
struct InstructionReader {
    /// What takes the meaning of the next character.
    var escape: UInt8

    /// What an instruction is.
    enum Read {
        case from(FromInstruction)
        case other(Instruction)
    }

    /// Reads an instruction.
    func read(_ raw: RawInstruction, span: SourceSpan, flagSpan: (LineWord) -> SourceSpan) throws(LineFault) -> Read {
        guard let name = InstructionName(word: raw.keyword.text) else {
            let names = InstructionName.allCases.map(\.rawValue)
            let remark = Suggestion.remark(raw.keyword.text, among: names, ignoringCase: true)
            let shown = raw.keyword.text.count > 100 ? String(raw.keyword.text.prefix(100)) + "…" : raw.keyword.text
            throw LineFault("unknown instruction: \(shown)\(remark)", at: raw.keyword)
        }
        let flags = try FlagReader.read(raw.flags, of: name, flagSpan)
        if name == .from { return .from(try from(raw, flags, span)) }
        let kind = try kind(name, raw, flags)
        var instruction = Instruction(kind: kind, flags: flags, span: span, text: raw.line.text)
        instruction.keyword = raw.keyword.text
        instruction.comments = raw.comments
        return .other(instruction)
    }

    private func kind(
        _ name: InstructionName, _ raw: RawInstruction, _ flags: [Instruction.Flag]
    ) throws(LineFault) -> Instruction.Kind {
        switch name {
        case .add, .copy: return try transfer(name, raw)
        case .arg: return .arg(try arguments(raw))
        case .env: return .env(try assignments("ENV", raw))
        case .label: return .label(try assignments("LABEL", raw))
        case .cmd: return .cmd(command(raw))
        case .entrypoint: return .entrypoint(command(raw))
        case .run:
            try RunFlags.check(flags)
            return .run(command(raw), heredocs: raw.heredocs)
        case .healthcheck: return try healthcheck(raw, flags)
        case .shell:
            guard !raw.arguments.isEmpty, raw.list != [] else { throw atLeastOne("SHELL") }
            guard let list = raw.list else { throw LineFault("SHELL requires the arguments to be in JSON form") }
            return .shell(list)
        case .expose:
            let ports = LineWords.plain(raw.arguments).map(\.text)
            guard !ports.isEmpty else { throw atLeastOne("EXPOSE") }
            return .expose(ports.sorted())
        case .volume: return .volume(try volumes(raw))
        case .maintainer: return .maintainer(try one("MAINTAINER", raw))
        case .stopsignal: return .stopsignal(try one("STOPSIGNAL", raw))
        case .user: return .user(try one("USER", raw))
        case .workdir: return .workdir(try one("WORKDIR", raw))
        case .onbuild: return .onbuild(try trigger(raw))
        case .from: throw LineFault("FROM is not an instruction of a stage")
        }
    }

    private func atLeastOne(_ name: String) -> LineFault { LineFault("\(name) requires at least one argument") }

    private func one(_ name: String, _ raw: RawInstruction) throws(LineFault) -> String {
        guard !raw.arguments.isEmpty else { throw LineFault("\(name) requires exactly one argument") }
        return raw.arguments.text
    }

    private func command(_ raw: RawInstruction) -> CommandForm {
        raw.list.map { .exec($0) } ?? .shell(raw.arguments.text)
    }

    private func volumes(_ raw: RawInstruction) throws(LineFault) -> [String] {
        let paths = raw.list ?? LineWords.plain(raw.arguments).map(\.text)
        guard !paths.isEmpty else { throw atLeastOne("VOLUME") }
        let trimmed = paths.map(\.trimmingSpaces)
        guard !trimmed.contains("") else { throw LineFault("VOLUME specified can not be an empty string") }
        return trimmed
    }

    private func trigger(_ raw: RawInstruction) throws(LineFault) -> String {
        let (word, _) = LineWords.first(raw.arguments)
        guard !word.isEmpty else { throw atLeastOne("ONBUILD") }
        switch InstructionName(word: word.text) {
        case .onbuild:
            throw LineFault("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", at: word.startIndex, length: 7)
        case .from, .maintainer:
            throw LineFault(
                "\(word.text.uppercased()) isn't allowed as an ONBUILD trigger", at: word.startIndex,
                length: word.count)
        default: break
        }
        return raw.heredocs.reduce(raw.arguments.text) { "\($0)\n\($1.content)\($1.name)" }
    }

    private func from(
        _ raw: RawInstruction, _ flags: [Instruction.Flag], _ span: SourceSpan
    ) throws(LineFault) -> FromInstruction {
        let words = LineWords.plain(raw.arguments)
        guard let base = words.first, words.count == 1 || words.count == 3 && words[1].text.uppercased() == "AS" else {
            throw LineFault("FROM requires either one or three arguments")
        }
        var from = FromInstruction(base: base.text, span: span, text: raw.line.text)
        from.platform = flags.last { $0.name == "platform" }?.value
        from.keyword = raw.keyword.text
        from.comments = raw.comments
        if words.count == 3 {
            let name = words[2].text.lowercased()
            guard Self.isStageName(name) else {
                let shown = GoText.quoted(words[2].text)
                throw LineFault(
                    "invalid name for build stage: \(shown), name can't start with a number or contain symbols",
                    at: words[2])
            }
            from.name = name
            from.asKeyword = words[1].text
            from.writtenName = words[2].text
        }
        return from
    }

    private static func isStageName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E
        }
    }
}
