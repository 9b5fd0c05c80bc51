import Diagnostics
import JSONText

/// What is wrong with the options of `run`, `create` and `update`, in the sentences that users know from Docker.
enum FlagProblem {
    /// `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`.
    static func invalid(_ option: OptionDeclaration, _ value: String, _ reason: String, hint: String? = nil)
        -> Diagnostic
    {
        let name = (option.short.map { "-\($0), " } ?? "") + "--\(option.long)"
        return Diagnostic(
            code: "SC0200", summary: "invalid argument \(quoted(value)) for \"\(name)\" flag: \(reason)", hint: hint)
    }

    /// Any other sentence.
    static func sentence(_ text: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(code: "SC0201", summary: text, hint: hint)
    }

    /// A text as Go quotes it.
    static func quoted(_ text: String) -> String { JSONValue.string(text).serialized(.compact) }
}

extension ParsedArguments {
    /// Whether the option was given in any way.
    func isGiven(_ option: OptionDeclaration) -> Bool { isSet(option) || isRefused(option) }

    /// The values, each read by `read`, which throws a reason.
    func values<Value>(
        of option: OptionDeclaration, read: (String) throws(Reason) -> Value
    ) throws(Diagnostic) -> [Value] {
        var result: [Value] = []
        for text in values(of: option) { result.append(try Self.reading(option, text, read)) }
        return result
    }

    /// The value, read by `read`, which throws a reason; nil where the option was not given.
    func value<Value>(of option: OptionDeclaration, read: (String) throws(Reason) -> Value) throws(Diagnostic) -> Value?
    {
        guard let text = value(of: option) else { return nil }
        return try Self.reading(option, text, read)
    }

    private static func reading<Value>(
        _ option: OptionDeclaration, _ text: String, _ read: (String) throws(Reason) -> Value
    ) throws(Diagnostic) -> Value {
        do throws(Reason) {
            return try read(text)
        } catch {
            throw FlagProblem.invalid(option, text, error.text, hint: error.hint)
        }
    }
}

/// Why a value cannot be taken.
struct Reason: Error {
    let text: String
    var hint: String?

    init(_ text: String, hint: String? = nil) {
        self.text = text
        self.hint = hint
    }
}

/// Values as Go reads them from a command line.
enum GoText {
    /// A whole number in `range`.
    static func integer(_ text: String, in range: ClosedRange<Int64> = Int64.min...Int64.max) throws(Reason) -> Int64 {
        let isUnsigned = range.lowerBound == 0
        let function = isUnsigned ? "ParseUint" : "ParseInt"
        guard let value = Int64(text) else {
            let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
            let isNumber = !digits.isEmpty && digits.allSatisfy { $0.isASCII && $0.isNumber }
            let why = isNumber && !(isUnsigned && text.hasPrefix("-")) ? "value out of range" : "invalid syntax"
            throw Reason("strconv.\(function): parsing \(FlagProblem.quoted(text)): \(why)")
        }
        guard range.contains(value) else {
            let why = isUnsigned && value < 0 ? "invalid syntax" : "value out of range"
            throw Reason("strconv.\(function): parsing \(FlagProblem.quoted(text)): \(why)")
        }
        return value
    }

    /// Bytes of `512m`, `1.5g`, `64kb`, `100`: powers of 1024.
    static func bytes(_ text: String) throws(Reason) -> Int64 {
        let problem = Reason("invalid size: '\(text)'", hint: "write a number and b, k, m, g or t, such as 512m")
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var unit = text[number.endIndex...].lowercased()
        if unit.hasPrefix(" ") { unit.removeFirst() }
        guard let value = Double(number), !number.hasPrefix("."), !number.hasSuffix(".") else { throw problem }
        if unit.hasSuffix("b") { unit.removeLast() }
        if unit.hasSuffix("i") { unit.removeLast() }
        guard let power = ["", "k", "m", "g", "t", "p"].firstIndex(of: unit) else { throw problem }
        var scale = 1.0
        for _ in 0..<power { scale *= 1024 }
        guard let bytes = Int64(exactly: (value * scale).rounded(.down)) else { throw problem }
        return bytes
    }

    /// Nanoseconds of `1h30m`, `1.5s`, `300ms`.
    static func duration(_ text: String) throws(Reason) -> Int64 {
        let problem = Reason("time: invalid duration \(FlagProblem.quoted(text))", hint: "write 30s, 1m30s or 500ms")
        var rest = text[...]
        var sign = 1.0
        if let first = rest.first, first == "-" || first == "+" {
            rest.removeFirst()
            if first == "-" { sign = -1 }
        }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { throw problem }
        let units: [String: Double] = [
            "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
        ]
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let value = Double(number) else { throw problem }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            guard !unit.isEmpty else {
                throw Reason("time: missing unit in duration \(FlagProblem.quoted(text))", hint: problem.hint)
            }
            guard let scale = units[String(unit)] else {
                throw Reason(
                    "time: unknown unit \(FlagProblem.quoted(String(unit))) in duration \(FlagProblem.quoted(text))",
                    hint: problem.hint)
            }
            total += value * scale
            rest = rest[unit.endIndex...]
        }
        guard let nanoseconds = Int64(exactly: (total * sign).rounded()) else { throw problem }
        return nanoseconds
    }

    /// Billionths of a CPU of `1.5`.
    static func nanoCPUs(_ text: String) throws(Reason) -> Int64 {
        guard let value = Double(text), value.isFinite else {
            throw Reason("failed to parse \(text) as a rational number")
        }
        let scaled = value * 1e9
        guard (scaled - scaled.rounded()).magnitude < 1e-3 else { throw Reason("value is too precise") }
        guard let nanos = Int64(exactly: scaled.rounded()) else { throw Reason("value is out of range") }
        return nanos
    }

    /// An address without a zone.
    static func address(_ text: String) -> Bool { IPText.isAddress(text) }
}
