import JSONText

/// A Go template (`text/template`) with Docker's functions, as far as people write them after `--format`.
///
/// Fields, variables, pipelines, `if`, `with`, `range`, comments and trim marks; no templates inside of templates.
/// Objects are JSON, so that a list of a type without a value is told from a map by `GoShape`.
struct GoTemplate {
    private let nodes: [TemplateNode]

    /// Reads a template.
    init(_ text: String) throws(TemplateError) {
        do throws(TemplateError) {
            nodes = try TemplateParser.parse(text)
        } catch {
            throw TemplateError("template parsing error: \(error)")
        }
    }

    /// The template's text for a value.
    func render(_ value: JSONValue) throws(TemplateError) -> String {
        var run = TemplateRun(root: TemplateValue(value))
        try run.write(nodes, dot: TemplateValue(value))
        return run.output
    }
}

/// One execution of a template.
struct TemplateRun {
    private(set) var output = ""
    private var variables: [(name: String, value: TemplateValue)]

    /// How a list of nodes came to its end.
    private enum End { case done, left, proceeded }

    init(root: TemplateValue) { variables = [("$", root)] }

    mutating func write(_ nodes: [TemplateNode], dot: TemplateValue) throws(TemplateError) {
        _ = try run(nodes, dot)
    }

    private mutating func run(_ nodes: [TemplateNode], _ dot: TemplateValue) throws(TemplateError) -> End {
        let scope = variables.count
        defer { variables.removeLast(variables.count - scope) }
        for node in nodes {
            switch node {
            case .text(let text): output += text
            case .action(let pipeline):
                let value = try evaluate(pipeline, dot)
                if pipeline.variables.isEmpty { output += try printed(value) }
            case .condition(let pipeline, let bindsDot, let then, let otherwise):
                let inner = variables.count
                defer { variables.removeLast(variables.count - inner) }
                let value = try evaluate(pipeline, dot)
                let end =
                    value.isTrue ? try run(then, bindsDot ? value : dot) : try run(otherwise, dot)
                if end != .done { return end }
            case .range(let pipeline, let body, let otherwise):
                let end = try loop(pipeline, body, otherwise, dot)
                if end != .done { return end }
            case .leave: return .left
            case .proceed: return .proceeded
            }
        }
        return .done
    }

    private func printed(_ value: TemplateValue) throws(TemplateError) -> String {
        if value.isMissing, let field = value.field, !GoShape.maps.contains(field) {
            throw TemplateError("map has no entry for key \"\(field)\"")
        }
        return value.text
    }

    private mutating func loop(
        _ pipeline: TemplatePipeline, _ body: [TemplateNode], _ otherwise: [TemplateNode], _ dot: TemplateValue
    ) throws(TemplateError) -> End {
        let scope = variables.count
        defer { variables.removeLast(variables.count - scope) }
        var plain = pipeline
        plain.variables = []
        let items = try Self.items(of: try evaluate(plain, dot))
        guard !items.isEmpty else { return try run(otherwise, dot) }
        for name in pipeline.variables where pipeline.declares { variables.append((name, TemplateValue(.null))) }
        for (key, value) in items {
            if let name = pipeline.variables.last { assign(name, value) }
            if pipeline.variables.count == 2, let name = pipeline.variables.first { assign(name, key) }
            if try run(body, value) == .left { break }
        }
        return .done
    }

    private static func items(
        of value: TemplateValue
    ) throws(TemplateError) -> [(key: TemplateValue, value: TemplateValue)] {
        switch value.json {
        case .null: return []
        case .array(let items):
            return items.enumerated().map { (TemplateValue(.int(Int64($0))), TemplateValue($1)) }
        case .object(let members):
            return members.sortedByKey().map { (TemplateValue(.string($0.key)), TemplateValue($0.value)) }
        case .int(let count) where count < 1 << 20:
            return (0..<max(0, count)).map { (TemplateValue(.int($0)), TemplateValue(.int($0))) }
        default: throw TemplateError("range can't iterate over \(value.text)")
        }
    }

    private mutating func assign(_ name: String, _ value: TemplateValue) {
        guard let place = variables.lastIndex(where: { $0.name == name }) else { return }
        variables[place].value = value
    }

    // MARK: Values

    private mutating func evaluate(
        _ pipeline: TemplatePipeline, _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        var result: TemplateValue?
        for command in pipeline.commands { result = try evaluate(command, dot, last: result) }
        let value = result ?? TemplateValue(.null)
        for name in pipeline.variables {
            if pipeline.declares { variables.append((name, value)) } else { assign(name, value) }
        }
        return value
    }

    private mutating func evaluate(
        _ command: [TemplateOperand], _ dot: TemplateValue, last: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        guard let first = command.first else { return last ?? TemplateValue(.null) }
        if let label = try label(of: first, command, dot) { return label }
        guard case .function(let name) = first else {
            guard command.count == 1, last == nil else { throw TemplateError("can't give argument to non-function") }
            return try value(of: first, dot)
        }
        if let shortCircuit = try decide(name, command.dropFirst(), dot, last: last) { return shortCircuit }
        var arguments: [TemplateValue] = []
        for operand in command.dropFirst() { arguments.append(try value(of: operand, dot)) }
        if let last { arguments.append(last) }
        do throws(TemplateError) {
            return try TemplateFunctions.call(name, arguments)
        } catch {
            throw TemplateError("error calling \(name): \(error)")
        }
    }

    /// `.Label "name"`, a method of the rows of Docker's lists; nil for anything else.
    private mutating func label(
        of first: TemplateOperand, _ command: [TemplateOperand], _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue? {
        guard case .dot(["Label"]) = first, command.count == 2, let labels = dot.json[LabelText.hiddenMember] else {
            return nil
        }
        let name = try TemplateFunctions.string(try value(of: command[1], dot))
        return .text(labels[name]?.stringValue ?? "")
    }

    /// `and` and `or`, which look no further than they must.
    private mutating func decide(
        _ name: String, _ operands: ArraySlice<TemplateOperand>, _ dot: TemplateValue, last: TemplateValue?
    ) throws(TemplateError) -> TemplateValue? {
        guard name == "and" || name == "or" else { return nil }
        var result = last
        for operand in operands {
            let value = try value(of: operand, dot)
            if value.isTrue == (name == "or") { return value }
            if last == nil { result = value }
        }
        guard let result else { throw TemplateError("wrong number of args for \(name): want at least 1 got 0") }
        return result
    }

    private mutating func value(
        of operand: TemplateOperand, _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        switch operand {
        case .literal(let value): return TemplateValue(value)
        case .function(let name): return try evaluate([.function(name)], dot, last: nil)
        case .dot(let fields): return try Self.follow(fields, from: dot)
        case .variable(let name, let fields):
            let value = variables.last { $0.name == name }?.value ?? TemplateValue(.null)
            return try Self.follow(fields, from: value)
        case .pipeline(let pipeline, let fields):
            let scope = variables.count
            let value = try evaluate(pipeline, dot)
            variables.removeLast(variables.count - scope)
            return try Self.follow(fields, from: value)
        }
    }

    private static func follow(_ fields: [String], from start: TemplateValue) throws(TemplateError) -> TemplateValue {
        var value = start
        for field in fields {
            if value.isMissing, let missing = value.field {
                throw TemplateError("map has no entry for key \"\(missing)\"")
            }
            switch value.json {
            case .object(let members):
                // Go's types say `ID` where their JSON says `Id`.
                let other = field == "ID" ? "Id" : field == "Id" ? "ID" : field
                if let member = members[field] ?? members[other] {
                    value = TemplateValue(member, field: field)
                } else if let map = value.field, GoShape.maps.contains(map) {
                    // An entry of a map that is not there is no mistake.
                    return noValue
                } else if GoShape.optional.contains(field) {
                    value = .text("")
                } else {
                    value = .missing(field)
                }
            case .null:
                if let map = value.field, GoShape.maps.contains(map) { return noValue }
                throw TemplateError("nil pointer evaluating interface {}.\(field)")
            default: throw TemplateError("can't evaluate field \(field) in \(value.kind)")
            }
        }
        return value
    }

    /// What Go prints as `<no value>`.
    private static let noValue = TemplateValue.missing("Labels")
}
