/// Reads `--name=value` before an instruction's arguments.
enum FlagReader {
    static func read(
        _ words: [LineWord], of name: InstructionName, _ span: (LineWord) -> SourceSpan
    ) throws(LineFault) -> [Instruction.Flag] {
        guard let known = name.flags else { return [] }
        var flags: [Instruction.Flag] = []
        for word in words {
            let flag = try flag(word, known, span(word))
            if known[flag.name] != .texts, flags.contains(where: { $0.name == flag.name }) {
                throw LineFault("duplicate flag specified: --\(flag.name)", at: word)
            }
            flags.append(flag)
        }
        return flags
    }

    private static func flag(
        _ word: LineWord, _ known: [String: InstructionName.FlagKind], _ span: SourceSpan
    ) throws(LineFault) -> Instruction.Flag {
        let text = word.text.dropFirst(2)
        let equals = text.firstIndex(of: "=")
        let name = String(text[..<(equals ?? text.endIndex)])
        let value = equals.map { String(text[text.index(after: $0)...]) }
        guard let kind = known[name] else {
            let remark = Suggestion.remark(name, among: known.keys.sorted())
            throw LineFault("unknown flag: --\(name)\(remark)", at: word)
        }
        switch kind {
        case .truth:
            guard value != "" else { throw LineFault("missing a value on flag: --\(name)", at: word) }
            guard value == nil || ["true", "false"].contains(value?.lowercased()) else {
                throw LineFault("expecting boolean value for flag --\(name), not: \(value ?? "")", at: word)
            }
        case .text, .texts:
            guard value != nil else { throw LineFault("missing a value on flag: --\(name)", at: word) }
        }
        return Instruction.Flag(name: name, value: value, span: span)
    }
}

/// What of RUN's flags is checked before variables have their values.
enum RunFlags {
    static func check(_ flags: [Instruction.Flag]) throws(LineFault) {
        for flag in flags {
            do throws(LineFault) { try check(flag) } catch { throw error.at(flag) }
        }
    }

    private static func check(_ flag: Instruction.Flag) throws(LineFault) {
        let value = flag.value ?? ""
        switch flag.name {
        case "network":
            guard EvaluatedRun.Network(rawValue: value) != nil else {
                throw LineFault("invalid network mode \(GoText.quoted(value))")
            }
        case "security":
            guard value == "insecure" || value == "sandbox" else {
                throw LineFault("security \(GoText.quoted(value)) is not valid")
            }
        case "mount": _ = try MountOptions.origin(value)
        case "device": _ = try DeviceOptions.name(value)
        default: break
        }
    }
}
