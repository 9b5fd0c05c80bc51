import Diagnostics
import JSONText
import StackModel

/// The attributes of one resource while its block is read, with the place of each.
struct AttributeDraft: Sendable {
    var attributes: JSONObject = [:]
    var locations: [String: SourceLocation] = [:]
    var edges: [Edge] = []
    var problems: [Diagnostic] = []

    /// Sets an attribute from the initialiser of the resource.
    mutating func set(_ key: String, _ value: JSONValue) { attributes[key] = value }

    /// Applies the elements of a block in order.
    mutating func apply(_ elements: [BlockElement]) {
        for element in elements {
            edges += element.edges.map { edge in
                var located = edge
                located.location = edge.location ?? element.location
                return located
            }
            problems += element.problems.map { problem in
                var located = problem
                located.location = problem.location ?? element.location
                return located
            }
            for change in element.changes { apply(change, from: element) }
        }
    }

    private mutating func apply(_ change: BlockElement.Change, from element: BlockElement) {
        switch change {
        case .set(let key, let value):
            guard claim(key, element) else { return }
            attributes[key] = value
        case .insert(let map, let key, let value):
            guard claim("\(map).\(key)", element) else { return }
            var members = attributes[map]?.objectValue ?? [:]
            members[key] = value
            attributes[map] = .object(members)
        case .append(let list, let value):
            var elements = attributes[list]?.arrayValue ?? []
            locations["\(list)[\(elements.count)]"] = element.location
            elements.append(value)
            attributes[list] = .array(elements)
        case .extend(let map, let list, let value):
            var members = attributes[map]?.objectValue ?? [:]
            var elements = members[list]?.arrayValue ?? []
            locations["\(map).\(list)[\(elements.count)]"] = element.location
            elements.append(value)
            members[list] = .array(elements)
            attributes[map] = .object(members)
        }
    }

    /// Notes the place of an attribute; a second claim is the author's mistake.
    private mutating func claim(_ path: String, _ element: BlockElement) -> Bool {
        if let earlier = locations[path] {
            problems.append(
                Diagnostic(
                    code: "SC1115", summary: "\(element.name) is written twice for \(path)",
                    detail: "The first one is at \(earlier).", hint: "keep one of them", location: element.location))
            return false
        }
        locations[path] = element.location
        return true
    }
}

/// One element of a resource's block: what it changes, refers to, and what is wrong with it.
public struct BlockElement: Sendable {
    enum Change: Sendable {
        /// A single attribute.
        case set(String, JSONValue)
        /// A member of an attribute that is an object.
        case insert(map: String, key: String, JSONValue)
        /// An element of an attribute that is a list.
        case append(list: String, JSONValue)
        /// An element of a list that is a member of an attribute.
        case extend(map: String, list: String, JSONValue)
    }

    /// The element's type as the author writes it.
    let name: String
    let location: SourceLocation
    var changes: [Change]
    var edges: [Edge] = []
    var problems: [Diagnostic] = []

    init(_ name: String, _ fileID: String, _ line: Int, changes: [Change] = []) {
        self.name = name
        location = SourceLocation(fileID: fileID, line: line)
        self.changes = changes
    }

    /// Takes over what a text refers to, and what is wrong with it.
    mutating func uses(_ text: Text) {
        edges += text.edges
        problems += text.problems
    }

    mutating func problem(_ code: String, _ summary: String, detail: String? = nil, hint: String? = nil) {
        problems.append(Diagnostic(code: code, summary: summary, detail: detail, hint: hint, location: location))
    }
}

extension SourceLocation {
    /// A place from `#fileID` and `#line`; the module's name is not the author's business.
    init(fileID: String, line: Int) {
        let file = fileID.lastIndex(of: "/").map { String(fileID[fileID.index(after: $0)...]) } ?? fileID
        self.init(file: file, line: line)
    }
}
