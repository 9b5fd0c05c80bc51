import Diagnostics

/// Why the variables of a text cannot be replaced.
struct InterpolationFailure: Error, Sendable, Hashable {
    enum Reason: Sendable, Hashable {
        /// `${` with something else behind it than a name.
        case noName
        /// `${` without its `}`.
        case noEnd
        /// Something else than an operator behind the name.
        case noOperator(String)
        /// `${V:?message}`, and there is no V.
        case missing(name: String, message: String)
        /// Variables within variables, too deep.
        case depth
        /// More text than is made.
        case size
    }

    var reason: Reason
    /// The piece of text it is about.
    var text: String

    /// What users read; `says` puts the value's path in front.
    func diagnostic(at location: SourceLocation, _ says: (String) -> String) -> Diagnostic {
        let dollar = "write \"$$\" for a dollar sign that is no variable"
        switch reason {
        case .noName:
            return Diagnostic(
                code: "SC2010", summary: says("`\(text)` names no variable"),
                detail: "A name begins with a letter or `_`, and goes on with letters, digits and `_`.", hint: dollar,
                location: location)
        case .noEnd:
            return Diagnostic(
                code: "SC2010", summary: says("the variable `\(text)` has no closing brace"),
                hint: "close it with \"}\", or \(dollar)", location: location)
        case .noOperator(let name):
            return Diagnostic(
                code: "SC2010", summary: says("`\(text)` is no form of the variable \(name)"),
                detail: "The forms are ${\(name)}, and with :- - :? ? :+ or + behind the name.", hint: dollar,
                location: location)
        case .missing(let name, let message):
            return Diagnostic(
                code: "SC2011",
                summary: says(
                    "required variable \(name) is missing a value"
                        + (message.isEmpty ? "" : ": \(ComposePath.shown(message))")),
                hint: "set \(name) in the environment or in .env", location: location)
        case .depth:
            return Diagnostic(
                code: "SC2013", summary: says("variables are more than \(VariableTemplate.depth) deep in each other"),
                location: location)
        case .size:
            return Diagnostic(
                code: "SC2013",
                summary: says("with its variables the text is longer than \(VariableExpansion.bytesOfText) bytes"),
                detail: "All texts of a file may come to \(VariableExpansion.bytesOfFile) bytes.", location: location)
        }
    }
}

/// A text and the variables in it.
struct VariableTemplate {
    /// What is done with a variable's value.
    enum Form: Sendable, Hashable {
        /// `${V}`.
        case plain
        /// `:-` and `-`.
        case fallback
        /// `:?` and `?`.
        case required
        /// `:+` and `+`.
        case alternative
    }

    struct Variable: Sendable {
        var name: String
        var form: Form = .plain
        /// Whether an empty value counts as none.
        var countsEmpty = false
        /// What stands behind the operator, as written.
        var word = ""
        /// The same, in parts.
        var parts: [Part] = []
    }

    indirect enum Part: Sendable {
        case text(String)
        case variable(Variable)
    }

    /// How deep variables may stand in each other.
    static let depth = 32

    let parts: [Part]

    init(_ text: String) throws(InterpolationFailure) {
        parts = try Self.parts(Array(text.utf8)[...], depth: 0)
    }

    /// All variables, those in words behind the ones they belong to.
    var variables: [Variable] { Self.variables(parts) }

    private static func variables(_ parts: [Part]) -> [Variable] {
        parts.flatMap { part in
            guard case .variable(let variable) = part else { return [Variable]() }
            return [variable] + variables(variable.parts)
        }
    }

    private static func parts(_ text: ArraySlice<UInt8>, depth: Int) throws(InterpolationFailure) -> [Part] {
        guard depth <= Self.depth else { throw InterpolationFailure(reason: .depth, text: shown(text)) }
        var parts: [Part] = []
        var literal: [UInt8] = []
        var rest = text
        var pairsBraces = true
        func flush() {
            if !literal.isEmpty { parts.append(.text(String(decoding: literal, as: UTF8.self))) }
            literal = []
        }
        while let byte = rest.first {
            let next = rest.dropFirst()
            guard byte == UInt8(ascii: "$"), let second = next.first else {
                literal.append(byte)
                rest = next
                continue
            }
            if second == byte {
                literal.append(byte)
                rest = next.dropFirst()
            } else if second == UInt8(ascii: "{") {
                flush()
                let end = try end(of: rest, &pairsBraces)
                parts.append(.variable(try braced(rest[rest.startIndex...end], depth: depth)))
                rest = rest[(end + 1)...]
            } else if isStart(second) {
                flush()
                let name = next.prefix(while: isName)
                parts.append(.variable(Variable(name: String(decoding: name, as: UTF8.self))))
                rest = next.dropFirst(name.count)
            } else {
                literal.append(byte)
                rest = next
            }
        }
        flush()
        return parts
    }

    /// The place of the brace that closes the variable a text begins with.
    ///
    /// Braces in its word come in pairs, or else count for nothing from there on.
    private static func end(
        of text: ArraySlice<UInt8>, _ pairsBraces: inout Bool
    ) throws(InterpolationFailure) -> Int {
        guard let first = text.dropFirst(2).first, isStart(first) else {
            throw InterpolationFailure(reason: .noName, text: shown(text))
        }
        if pairsBraces, let end = end(of: text, countsAllBraces: true) { return end }
        pairsBraces = false
        if let end = end(of: text, countsAllBraces: false) { return end }
        throw InterpolationFailure(reason: .noEnd, text: shown(text))
    }

    private static func end(of text: ArraySlice<UInt8>, countsAllBraces: Bool) -> Int? {
        var depth = 0
        var previous: UInt8 = 0
        for position in text.indices {
            let byte = text[position]
            if byte == UInt8(ascii: "{"), countsAllBraces || previous == UInt8(ascii: "$") { depth += 1 }
            if byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return position }
            }
            previous = byte
        }
        return nil
    }

    /// A variable in braces, which are its first two bytes and its last one.
    private static func braced(_ text: ArraySlice<UInt8>, depth: Int) throws(InterpolationFailure) -> Variable {
        let inner = text.dropFirst(2).dropLast()
        let name = inner.prefix(while: isName)
        var variable = Variable(name: String(decoding: name, as: UTF8.self))
        var rest = inner.dropFirst(name.count)
        guard !rest.isEmpty else { return variable }
        if rest.first == UInt8(ascii: ":") {
            variable.countsEmpty = true
            rest = rest.dropFirst()
        }
        switch rest.first {
        case UInt8(ascii: "-"): variable.form = .fallback
        case UInt8(ascii: "?"): variable.form = .required
        case UInt8(ascii: "+"): variable.form = .alternative
        default: throw InterpolationFailure(reason: .noOperator(variable.name), text: shown(text))
        }
        rest = rest.dropFirst()
        variable.word = String(decoding: rest, as: UTF8.self)
        variable.parts = try parts(rest, depth: depth + 1)
        return variable
    }

    private static func isStart(_ byte: UInt8) -> Bool { isName(byte) && !(48...57).contains(byte) }

    private static func isName(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }

    /// The beginning of a piece of text, as messages show it.
    private static func shown(_ text: ArraySlice<UInt8>) -> String {
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        return String(decoding: line.prefix(60), as: UTF8.self)
            + (line.count > 60 || line.count < text.count ? "…" : "")
    }
}

/// Replaces variables in one text after another, and remembers which were not set.
struct VariableExpansion {
    /// The most bytes of one text, and of all together.
    static let bytesOfText = 1 << 20
    static let bytesOfFile = 32 << 20

    private let lookup: (String) -> String?
    private var written = 0
    private var known: Set<String> = []
    /// The variables without a value or default, each once.
    private(set) var unset: [String] = []

    init(_ lookup: @escaping (String) -> String?) { self.lookup = lookup }

    /// A text with its variables replaced.
    mutating func expand(_ text: String) throws(InterpolationFailure) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let template = try VariableTemplate(text)
        var result = ""
        try append(template.parts, to: &result, of: text)
        written += result.utf8.count
        guard written <= Self.bytesOfFile else { throw InterpolationFailure(reason: .size, text: text) }
        return result
    }

    private mutating func append(
        _ parts: [VariableTemplate.Part], to result: inout String, of text: String
    ) throws(InterpolationFailure) {
        for part in parts {
            switch part {
            case .text(let literal): result += literal
            case .variable(let variable): try append(variable, to: &result, of: text)
            }
            guard result.utf8.count <= max(Self.bytesOfText, text.utf8.count) else {
                throw InterpolationFailure(reason: .size, text: text)
            }
        }
    }

    private mutating func append(
        _ variable: VariableTemplate.Variable, to result: inout String, of text: String
    ) throws(InterpolationFailure) {
        let value = lookup(variable.name)
        let isSet = value.map { !variable.countsEmpty || !$0.isEmpty } ?? false
        switch variable.form {
        case .plain:
            if value == nil, known.insert(variable.name).inserted { unset.append(variable.name) }
            result += value ?? ""
        case .fallback where !isSet, .alternative where isSet:
            try append(variable.parts, to: &result, of: text)
        case .alternative:
            break
        case .fallback:
            result += value ?? ""
        case .required where !isSet:
            var message = ""
            try append(variable.parts, to: &message, of: text)
            throw InterpolationFailure(reason: .missing(name: variable.name, message: message), text: text)
        case .required:
            result += value ?? ""
        }
    }
}
