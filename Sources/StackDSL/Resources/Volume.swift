import Diagnostics
import JSONText
import StackModel

/// A named volume: data that outlives the containers that mount it.
public struct Volume: Sendable {
    /// Nil for one outside the stack.
    let node: ResourceNode?
    let literal: String

    /// A volume.
    ///
    /// - Parameters:
    ///   - name: its name in the stack.
    ///   - hostName: its name on the host; made of the stack's and its own when nil.
    ///   - driver: "local" is the only one, and the one when nil.
    ///   - options: of the driver: "type", "device" and "o" of what is mounted.
    ///   - owner: whose its directory is, in numbers: "1000" or "1000:1000".
    ///   - content: small files written when the volume is created, by relative path.
    ///   - protect: whether plans that would delete it are refused.
    ///   - labels: free text for tools.
    public init(
        _ name: String, name hostName: String? = nil, driver: String? = nil, options: [String: String] = [:],
        owner: String? = nil, content: [String: Text] = [:], protect: Bool = false, labels: [String: String] = [:],
        fileID: String = #fileID, line: Int = #line
    ) {
        var draft = AttributeDraft()
        checkName(name, "volume", &draft)
        draft.setHostName(hostName, "volume")
        if let driver { draft.set("driver", .string(driver)) }
        if !options.isEmpty { draft.set("options", .object(sorted(options))) }
        if let owner {
            draft.set("owner", .string(owner))
            let parts = owner.split(separator: ":", omittingEmptySubsequences: false)
            if parts.count > 2 || !parts.allSatisfy({ UInt32($0) != nil }) {
                draft.problems.append(
                    Diagnostic(
                        code: "SC1109", summary: "\"\(owner)\" is no owner in numbers",
                        hint: "write \"1000\" or \"1000:1000\""))
            }
        }
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
        literal = name
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

    private init(existing name: String) {
        node = nil
        literal = name
    }

    /// A volume outside the stack, by its name on the host; it must be there.
    public static func existing(_ name: String) -> Volume { Volume(existing: name) }

    /// The volume's name on the host.
    public var name: Reference {
        node.map { Reference(node: $0, attribute: "name") } ?? Reference(literal: literal)
    }

    /// The volume's directory on the host.
    public var path: Reference {
        if let node { return Reference(node: node, attribute: "path") }
        return Reference(
            literal: literal,
            problem: Diagnostic(
                code: "SC1122", summary: "the directory of the volume \"\(literal)\" is not known to the stack",
                hint: "declare it: let volume = Volume(\"\(literal)\")"))
    }
}
