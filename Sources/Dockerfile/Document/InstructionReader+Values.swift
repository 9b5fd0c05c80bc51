extension InstructionReader {
    /// `name=value …`, or the old form `name value`.
    func assignments(_ name: String, _ raw: RawInstruction) throws(LineFault) -> [Instruction.Assignment] {
        let words = LineWords.quoted(raw.arguments, escape: escape)
        guard let first = words.first else { throw LineFault("\(name) requires at least one argument") }
        guard first.text.utf8.contains(UInt8(ascii: "=")) else {
            let (key, value) = LineWords.first(raw.arguments)
            guard !value.isEmpty else {
                throw LineFault("\(name) must have two arguments", at: first.offset, isOfSyntax: true)
            }
            return [Instruction.Assignment(name: key.text, value: value.text, isLegacy: true)]
        }
        var assignments: [Instruction.Assignment] = []
        for word in words {
            guard let equals = word.text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                let shown = GoText.quoted(word.text)
                var fault = LineFault(
                    "Syntax error - can't find = in \(shown). Must be of the form: name=value", at: word,
                    hint: "put a value with spaces in quotes")
                fault.isOfSyntax = true
                throw fault
            }
            guard equals > word.text.startIndex else {
                throw LineFault("\(name) names can not be blank", at: word)
            }
            assignments.append(
                Instruction.Assignment(
                    name: String(word.text[..<equals]), value: String(word.text[word.text.utf8.index(after: equals)...])
                ))
        }
        return assignments
    }

    /// `name`, `name=value` of ARG.
    func arguments(_ raw: RawInstruction) throws(LineFault) -> [Instruction.Assignment] {
        let words = LineWords.quoted(raw.arguments, escape: escape)
        guard !words.isEmpty else { throw LineFault("ARG requires at least one argument") }
        var assignments: [Instruction.Assignment] = []
        for word in words {
            guard let equals = word.text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                assignments.append(Instruction.Assignment(name: word.text, value: nil))
                continue
            }
            guard equals > word.text.startIndex else { throw LineFault("ARG names can not be blank", at: word) }
            assignments.append(
                Instruction.Assignment(
                    name: String(word.text[..<equals]), value: String(word.text[word.text.utf8.index(after: equals)...])
                ))
        }
        return assignments
    }

    /// The words of COPY and ADD.
    func transfer(_ name: InstructionName, _ raw: RawInstruction) throws(LineFault) -> Instruction.Kind {
        let words =
            raw.list.map { $0.map { LineWord(text: $0, offset: raw.arguments.startIndex) } }
            ?? LineWords.plain(raw.arguments)
        guard words.count >= 2, let last = words.last else {
            throw LineFault(
                "\(name.rawValue) requires at least two arguments, but only one was provided. "
                    + "Destination could not be determined")
        }
        guard try heredoc(last) == nil else {
            throw LineFault("\(name.rawValue) cannot accept a heredoc as a destination", at: last)
        }
        var sources: [Instruction.TransferSource] = []
        for word in words.dropLast() {
            guard var heredoc = try heredoc(word) else {
                sources.append(.path(word.text))
                continue
            }
            heredoc.content = raw.heredocs.last { $0.name == heredoc.name }?.content ?? ""
            sources.append(.heredoc(heredoc))
        }
        let transfer = Instruction.Transfer(sources: sources, destination: last.text)
        return name == .add ? .add(transfer) : .copy(transfer)
    }

    private func heredoc(_ word: LineWord) throws(LineFault) -> Heredoc? {
        do throws(ExpansionFault) {
            return try HeredocReader.heredoc(word.text)
        } catch {
            // One that cannot be read is a path.
            return nil
        }
    }

    /// HEALTHCHECK with its flags, which are checked here and read when they are needed.
    func healthcheck(_ raw: RawInstruction, _ flags: [Instruction.Flag]) throws(LineFault) -> Instruction.Kind {
        let (word, rest) = LineWords.first(raw.arguments)
        guard !word.isEmpty else { throw LineFault("HEALTHCHECK requires at least one argument") }
        switch word.text.uppercased() {
        case "NONE":
            guard rest.isEmpty else { throw LineFault("HEALTHCHECK NONE takes no arguments", at: rest.startIndex) }
            return .healthcheck(nil)
        case "CMD": break
        default:
            throw LineFault(
                "Unknown type \(GoText.quoted(word.text.uppercased())) in HEALTHCHECK (try CMD)", at: word.startIndex,
                length: word.count)
        }
        for flag in flags {
            do throws(LineFault) { _ = try HealthcheckFlags.value(flag) } catch { throw error.at(flag) }
        }
        if let list = raw.list {
            guard !list.isEmpty else { throw LineFault("Missing command after HEALTHCHECK CMD") }
            return .healthcheck(.exec(list))
        }
        guard !rest.isEmpty else { throw LineFault("Missing command after HEALTHCHECK CMD") }
        return .healthcheck(.shell(rest.text))
    }
}

/// The numbers of HEALTHCHECK's flags.
enum HealthcheckFlags {
    /// Nanoseconds, or how often of `--retries`.
    static func value(_ flag: Instruction.Flag) throws(LineFault) -> Int64 {
        let text = flag.value ?? ""
        if text.isEmpty { return 0 }
        if flag.name == "retries" {
            guard let retries = Int32(text) else {
                throw LineFault("strconv.ParseInt: parsing \(GoText.quoted(text)): invalid syntax")
            }
            guard retries >= 0 else { throw LineFault("--retries cannot be negative (\(retries))") }
            return Int64(retries)
        }
        guard let duration = GoDuration.parse(text) else {
            throw LineFault(
                "time: invalid duration \(GoText.quoted(text))", hint: "write a time as 30s, 1m30s or 500ms")
        }
        guard duration == 0 || duration >= 1_000_000 else {
            throw LineFault("Interval \(GoText.quoted(flag.name)) cannot be less than 1ms")
        }
        return duration
    }
}
