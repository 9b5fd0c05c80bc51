import JSONText
import StackModel

/// Something mounted into the container.
public struct Mount: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A volume at an absolute path of the container.
    public init(
        _ volume: Volume, at target: String, readOnly: Bool = false, fileID: String = #fileID, line: Int = #line
    ) {
        let source = StackReference(address: volume.node.address, attribute: "name").json
        var element = BlockElement.mount("volume", source, target, readOnly, fileID, line)
        element.edges = [Edge(node: volume.node, until: .created)]
        self.element = element
    }

    /// A file or directory of the host at an absolute path of the container.
    ///
    /// `source` is relative to the stack's folder unless it starts with "/".
    public init(
        bind source: String, at target: String, readOnly: Bool = false, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement.mount("bind", .string(source), target, readOnly, fileID, line)
        element.problems += pathProblems(source, "bind:")
        self.element = element
    }

    /// An empty file system in memory at an absolute path of the container.
    public init(tmpfs target: String, fileID: String = #fileID, line: Int = #line) {
        element = BlockElement.mount("tmpfs", nil, target, false, fileID, line)
    }
}

extension BlockElement {
    fileprivate static func mount(
        _ type: String, _ source: JSONValue?, _ target: String, _ readOnly: Bool, _ fileID: String, _ line: Int
    ) -> BlockElement {
        var mount: JSONObject = ["type": .string(type)]
        if let source { mount["source"] = source }
        mount["target"] = .string(target)
        mount["readOnly"] = .bool(readOnly)
        var element = BlockElement("Mount", fileID, line, changes: [.append(list: "mounts", .object(mount))])
        element.requireAbsolute(target, "the mount target")
        if target == "/" {
            element.problem("SC1108", "a mount cannot replace the root file system", hint: "name a directory below /")
        }
        return element
    }

    /// Reports a path of the container that is relative or leads upwards.
    mutating func requireAbsolute(_ path: String, _ what: String) {
        guard path.hasPrefix("/") else {
            problem("SC1108", "\(what) \"\(path)\" is not absolute", hint: "write \"/\(path)\"")
            return
        }
        if path.split(separator: "/").contains("..") {
            problem("SC1108", "\(what) \"\(path)\" leads upwards", hint: "write it without \"..\"")
        }
    }
}
