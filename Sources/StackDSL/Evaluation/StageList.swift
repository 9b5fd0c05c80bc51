import Diagnostics
import JSONText

/// The stages of an image, those that are used before those that use them, and what is wrong with them.
struct StageList {
    private(set) var json: [JSONValue] = []
    /// The place of each step, by its path in the image's attributes.
    private(set) var locations: [String: SourceLocation] = [:]
    /// Images that stages begin with or take files of, by the names that steps have for them.
    private(set) var images: [String: JSONValue] = [:]
    /// Images of the stack that must be there first.
    private(set) var edges: [Edge] = []
    private(set) var problems: [Diagnostic] = []
    private let location: SourceLocation
    private var names: [String: StageNode] = [:]

    /// - Parameter location: that of the image.
    init(_ location: SourceLocation) { self.location = location }

    /// Adds a stage behind those it uses.
    ///
    /// - Parameter node: nil for the image itself, which is the last one.
    mutating func add(_ node: StageNode?, _ elements: [StepElement]) {
        for used in elements.flatMap(\.stages) { add(used) }
        check(elements, node?.location ?? location, node.map { "the stage \"\($0.name)\"" } ?? "the image")
        var steps: [JSONValue] = []
        for element in elements {
            problems += element.problems.map { problem in
                var located = problem
                located.location = problem.location ?? element.location
                return located
            }
            images.merge(element.images) { first, _ in first }
            edges += element.edges
            for step in element.steps {
                locations["from.stages[\(json.count)].steps[\(steps.count)]"] = element.location
                steps.append(.object(step))
            }
        }
        var stage = JSONObject()
        if let node { stage["name"] = .string(node.name) }
        stage["steps"] = .array(steps)
        json.append(.object(stage))
    }

    private mutating func add(_ node: StageNode) {
        if let known = names[node.name] {
            guard known !== node else { return }
            problems.append(
                Diagnostic(
                    code: "SC1130", summary: "two stages are called \"\(node.name)\"",
                    detail: "The other one is at \(known.location).", hint: "give one another name",
                    location: node.location))
            return
        }
        names[node.name] = node
        if !Self.isName(node.name) {
            problems.append(
                Diagnostic(
                    code: "SC1109", summary: "\"\(node.name)\" is no name for a stage",
                    hint: "use lower-case letters, digits, '-', '_' and '.', starting with a letter",
                    location: node.location))
        }
        add(node, node.elements)
    }

    private mutating func check(_ elements: [StepElement], _ location: SourceLocation, _ what: String) {
        guard elements.first?.name == "From" else {
            problems.append(
                Diagnostic(
                    code: "SC1131", summary: "\(what) does not begin with From",
                    hint: "write From(\"debian:12\"), From(stage) or From(\"scratch\") as its first step",
                    location: elements.first?.location ?? location))
            return
        }
        for element in elements.dropFirst() where element.name == "From" {
            problems.append(
                Diagnostic(
                    code: "SC1131", summary: "\(what) begins twice",
                    hint: "declare a stage: let build = Stage(\"build\") { From(...); ... }",
                    location: element.location))
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return name.utf8.count <= 128 && name != "scratch" && name != "context"
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
            }
    }
}
