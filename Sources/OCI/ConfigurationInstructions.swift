import JSONText

/// Instructions of a Dockerfile that change only an image's configuration, as `docker commit --change` takes them: CMD,
/// ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR.
///
/// Source: Dockerfile reference; `docker commit` reference, "--change".
package struct ConfigurationInstructions: Sendable, Hashable {
    private struct Instruction: Sendable, Hashable {
        let number: Int
        let text: String
        let name: String
        let argument: String
    }

    private let instructions: [Instruction]

    /// Reads instructions, of which one text may have several, one a line; empty lines and comments are passed over.
    ///
    /// - Throws: for one that is none of those that are allowed here.
    package init(_ texts: [String]) throws(InstructionError) {
        var instructions: [Instruction] = []
        for text in texts {
            for line in Self.lines(of: text) {
                let name = line.prefix { !$0.isWhitespace }
                let argument = line.dropFirst(name.count).drop { $0.isWhitespace }
                let instruction = Instruction(
                    number: instructions.count + 1, text: line, name: name.lowercased(), argument: String(argument))
                guard Self.allowed.contains(instruction.name) else {
                    throw InstructionError(
                        number: instruction.number, instruction: line, reason: "\(name) is not a valid change command")
                }
                instructions.append(instruction)
            }
        }
        self.instructions = instructions
    }

    private static let allowed: Set<String> = [
        "cmd", "entrypoint", "env", "expose", "healthcheck", "label", "onbuild", "stopsignal", "user", "volume",
        "workdir",
    ]

    /// Lines with those joined that end in a backslash.
    private static func lines(of text: String) -> [String] {
        var lines: [String] = []
        var pending = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = String(line.drop { $0.isWhitespace })
            while line.last?.isWhitespace == true { line.removeLast() }
            if line.hasPrefix("#") { continue }
            if line.hasSuffix("\\") {
                pending += line.dropLast()
                continue
            }
            let whole = pending + line
            pending = ""
            if !whole.isEmpty { lines.append(whole) }
        }
        return pending.isEmpty ? lines : lines + [pending]
    }

    /// The parameters with the changes made, in the order of the instructions.
    ///
    /// - Throws: for an instruction whose arguments make no sense.
    package func applied(to parameters: ExecutionParameters) throws(InstructionError) -> ExecutionParameters {
        var change = InstructionRun(result: parameters)
        for instruction in instructions {
            do throws(InstructionWords.Problem) {
                try change.run(instruction.name, instruction.argument)
            } catch {
                throw InstructionError(
                    number: instruction.number, instruction: instruction.text, reason: error.reason)
            }
        }
        return change.result
    }
}

/// The instructions' effects, one after the other.
private struct InstructionRun {
    typealias Problem = InstructionWords.Problem

    var result: ExecutionParameters
    private var hasCommand = false

    init(result: ExecutionParameters) { self.result = result }

    mutating func run(_ name: String, _ argument: String) throws(Problem) {
        guard !argument.isEmpty else {
            let wants =
                ["user", "workdir", "stopsignal"].contains(name) ? "exactly one argument" : "at least one argument"
            throw Problem("\(name.uppercased()) requires \(wants)")
        }
        let words = InstructionWords(environment: result.env)
        switch name {
        case "cmd":
            result.command = try command(argument)
            hasCommand = true
        case "entrypoint":
            result.entrypoint = try command(argument)
            // The base's command belongs to the base's entrypoint.
            if !hasCommand { result.command = nil }
        case "env":
            for (name, value) in try pairs(argument, of: "ENV", words) { set(name, value) }
        case "label": for (name, value) in try pairs(argument, of: "LABEL", words) { result.labels[name] = value }
        case "expose": try expose(InstructionWords.split(try words.expand(argument)))
        case "healthcheck": result.healthcheck = try healthcheck(argument)
        case "onbuild": result.onBuild.append(try trigger(argument))
        case "stopsignal": result.stopSignal = try signal(try words.expand(argument))
        case "user": result.user = try words.expand(argument)
        case "volume": try addVolumes(argument, words)
        default: result.workingDirectory = try directory(try words.expand(argument))
        }
    }

    private mutating func set(_ name: String, _ value: String) {
        let entry = name + "=" + value
        if let index = result.env.firstIndex(where: { $0.hasPrefix(name + "=") }) {
            result.env[index] = entry
        } else {
            result.env.append(entry)
        }
    }

    /// A JSON list is a program with its arguments, anything else a line for the shell.
    private func command(_ text: String) throws(Problem) -> [String] {
        if let list = Self.list(text) { return list }
        return (result.shell ?? ["/bin/sh", "-c"]) + [text]
    }

    private static func list(_ text: String) -> [String]? {
        guard text.hasPrefix("["), let items = (try? JSONValue.parse(text))?.arrayValue else { return nil }
        let texts = items.compactMap(\.stringValue)
        return texts.count == items.count ? texts : nil
    }

    /// `NAME=value …`, or the old `NAME value`.
    private func pairs(
        _ text: String, of instruction: String, _ words: InstructionWords
    ) throws(Problem) -> [(String, String)] {
        let parts = InstructionWords.split(text)
        guard let first = parts.first, first.contains("=") else {
            let name = text.prefix { !$0.isWhitespace }
            let value = text.dropFirst(name.count).drop { $0.isWhitespace }
            guard !value.isEmpty else { throw Problem("\(instruction) must have two arguments") }
            return [(try words.expand(String(name)), try words.expand(String(value)))]
        }
        var pairs: [(String, String)] = []
        for part in parts {
            guard let equals = part.firstIndex(of: "=") else {
                throw Problem("syntax error: can't find = in \"\(part)\". Must be of the form: name=value")
            }
            let name = try words.expand(String(part[..<equals]))
            guard !name.isEmpty else { throw Problem("\(instruction) names can not be blank") }
            pairs.append((name, try words.expand(String(part[part.index(after: equals)...]))))
        }
        return pairs
    }

    private mutating func expose(_ ports: [String]) throws(Problem) {
        for port in ports {
            let sides = port.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let transport = sides.count == 2 ? sides[1].lowercased() : "tcp"
            guard ["tcp", "udp", "sctp"].contains(transport) else {
                throw Problem("invalid containerPort: \(port): invalid protocol")
            }
            let ends = (sides.first ?? "").split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard ends.count <= 2, let low = ends.first ?? nil, let high = ends.last ?? nil, low > 0, low <= high else {
                throw Problem("invalid containerPort: \(port): expected a number from 1 to 65535, or a range of them")
            }
            for number in low...high {
                let entry = "\(number)/\(transport)"
                if !result.exposedPorts.contains(entry) { result.exposedPorts.append(entry) }
            }
        }
    }

    private func healthcheck(_ text: String) throws(Problem) -> Healthcheck {
        var check = Healthcheck(test: [])
        var rest = text[...]
        while rest.hasPrefix("--") {
            let option = rest.prefix { !$0.isWhitespace }
            rest = rest.dropFirst(option.count).drop { $0.isWhitespace }
            let sides = option.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = sides.count == 2 ? String(sides[1]) : ""
            switch sides.first {
            case "interval": check.interval = try GoDuration.nanoseconds(value, of: "interval")
            case "timeout": check.timeout = try GoDuration.nanoseconds(value, of: "timeout")
            case "start-period": check.startPeriod = try GoDuration.nanoseconds(value, of: "start-period")
            case "start-interval": check.startInterval = try GoDuration.nanoseconds(value, of: "start-interval")
            case "retries":
                guard let number = Int(value), number >= 0 else {
                    throw Problem("--retries cannot be \"\(value)\": expected a whole number that is zero or more")
                }
                check.retries = number
            default: throw Problem("unknown flag: \(option)")
            }
        }
        let kind = rest.prefix { !$0.isWhitespace }
        let command = String(rest.dropFirst(kind.count).drop { $0.isWhitespace })
        switch kind.uppercased() {
        case "NONE" where command.isEmpty: check.test = ["NONE"]
        case "NONE": throw Problem("HEALTHCHECK NONE takes no arguments")
        case "CMD":
            guard !command.isEmpty else { throw Problem("missing command after HEALTHCHECK CMD") }
            check.test = Self.list(command).map { ["CMD"] + $0 } ?? ["CMD-SHELL", command]
        default: throw Problem("unknown type \"\(kind)\" in HEALTHCHECK (try CMD)")
        }
        return check
    }

    private func trigger(_ text: String) throws(Problem) -> String {
        switch text.prefix(while: { !$0.isWhitespace }).uppercased() {
        case "ONBUILD": throw Problem("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        case "FROM", "MAINTAINER":
            throw Problem("\(text.prefix { !$0.isWhitespace }) isn't allowed as an ONBUILD trigger")
        default: return text
        }
    }

    private func signal(_ text: String) throws(Problem) -> String {
        let isNumber = UInt8(text).map { (1...64).contains($0) } ?? false
        let isName =
            text.first?.isLetter == true
            && text.utf8.allSatisfy {
                $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2B
                    || $0 == 0x2D
            }
        guard isNumber || isName else { throw Problem("invalid signal: \(text)") }
        return text
    }

    private mutating func addVolumes(_ text: String, _ words: InstructionWords) throws(Problem) {
        for entry in Self.list(text) ?? InstructionWords.split(text) {
            let path = try words.expand(entry)
            guard !path.isEmpty else { throw Problem("VOLUME specified can not be an empty string") }
            if !result.volumes.contains(path) { result.volumes.append(path) }
        }
    }

    /// A relative directory is one below the directory so far.
    private func directory(_ text: String) throws(Problem) -> String {
        guard !text.isEmpty else { throw Problem("cannot normalize nothing") }
        let whole = text.hasPrefix("/") ? text : result.workingDirectory + "/" + text
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

/// Durations as Go writes them: `90s`, `1m30s`, `500ms`.
private enum GoDuration {
    private static let units: [Substring: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
    ]

    static func nanoseconds(_ text: String, of option: String) throws(InstructionWords.Problem) -> Int64 {
        if text == "0" { return 0 }
        var rest = text[...]
        var sum = 0.0
        var isWrong = rest.isEmpty
        while !rest.isEmpty, !isWrong {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let factor = units[unit] else {
                isWrong = true
                break
            }
            sum += number * factor
        }
        guard !isWrong, sum < 9e18, let value = Int64(exactly: sum.rounded()) else {
            throw .init("--\(option) cannot be \"\(text)\": expected a duration such as 30s or 1m30s")
        }
        guard value == 0 || value >= 1_000_000 else { throw .init("--\(option) cannot be less than 1ms") }
        return value
    }
}
