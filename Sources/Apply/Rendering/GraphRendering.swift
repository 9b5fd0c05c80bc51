import Diagnostics
import StackModel

/// Writes a stack's dependencies as a picture's source.
///
/// Pure.
package struct GraphRendering: Sendable {
    private let graph: DependencyGraph
    private let name: String

    /// - Throws: what is wrong with the document's graph: a circle, an edge that leads nowhere.
    package init(_ document: StackDocument) throws(DiagnosticList) {
        graph = try DependencyGraph(document.resources)
        name = document.name
    }

    /// Graphviz source: what is made first is on the left.
    package func dot() -> String {
        var lines = ["digraph \(quoted(name)) {", "    rankdir=LR;", "    node [shape=box];"]
        for resource in graph.resources {
            let address = resource.address
            lines.append("    \(quoted(address.description)) [shape=\(Self.shape(address.kind))];")
        }
        for (position, edges) in graph.edges.enumerated() {
            let target = quoted(graph.resources[position].address.description)
            for edge in edges {
                let source = quoted(graph.resources[edge.target].address.description)
                let label = edge.until == .created ? "" : " [label=\(quoted(edge.until.rawValue))]"
                lines.append("    \(source) -> \(target)\(label);")
            }
        }
        return (lines + ["}"]).joined(separator: "\n")
    }

    /// Mermaid source: what is made first is on the left.
    package func mermaid() -> String {
        var lines = ["flowchart LR"]
        for (position, resource) in graph.resources.enumerated() {
            let text = Self.mermaidText(resource.address.description)
            switch resource.address.kind {
            case .volume: lines.append("    r\(position)[(\"\(text)\")]")
            case .network: lines.append("    r\(position)([\"\(text)\"])")
            case .image: lines.append("    r\(position)[[\"\(text)\"]]")
            case .container: lines.append("    r\(position)[\"\(text)\"]")
            }
        }
        for (position, edges) in graph.edges.enumerated() {
            for edge in edges {
                let arrow = edge.until == .created ? "-->" : "-- \(edge.until.rawValue) -->"
                lines.append("    r\(edge.target) \(arrow) r\(position)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func shape(_ kind: ResourceKind) -> String {
        switch kind {
        case .image: "component"
        case .network: "ellipse"
        case .volume: "cylinder"
        case .container: "box"
        }
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for character in TerminalText.line(text) {
            if character == "\"" || character == "\\" { result += "\\" }
            result.append(character)
        }
        return result + "\""
    }

    private static func mermaidText(_ text: String) -> String {
        TerminalText.line(text).map { $0 == "\"" ? "#quot;" : String($0) }.joined()
    }
}
