/// Puts events together to nodes, and what anchors name in place of their aliases.
struct YAMLComposer {
    /// A node and what it counts for, aliases within it included.
    private struct Weighed {
        var node: YAMLNode
        var nodes = 1
        var scalarBytes = 0
        /// Lists and maps within each other.
        var height = 0

        mutating func add(_ part: Self) {
            nodes += part.nodes
            scalarBytes += part.scalarBytes
            height = max(height, part.height + 1)
        }
    }

    private enum Anchor {
        /// Its node is being read.
        case open(YAMLMark)
        case closed(Weighed)
    }

    private let limits: YAMLLimits
    private var anchors: [String: Anchor] = [:]
    private var nodes = 0
    private var scalarBytes = 0

    init(_ limits: YAMLLimits) { self.limits = limits }

    /// All documents.
    mutating func documents(_ events: YAMLEvents) throws(YAMLFailure) -> [YAMLNode] {
        var result: [YAMLNode] = []
        while true {
            switch try events.next().kind {
            case .documentStart:
                anchors = [:]
                result.append(try node(try events.next(), events, depth: 0).node)
            case .end:
                return result
            default:
                continue
            }
        }
    }

    private mutating func node(
        _ event: YAMLEvent, _ events: YAMLEvents, depth: Int
    ) throws(YAMLFailure) -> Weighed {
        if case .alias(let name) = event.kind { return try target(name, at: event.mark, depth: depth) }
        if let anchor = event.anchor { anchors[anchor] = .open(event.mark) }
        try count(1, 0, at: event.mark)
        let result: Weighed
        switch event.kind {
        case .scalar(let text, let isPlain):
            try count(0, text.utf8.count, at: event.mark)
            result = Weighed(
                node: YAMLNode(.scalar(text, isPlain: isPlain), tag: event.tag, mark: event.mark),
                scalarBytes: text.utf8.count)
        case .sequenceStart:
            result = try sequence(event, events, depth: depth)
        case .mappingStart:
            result = try mapping(event, events, depth: depth)
        default:
            throw YAMLFailure("a value is expected", at: event.mark)
        }
        if let anchor = event.anchor { anchors[anchor] = .closed(result) }
        return result
    }

    private mutating func sequence(
        _ start: YAMLEvent, _ events: YAMLEvents, depth: Int
    ) throws(YAMLFailure) -> Weighed {
        try checkDepth(depth + 1, at: start.mark)
        var elements: [YAMLNode] = []
        var result = Weighed(node: YAMLNode(.sequence([]), tag: start.tag, mark: start.mark), height: 1)
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { break }
            let element = try node(event, events, depth: depth + 1)
            result.add(element)
            elements.append(element.node)
        }
        result.node.content = .sequence(elements)
        return result
    }

    private mutating func mapping(
        _ start: YAMLEvent, _ events: YAMLEvents, depth: Int
    ) throws(YAMLFailure) -> Weighed {
        try checkDepth(depth + 1, at: start.mark)
        var entries: [YAMLEntry] = []
        var result = Weighed(node: YAMLNode(.mapping([]), tag: start.tag, mark: start.mark), height: 1)
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind { break }
            let key = try node(event, events, depth: depth + 1)
            let value = try node(try events.next(), events, depth: depth + 1)
            result.add(key)
            result.add(value)
            entries.append(YAMLEntry(key: key.node, value: value.node))
        }
        result.node.content = .mapping(entries)
        return result
    }

    private mutating func target(
        _ name: String, at mark: YAMLMark, depth: Int
    ) throws(YAMLFailure) -> Weighed {
        switch anchors[name] {
        case nil:
            throw YAMLFailure("the alias *\(name) has no anchor &\(name) before it", at: mark)
        case .open(let start):
            throw YAMLFailure(
                "the alias *\(name) stands within what it stands for", at: mark, context: "the anchor is there",
                contextMark: start)
        case .closed(let target):
            try checkDepth(depth + target.height, at: mark)
            try count(target.nodes, target.scalarBytes, at: mark, alias: name)
            return target
        }
    }

    private mutating func count(
        _ more: Int, _ bytes: Int, at mark: YAMLMark, alias: String? = nil
    ) throws(YAMLFailure) {
        nodes += more
        scalarBytes += bytes
        guard nodes > limits.nodes || scalarBytes > limits.scalarBytes else { return }
        let what = nodes > limits.nodes ? "\(limits.nodes) values" : "\(limits.scalarBytes) bytes of text"
        let cause = alias.map { "with the alias *\($0) the file comes to" } ?? "the file comes to"
        throw YAMLFailure("\(cause) more than \(what)", kind: .limit, at: mark)
    }

    private func checkDepth(_ depth: Int, at mark: YAMLMark) throws(YAMLFailure) {
        guard depth > limits.depth else { return }
        throw YAMLFailure("lists and maps are more than \(limits.depth) deep in each other", kind: .limit, at: mark)
    }
}
