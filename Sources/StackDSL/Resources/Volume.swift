import Diagnostics
import JSONText
import StackModel

/// A named volume: data that outlives the containers that mount it.
public struct Volume: Sendable {
    let node: ResourceNode

    /// A volume.
    ///
    /// - Parameters:
    ///   - name: its name in the stack.
    ///   - content: small files written when the volume is created, by relative path.
    ///   - protect: whether plans that would delete it are refused.
    ///   - labels: free text for tools.
    public init(
        _ name: String, content: [String: Text] = [:], protect: Bool = false, labels: [String: String] = [:],
        fileID: String = #fileID, line: Int = #line
    ) {
        var draft = AttributeDraft()
        checkName(name, "volume", &draft)
        var files = JSONObject()
        for (path, text) in content.sorted(by: { $0.key < $1.key }) {
            if !isPlainRelativePath(path) {
                draft.problems.append(
                    Diagnostic(
                        code: "SC1126", summary: "\"\(path)\" is no path inside the volume",
                        hint: "write a relative path without \"..\", such as \"index.html\""))
            }
            files[path] = text.json
            draft.edges += text.edges.map { Edge(node: $0.node, until: .created) }
            draft.problems += text.problems
        }
        if !files.isEmpty { draft.set("content", .object(files)) }
        setLabels(labels, &draft)
        node = ResourceNode(
            kind: .volume, name: name, location: SourceLocation(fileID: fileID, line: line), protect: protect,
            draft: draft)
    }

    /// A volume with files from variables of type `String`.
    @_disfavoredOverload
    public init(
        _ name: String, content: [String: some StringProtocol], protect: Bool = false, labels: [String: String] = [:],
        fileID: String = #fileID, line: Int = #line
    ) {
        self.init(
            name, content: content.mapValues { Text(String($0)) }, protect: protect, labels: labels, fileID: fileID,
            line: line)
    }

    /// The volume's name on the host.
    public var name: Reference { Reference(node: node, attribute: "name") }

    /// The volume's directory on the host.
    public var path: Reference { Reference(node: node, attribute: "path") }
}
