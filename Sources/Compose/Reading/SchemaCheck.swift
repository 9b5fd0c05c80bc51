import Diagnostics

/// Gives the values of a tree the types they are to have, and collects what is wrong with them.
struct SchemaCheck {
    enum Scope {
        /// One of several files: what others may add need not be there, nor have a value.
        case file
        /// What all files are merged to.
        case model
    }

    private let scope: Scope
    /// Whether a string with a `$` may stand for any scalar, since it has not been replaced.
    private let allowsVariables: Bool
    /// Where the texts are of which that is known, however the rest was replaced.
    private let unreplaced: Set<SourceLocation>
    private var path = ComposePath()
    private(set) var errors: [Diagnostic] = []
    /// The errors without their paths.
    private var known: Set<Diagnostic> = []
    private(set) var warnings: [Diagnostic] = []

    init(_ scope: Scope, allowsVariables: Bool, unreplaced: Set<SourceLocation> = []) {
        self.scope = scope
        self.unreplaced = unreplaced
        self.allowsVariables = allowsVariables
    }

    /// Checks a value, and makes of a string what is wanted.
    mutating func check(_ node: inout ComposeNode, _ type: SchemaType) {
        // What is reset has no value.
        if node.instruction == .reset { return }
        if let text = node.string, mayHaveVariables(text, at: node.location) {
            if Self.accepts(node, type) || Self.takesScalars(type) { return }
        }
        switch type {
        case .any: break
        case .null: if !node.isNull { reportType(node, type) }
        case .text(let rule): checkText(node, rule, type)
        case .flag: checkFlag(&node, type)
        case .whole(let range): checkWhole(&node, range, type)
        case .number(let least): checkNumber(&node, least, type)
        case .size: checkSize(node, type)
        case .mode: checkMode(&node, type)
        case .scalar: if node.list != nil || node.map != nil { reportType(node, type) }
        case .list(let element, let isSet, let rule): checkList(&node, element, isSet, rule, type)
        case .map(let key, let value): checkMap(&node, key, value, type)
        case .object(let object): checkObject(&node, object, type)
        case .either(let types):
            guard let type = types.first(where: { Self.accepts(node, $0) }) else { return reportType(node, type) }
            check(&node, type)
        }
    }

    private func mayHaveVariables(_ text: String, at location: SourceLocation) -> Bool {
        allowsVariables ? text.utf8.contains(UInt8(ascii: "$")) : unreplaced.contains(location)
    }

    // MARK: Kinds

    /// Whether a value is of the kind a type asks for, whatever its rules say.
    private static func accepts(_ node: ComposeNode, _ type: SchemaType) -> Bool {
        switch (type, node.value) {
        case (.any, _), (.null, .null), (.text, .string), (.list, .list), (.map, .map), (.object, .map),
            (.flag, .bool), (.whole, .int), (.number, .int), (.number, .double), (.size, .int), (.size, .double),
            (.size, .string), (.mode, .int), (.mode, .string), (.scalar, .null), (.scalar, .bool), (.scalar, .int),
            (.scalar, .double),
            (.scalar, .string):
            true
        case (.whole, .double(let number)): number.rounded() == number
        case (.flag, .string(let text)): flag(text) != nil
        case (.whole, .string(let text)): Int64(text) != nil
        case (.number, .string(let text)): number(text) != nil
        case (.either(let types), _): types.contains { accepts(node, $0) }
        default: false
        }
    }

    private static func takesScalars(_ type: SchemaType) -> Bool {
        switch type {
        case .text, .flag, .whole, .number, .size, .mode, .scalar, .any: true
        case .either(let types): types.contains(where: takesScalars)
        case .null, .list, .map, .object: false
        }
    }

    private static func number(_ text: String) -> Double? {
        guard let first = text.utf8.first, (48...57).contains(first) || "+-.".utf8.contains(first),
            let number = Double(text), number.isFinite
        else { return nil }
        return number
    }

    /// The truth value of a string: those of YAML 1.1.
    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "y", "yes", "on": true
        case "false", "n", "no", "off": false
        default: nil
        }
    }

    // MARK: Scalars

    private mutating func checkText(_ node: ComposeNode, _ rule: SchemaText, _ type: SchemaType) {
        guard let text = node.string else { return reportType(node, type) }
        guard var problem = rule.problem(text, node.location) else { return }
        // YAML joins lines that are indented deeper to the text above them.
        if text.contains(" - ") { problem.hint = Self.hintOfJoinedLines }
        add(problem)
    }

    private static let hintOfJoinedLines =
        "the lines below it are indented deeper, and so belong to it: indent them less, or write the key"
        + " they belong to above them"

    private mutating func checkFlag(_ node: inout ComposeNode, _ type: SchemaType) {
        if node.bool != nil { return }
        guard let text = node.string, let flag = Self.flag(text) else { return reportType(node, type) }
        if text.lowercased() != "true", text.lowercased() != "false" {
            warnings.append(
                Diagnostic(
                    severity: .warning, code: "SC2014", summary: path.says("\"\(text)\" is read as \(flag)"),
                    detail: "In YAML 1.2 it is a string.", hint: "write \(flag)", location: node.location))
        }
        node.value = .bool(flag)
    }

    private mutating func checkWhole(_ node: inout ComposeNode, _ range: ClosedRange<Int64>, _ type: SchemaType) {
        let number: Int64? =
            switch node.value {
            case .int(let number): number
            case .double(let number): Int64(exactly: number)
            case .string(let text): Int64(text)
            default: nil
            }
        guard let number else { return reportType(node, type) }
        node.value = .int(number)
        guard !range.contains(number) else { return }
        let detail =
            range.upperBound == Int64.max
            ? "expected at least \(range.lowerBound)"
            : "expected a number from \(range.lowerBound) to \(range.upperBound)"
        report("SC2025", "\(number) is out of range", at: node.location, detail: detail)
    }

    private mutating func checkNumber(_ node: inout ComposeNode, _ least: Double, _ type: SchemaType) {
        let number: Double
        switch node.value {
        case .int(let whole):
            number = Double(whole)
        case .double(let value):
            number = value
        case .string(let text):
            guard let value = Self.number(text) else { return reportType(node, type) }
            node.value = Int64(text).map { .int($0) } ?? .double(value)
            number = value
        default:
            return reportType(node, type)
        }
        guard number < least || !number.isFinite else { return }
        report(
            "SC2025", "\(node.text ?? "") is out of range", at: node.location, detail: "expected at least \(Int(least))"
        )
    }

    private mutating func checkSize(_ node: ComposeNode, _ type: SchemaType) {
        switch node.value {
        case .int: break
        case .double(let number) where Int64(exactly: number) != nil: break
        case .string(let text):
            guard ComposeSize.bytes(text) == nil else { return }
            checkText(node, .size, type)
        default: reportType(node, type)
        }
    }

    private mutating func checkMode(_ node: inout ComposeNode, _ type: SchemaType) {
        switch node.value {
        case .int(let number) where number >= 0 && number <= 0o7777: break
        case .int(let number):
            report("SC2025", "\(number) is out of range", at: node.location, detail: "expected \(type.words)")
        case .string(let text):
            let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
            guard (1...5).contains(digits.utf8.count), let mode = Int64(digits, radix: 8), mode >= 0, mode <= 0o7777
            else {
                return report(
                    "SC2022", "\"\(text)\" is not allowed", at: node.location, detail: "expected \(type.words)",
                    hint: "write it in octal digits: 0440")
            }
            node.value = .int(mode)
        case .double:
            report(
                "SC2022", "permissions have octal digits, 0 to 7", at: node.location, detail: "expected \(type.words)",
                hint: "write them as 0440")
        default: reportType(node, type)
        }
    }

    // MARK: Lists

    private mutating func checkList(
        _ node: inout ComposeNode, _ element: SchemaType, _ isSet: Bool, _ rule: SchemaListRule, _ type: SchemaType
    ) {
        guard case .list(var elements) = node.value else { return reportType(node, type) }
        node.value = .null
        for position in elements.indices {
            path.append(.position(position))
            check(&elements[position], element)
            path.removeLast()
        }
        if isSet { checkSet(elements) }
        if rule == .test { checkTest(elements, at: node.location) }
        node.value = .list(elements)
    }

    private mutating func checkSet(_ elements: [ComposeNode]) {
        var known: [ComposeNode.Value: ComposeNode] = [:]
        for element in elements {
            guard let first = known.updateValue(element, forKey: element.value) else { continue }
            report(
                "SC2024", "\(element.text.map { "\"\(ComposePath.shown($0))\"" } ?? "this") stands twice in the list",
                at: element.location,
                hint: "remove one of them", notes: ["the first one is at line \(first.location.line)"])
        }
    }

    private mutating func checkTest(_ elements: [ComposeNode], at location: SourceLocation) {
        let kinds = ["NONE", "CMD", "CMD-SHELL"]
        guard let first = elements.first else {
            return report(
                "SC2022", "an empty list is no test", at: location,
                hint: "write [\"CMD\", PROGRAM, ARGUMENTS…], or \"disable: true\" for no check")
        }
        guard let kind = first.string, !kinds.contains(kind), !mayHaveVariables(kind, at: first.location) else {
            return
        }
        report(
            "SC2022", "a test begins with NONE, CMD or CMD-SHELL, and this one with \"\(kind)\"", at: first.location,
            hint: "write [\"CMD\", \"\(kind)\", …], or the whole command as one string")
    }

    // MARK: Maps

    private mutating func checkMap(_ node: inout ComposeNode, _ key: SchemaKey, _ value: SchemaType, _ type: SchemaType)
    {
        guard case .map(var members) = node.value else { return reportType(node, type) }
        for entry in members.entries where !key.accepts(entry.key) {
            report(
                "SC2026", "\"\(ComposePath.shown(entry.key))\" is no name here", at: entry.location,
                detail: "expected \(key.words)",
                hint: Self.hint(ofNoName: entry))
        }
        node.value = .null
        members.updateValues { key, member in check(key, &member, value) }
        node.value = .map(members)
    }

    private static func hint(ofNoName entry: ComposeMap.Entry) -> String? {
        if entry.key.contains(" - ") { return hintOfJoinedLines }
        guard entry.key.contains(" {") || entry.key.contains(" [") else { return nil }
        return "write \": \" between the name and what belongs to it"
    }

    private mutating func checkObject(_ node: inout ComposeNode, _ object: SchemaObject, _ type: SchemaType) {
        guard case .map(var members) = node.value else { return reportType(node, type) }
        node.value = .null
        for entry in members.entries where object.attributes[entry.key] == nil {
            if object.isExtensible, entry.key.hasPrefix("x-") { continue }
            reportUnknown(entry, of: object)
        }
        members.updateValues { key, member in
            if let type = object.attributes[key] { check(key, &member, type) }
        }
        if scope == .model || object.isCompleteAlone {
            for key in object.required where members[key] == nil {
                report(
                    "SC2023", "\(object.name) needs the attribute \"\(key)\"", at: node.location,
                    hint: "add \"\(key): …\"")
            }
        }
        for keys in object.exclusive where scope == .model || object.isCompleteAlone {
            checkExclusive(keys, members)
        }
        node.value = .map(members)
    }

    private mutating func checkExclusive(_ keys: [String], _ members: ComposeMap) {
        let found = keys.compactMap { members.entry($0) }.filter { $0.value.instruction != .reset }
        guard found.count > 1, let last = found.last, let first = found.first else { return }
        report(
            "SC2027", "\"\(first.key)\" and \"\(last.key)\" exclude each other", at: last.location,
            hint: "remove one of them", notes: ["\"\(first.key)\" is at line \(first.location.line)"])
    }

    private mutating func check(_ key: String, _ node: inout ComposeNode, _ type: SchemaType) {
        // In one of several files it changes nothing: an attribute whose members are all commented out.
        if scope == .file, node.isNull { return }
        path.append(.key(key))
        check(&node, type)
        path.removeLast()
    }

    // MARK: Messages

    /// Adds an error; one that an alias has brought to another place in the tree is said once.
    private mutating func add(_ problem: Diagnostic) {
        guard errors.count < ComposeFileReader.maximumErrors, known.insert(problem).inserted else { return }
        var problem = problem
        problem.summary = path.says(problem.summary)
        errors.append(problem)
    }

    private mutating func report(
        _ code: String, _ sentence: String, at location: SourceLocation, detail: String? = nil, hint: String? = nil,
        notes: [String] = []
    ) {
        add(
            Diagnostic(code: code, summary: sentence, detail: detail, hint: hint, location: location, notes: notes))
    }

    private mutating func reportUnknown(_ entry: ComposeMap.Entry, of object: SchemaObject) {
        guard errors.count < ComposeFileReader.maximumErrors else { return }
        let hint: String?
        if let instead = object.instead[entry.key] {
            hint = instead
        } else if path.isEmpty, ComposeSchema.service.attributes[entry.key] != nil {
            hint = "\"\(entry.key)\" is an attribute of a service: indent it below the name of one in \"services:\""
        } else if let near = nearest(entry.key, among: object.attributes.keys.sorted()) {
            hint = "did you mean \"\(near)\"?"
        } else if path.isEmpty, entry.value["image"] != nil || entry.value["build"] != nil {
            hint = "services stand below \"services:\""
        } else if object.isExtensible {
            hint = "begin its name with \"x-\" where it is for another program"
        } else {
            hint = "the attributes are \(object.attributes.keys.sorted().joined(separator: ", "))"
        }
        report("SC2020", "there is no attribute \"\(ComposePath.shown(entry.key))\"", at: entry.location, hint: hint)
    }

    private mutating func reportType(_ node: ComposeNode, _ type: SchemaType) {
        var hint: String?
        var detail: String?
        switch node.value {
        case .int, .double, .bool:
            if Self.accepts(ComposeNode(.string("a"), at: node.location), type), let text = node.text {
                let isDuration =
                    if case .text(let rule) = type { rule.words == SchemaText.duration.words } else { false }
                hint = isDuration ? "write its unit, such as \"\(text)s\"" : "write it in quotes: \"\(text)\""
            }
        case .null:
            hint = "write what belongs there, or remove the line"
        case .map(let members):
            if case .list = type { hint = "begin each element with \"- \"" }
            if path.lastKey == nil, members.count == 1, let member = members.entries.first,
                let value = member.value.text, Self.accepts(ComposeNode(.string("a"), at: node.location), type)
            {
                hint =
                    "write \"\(member.key)=\(value)\", or leave out the \"- \" of all elements;"
                    + " a text with \": \" in it needs quotes"
            }
        case .string(""):
            detail = "It is empty, as a variable that is not set leaves it."
            hint = "give the variable a default, as in ${NAME:-VALUE}, or remove the line"
        case .string(let text):
            // A variable may have put it there, so that the file does not show it.
            if text.utf8.count < 80, !text.utf8.contains(UInt8(ascii: "\n")) { detail = "It is \"\(text)\"." }
        case .list(let elements):
            if Self.accepts(ComposeNode(.map(ComposeMap()), at: node.location), type), elements.first?.map != nil {
                hint = "leave out the \"- \" before its members"
            } else if Self.accepts(ComposeNode(.string("a"), at: node.location), type), elements.count == 1 {
                hint = "leave out the \"- \" or the brackets: it is one value"
            }
        }
        if let object = type.object, let key = path.lastKey, object.attributes[key] != nil {
            hint = "\"\(key)\" is an attribute of \(object.name): indent it one level deeper"
        }
        report(
            "SC2021", "expected \(type.words), found \(node.kind)", at: node.location, detail: detail, hint: hint)
    }
}
