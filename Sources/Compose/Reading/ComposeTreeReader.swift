import Diagnostics
import YAMLText

/// Makes the tree of compose values out of the nodes of a YAML text.
struct ComposeTreeReader {
    private let file: String
    private var errors: [Diagnostic] = []
    /// What an alias has brought to several places is said once.
    private var known: Set<Diagnostic> = []

    /// The numbers that are printed otherwise than they are written, as they are written.
    private var numbers: [SourceLocation: String] = [:]

    /// The documents of a text that say something; each is a map.
    static func documents(_ bytes: [UInt8], file: String) throws(DiagnosticList) -> [ComposeNode] {
        try documentsAndNumbers(bytes, file: file).documents
    }

    /// The documents, and the numbers that are printed otherwise than they are written, as they are written.
    static func documentsAndNumbers(
        _ bytes: [UInt8], file: String
    ) throws(DiagnosticList) -> (documents: [ComposeNode], numbers: [SourceLocation: String]) {
        let nodes: [YAMLNode]
        do throws(YAMLFailure) {
            nodes = try YAMLParser.documents(bytes)
        } catch {
            throw DiagnosticList(YAMLProblem(error, bytes, file: file).diagnostic)
        }
        var reader = ComposeTreeReader(file: file)
        var documents: [ComposeNode] = []
        for node in nodes {
            let document = reader.value(node)
            if document.map != nil {
                documents.append(document)
            } else if !document.isNull {
                reader.report(
                    "SC2008", "a compose file is a map, and here is \(document.kind)", at: node.mark,
                    hint: "begin with \"services:\"")
            }
        }
        guard reader.errors.isEmpty else { throw DiagnosticList(reader.errors) }
        return (documents, reader.numbers)
    }

    private init(file: String) { self.file = file }

    private func location(_ mark: YAMLMark) -> SourceLocation {
        SourceLocation(file: file, line: mark.line, column: mark.column)
    }

    private mutating func report(
        _ code: String, _ summary: String, at mark: YAMLMark, hint: String? = nil, notes: [String] = []
    ) {
        guard errors.count < ComposeFileReader.maximumErrors else { return }
        let problem = Diagnostic(code: code, summary: summary, hint: hint, location: location(mark), notes: notes)
        if known.insert(problem).inserted { errors.append(problem) }
    }

    // MARK: Values

    private mutating func value(_ node: YAMLNode) -> ComposeNode {
        let instruction = node.tag.flatMap(ComposeNode.Instruction.init(rawValue:))
        let tag = instruction == nil ? node.tag : nil
        let content: ComposeNode.Value
        switch node.content {
        case .scalar(let text, let isPlain):
            content = scalar(text, isPlain: isPlain, tag: tag, at: node.mark)
            note(text, content, at: node.mark)
        case .sequence(let elements):
            check(tag, is: "seq", at: node.mark)
            content = .list(elements.map { value($0) })
        case .mapping(let entries):
            check(tag, is: "map", at: node.mark)
            content = .map(map(entries))
        }
        return ComposeNode(content, at: location(node.mark), instruction: instruction)
    }

    private mutating func note(_ text: String, _ value: ComposeNode.Value, at mark: YAMLMark) {
        switch value {
        case .int(let number) where String(number) == text: break
        case .double(let number) where YAMLScalar.text(number) == text: break
        case .int, .double: numbers[location(mark)] = text
        default: break
        }
    }

    private mutating func check(_ tag: String?, is kind: String, at mark: YAMLMark) {
        guard let tag, tag != "!", tag != Self.core + kind else { return }
        reportTag(tag, at: mark)
    }

    private static let core = "tag:yaml.org,2002:"

    private mutating func reportTag(_ tag: String, at mark: YAMLMark) {
        let shown = tag.hasPrefix(Self.core) ? "!!" + tag.dropFirst(Self.core.count) : tag
        report(
            "SC2006", "there is no tag \(shown) for this value", at: mark,
            hint: nearest(shown, among: ["!reset", "!override"]).map { "did you mean \($0)?" }
                ?? "the tags of compose files are !reset and !override; quote a text that begins with \"!\"")
    }

    private mutating func scalar(
        _ text: String, isPlain: Bool, tag: String?, at mark: YAMLMark
    ) -> ComposeNode.Value {
        guard let tag else { return isPlain ? Self.plain(text) : .string(text) }
        let plain = Self.plain(text)
        switch (tag, plain) {
        case ("!", _), (Self.core + "str", _), (Self.core + "timestamp", _): return .string(text)
        case (Self.core + "int", .int), (Self.core + "float", .double), (Self.core + "bool", .bool),
            (Self.core + "null", .null):
            return plain
        case (Self.core + "float", .int(let number)): return .double(Double(number))
        case (Self.core + "int", _), (Self.core + "float", _), (Self.core + "bool", _), (Self.core + "null", _):
            report(
                "SC2007", "\"\(ComposePath.shown(text))\" is no !!\(tag.dropFirst(Self.core.count))", at: mark,
                hint: "remove the tag")
        default:
            reportTag(tag, at: mark)
        }
        return .string(text)
    }

    private static func plain(_ text: String) -> ComposeNode.Value {
        switch YAMLScalar.resolve(text) {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .string, .merge: .string(text)
        }
    }

    // MARK: Maps

    private mutating func map(_ entries: [YAMLEntry]) -> ComposeMap {
        var own: [String: YAMLMark] = [:]
        var members: [ComposeMap.Entry] = []
        var merged: [(position: Int, map: ComposeMap)] = []
        for entry in entries {
            guard let key = key(entry.key) else { continue }
            let isMerge = Self.isMerge(entry.key)
            if let first = own[key] {
                report(
                    "SC2004", "the key \"\(ComposePath.shown(key))\" stands twice in this map", at: entry.key.mark,
                    hint: isMerge ? "merge several maps with a list: <<: [*one, *two]" : "remove or rename one of them",
                    notes: ["the first one is at line \(first.line), column \(first.column)"])
                continue
            }
            own[key] = entry.key.mark
            if isMerge {
                merged += sources(entry.value).map { (members.count, $0) }
            } else {
                members.append(
                    ComposeMap.Entry(key: key, value: value(entry.value), location: location(entry.key.mark)))
            }
        }
        return merged.isEmpty ? ComposeMap(members) : Self.merge(members, merged, own: own)
    }

    /// The members and, at their places, what is merged in: own keys win, then earlier sources.
    private static func merge(
        _ members: [ComposeMap.Entry], _ merged: [(position: Int, map: ComposeMap)], own: [String: YAMLMark]
    ) -> ComposeMap {
        var result = ComposeMap()
        var rest = merged[...]
        for position in 0...members.count {
            while let source = rest.first, source.position == position {
                for entry in source.map.entries where own[entry.key] == nil && result.entry(entry.key) == nil {
                    result.set(entry)
                }
                rest.removeFirst()
            }
            if position < members.count { result.set(members[position]) }
        }
        return result
    }

    private static func isMerge(_ key: YAMLNode) -> Bool {
        guard case .scalar("<<", isPlain: true) = key.content else { return false }
        return key.tag == nil || key.tag == "!" || key.tag == core + "merge"
    }

    /// The maps a merge key names.
    private mutating func sources(_ node: YAMLNode) -> [ComposeMap] {
        switch node.content {
        case .mapping(let entries):
            return [map(entries)]
        case .sequence(let elements):
            return elements.flatMap { element in
                guard case .mapping(let entries) = element.content else {
                    reportMerge(element)
                    return [ComposeMap]()
                }
                return [map(entries)]
            }
        case .scalar:
            reportMerge(node)
            return []
        }
    }

    private mutating func reportMerge(_ node: YAMLNode) {
        report(
            "SC2009", "\"<<\" merges a map or a list of maps, and here is \(value(node).kind)", at: node.mark,
            hint: "write \"<<: *NAME\" with \"&NAME\" before a map above")
    }

    private mutating func key(_ node: YAMLNode) -> String? {
        guard case .scalar(let text, let isPlain) = node.content else {
            report("SC2005", "a key is a text, and here is \(value(node).kind)", at: node.mark)
            return nil
        }
        if let tag = node.tag, tag != "!", tag != Self.core + "str", tag != Self.core + "merge" {
            reportTag(tag, at: node.mark)
            return nil
        }
        guard isPlain, node.tag == nil else { return text }
        switch YAMLScalar.resolve(text) {
        case .string, .merge:
            return text
        case .null, .bool, .int, .double:
            report(
                "SC2005",
                "a key is a text, and \(text.isEmpty ? "here is nothing" : "\"\(text)\" is read as something else")",
                at: node.mark, hint: "write it in quotes: \"\(text)\"")
            return nil
        }
    }
}
