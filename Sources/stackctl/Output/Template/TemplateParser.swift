import JSONText

/// Reads a template into nodes.
struct TemplateParser {
    /// Deeper nesting is no template that anybody wrote.
    private static let deepest = 100

    private var parts: ArraySlice<TemplateScanner.Part>
    private var tokens: ArraySlice<SpacedToken> = []
    private var variables: Set<String> = ["$"]
    private var depth = 0
    private var loops = 0

    static func parse(_ template: String) throws(TemplateError) -> [TemplateNode] {
        var parser = TemplateParser(parts: try TemplateScanner.parts(of: template)[...])
        let (nodes, end) = try parser.list()
        guard end == nil else { throw TemplateError("unexpected {{\(end ?? "")}}") }
        return nodes
    }

    private init(parts: ArraySlice<TemplateScanner.Part>) { self.parts = parts }

    /// Nodes up to `end` or `else`, which is given too, or up to the end of the template.
    private mutating func list() throws(TemplateError) -> (nodes: [TemplateNode], end: String?) {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.deepest else { throw TemplateError("the template is nested too deeply") }
        var nodes: [TemplateNode] = []
        while let part = parts.popFirst() {
            guard case .action(let words) = part else {
                if case .text(let text) = part { nodes.append(.text(text)) }
                continue
            }
            tokens = words[...]
            guard case .identifier(let word)? = tokens.first?.token, let keyword = Keyword(rawValue: word) else {
                nodes.append(.action(try wholePipeline("command")))
                continue
            }
            tokens.removeFirst()
            switch keyword {
            case .end, .else: return (nodes, word)
            case .if, .with: nodes.append(try condition(keyword))
            case .range: nodes.append(try range())
            case .break, .continue:
                guard loops > 0 else { throw TemplateError("{{\(word)}} outside {{range}}") }
                try expectEnd(word)
                nodes.append(keyword == .break ? .leave : .proceed)
            case .define, .template, .block:
                throw TemplateError("{{\(word)}} is not supported")
            }
        }
        return (nodes, nil)
    }

    private enum Keyword: String {
        case end, `else`, `if`, with, range, `break`, `continue`, define, template, block
    }

    private mutating func condition(_ keyword: Keyword) throws(TemplateError) -> TemplateNode {
        let known = variables
        defer { variables = known }
        let pipeline = try wholePipeline(keyword.rawValue)
        let (then, end) = try list()
        let otherwise = try otherwise(after: end, of: keyword)
        return .condition(pipeline, bindsDot: keyword == .with, then: then, otherwise: otherwise)
    }

    private mutating func range() throws(TemplateError) -> TemplateNode {
        let known = variables
        defer { variables = known }
        let pipeline = try wholePipeline("range")
        loops += 1
        let (body, end) = try list()
        loops -= 1
        return .range(pipeline, body: body, otherwise: try otherwise(after: end, of: .range))
    }

    /// What follows `else`, up to `end`; `else if` and `else with` are conditions of their own.
    private mutating func otherwise(after end: String?, of keyword: Keyword) throws(TemplateError) -> [TemplateNode] {
        guard let end else { throw TemplateError("unexpected EOF: {{\(keyword.rawValue)}} without {{end}}") }
        guard end == "else" else {
            try expectEnd("end")
            return []
        }
        if case .identifier(let word)? = tokens.first?.token, let next = Keyword(rawValue: word), next == keyword,
            keyword != .range
        {
            tokens.removeFirst()
            depth += 1
            defer { depth -= 1 }
            guard depth < Self.deepest else { throw TemplateError("the template is nested too deeply") }
            return [try condition(next)]
        }
        try expectEnd("else")
        let (nodes, last) = try list()
        guard last == "end" else { throw TemplateError("unexpected EOF: {{else}} without {{end}}") }
        try expectEnd("end")
        return nodes
    }

    private func expectEnd(_ place: String) throws(TemplateError) {
        if let token = tokens.first { throw TemplateError("unexpected \(token.token.text) in \(place)") }
    }

    private mutating func wholePipeline(_ place: String) throws(TemplateError) -> TemplatePipeline {
        let result = try pipeline(place)
        try expectEnd(place)
        return result
    }

    private mutating func pipeline(_ place: String) throws(TemplateError) -> TemplatePipeline {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.deepest else { throw TemplateError("the template is nested too deeply") }
        var result = TemplatePipeline()
        try declarations(&result, place)
        while true {
            let command = try command()
            guard !command.isEmpty else { throw TemplateError("missing value for \(place)") }
            for operand in command.dropFirst() {
                if case .function(let name) = operand, !TemplateFunctions.isKnown(name) {
                    throw TemplateError("function \"\(name)\" not defined")
                }
            }
            result.commands.append(command)
            guard tokens.first?.token == .mark("|") else { return result }
            tokens.removeFirst()
        }
    }

    /// `$x :=`, `$x =` and `$i, $x :=`.
    private mutating func declarations(_ pipeline: inout TemplatePipeline, _ place: String) throws(TemplateError) {
        var ahead = tokens
        var names: [String] = []
        while case .variable(let name)? = ahead.popFirst()?.token, name != "$" {
            names.append(name)
            guard let next = ahead.popFirst()?.token else { return }
            if next == .mark(","), names.count == 1, place == "range" { continue }
            guard next == .mark(":=") || next == .mark("=") else { return }
            pipeline.declares = next == .mark(":=")
            if !pipeline.declares, let unknown = names.first(where: { !variables.contains($0) }) {
                throw TemplateError("undefined variable \"\(unknown)\"")
            }
            pipeline.variables = names
            variables.formUnion(names)
            tokens = ahead
            return
        }
    }

    private mutating func command() throws(TemplateError) -> [TemplateOperand] {
        var operands: [TemplateOperand] = []
        while let next = tokens.first, next.token != .mark("|"), next.token != .mark(")") {
            if !operands.isEmpty, !next.isAfterSpace { throw TemplateError("unexpected \(next.token.text) in operand") }
            operands.append(try operand())
        }
        return operands
    }

    private mutating func operand() throws(TemplateError) -> TemplateOperand {
        guard let first = tokens.popFirst()?.token else { throw TemplateError("missing value for command") }
        switch first {
        case .value(let value): return .literal(value)
        case .dot: return .dot([])
        case .field(let name): return .dot([name] + fields())
        case .variable(let name):
            guard variables.contains(name) else { throw TemplateError("undefined variable \"\(name)\"") }
            return .variable(name, fields())
        case .identifier(let name):
            guard TemplateFunctions.isKnown(name) else { throw TemplateError("function \"\(name)\" not defined") }
            return .function(name)
        case .mark("("):
            let inner = try pipeline("parenthesized pipeline")
            guard tokens.popFirst()?.token == .mark(")") else { throw TemplateError("unclosed left paren") }
            return .pipeline(inner, fields())
        case .mark(let mark): throw TemplateError("unexpected \"\(mark)\" in command")
        }
    }

    /// Fields that follow without a space.
    private mutating func fields() -> [String] {
        var names: [String] = []
        while let next = tokens.first, !next.isAfterSpace, case .field(let name) = next.token {
            names.append(name)
            tokens.removeFirst()
        }
        return names
    }
}

extension TemplateToken {
    /// The word as a message names it.
    var text: String {
        switch self {
        case .value(let value): value.serialized(.compact)
        case .identifier(let name): "<\(name)>"
        case .field(let name): "<.\(name)>"
        case .variable(let name): "<\(name)>"
        case .dot: "<.>"
        case .mark(let mark): "\"\(mark)\""
        }
    }
}
