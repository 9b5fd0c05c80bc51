import Diagnostics
import JSONText
import StackModel

/// Which mounts below a mount pass between host and container, as mount(8) calls it.
public enum Propagation: String, Sendable {
    /// None.
    case `private`
    /// None, and none below.
    case rprivate
    /// Both ways.
    case shared
    /// Both ways, and below.
    case rshared
    /// From the host.
    case slave
    /// From the host, and below.
    case rslave
}

/// Something mounted into the container.
public struct Mount: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A volume at an absolute path of the container.
    ///
    /// - Parameters:
    ///   - volume: a volume of the stack, or `.existing("name")`.
    ///   - target: where it is.
    ///   - readOnly: whether nothing can be written.
    ///   - subpath: the directory of the volume that is mounted; all of it when nil.
    ///   - copies: whether an empty volume gets what the image has at the path; it does unless written.
    public init(
        _ volume: Volume, at target: String, readOnly: Bool = false, subpath: String? = nil, copies: Bool? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        var mount = JSONObject()
        if let node = volume.node {
            mount["source"] = StackReference(address: node.address, attribute: "name").json
        } else {
            mount["source"] = .string(volume.literal)
        }
        if let subpath { mount["subpath"] = .string(subpath) }
        if let copies { mount["copy"] = .bool(copies) }
        if volume.node == nil { mount["mustExist"] = true }
        var element = BlockElement.mount("volume", mount, target, readOnly, fileID, line)
        if let node = volume.node { element.edges = [Edge(node: node, until: .created)] }
        element.requireSubpath(subpath)
        self.element = element
    }

    /// A volume without a name, which ends with the container.
    public init(
        anonymous target: String, readOnly: Bool = false, copies: Bool? = nil, fileID: String = #fileID,
        line: Int = #line
    ) {
        var mount = JSONObject()
        if let copies { mount["copy"] = .bool(copies) }
        element = BlockElement.mount("volume", mount, target, readOnly, fileID, line)
    }

    /// A file or directory of the host at an absolute path of the container.
    ///
    /// - Parameters:
    ///   - source: the file or directory, relative to the stack's folder unless it starts with "/".
    ///   - target: where it is.
    ///   - readOnly: whether nothing can be written.
    ///   - propagation: which mounts below it pass; `.rprivate` unless written.
    ///   - createSource: whether a directory is made where nothing is.
    ///   - recursive: whether what is mounted below it comes with it; it does unless written.
    public init(
        bind source: String, at target: String, readOnly: Bool = false, propagation: Propagation? = nil,
        createSource: Bool? = nil, recursive: Bool? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var mount: JSONObject = ["source": .string(source)]
        if let propagation { mount["propagation"] = .string(propagation.rawValue) }
        if let createSource { mount["createSource"] = .bool(createSource) }
        if let recursive { mount["recursive"] = .bool(recursive) }
        var element = BlockElement.mount("bind", mount, target, readOnly, fileID, line)
        element.problems += pathProblems(source, "bind:")
        self.element = element
    }

    /// An empty file system in memory at an absolute path of the container.
    ///
    /// - Parameters:
    ///   - target: where it is.
    ///   - size: the most it holds; half of the host's memory when nil.
    ///   - mode: its permissions, such as 0o1777.
    ///   - options: further options of mount(8), such as "noexec" or "uid=1000".
    public init(
        tmpfs target: String, readOnly: Bool = false, size: ByteCount? = nil, mode: Int? = nil,
        options: [String] = [], fileID: String = #fileID, line: Int = #line
    ) {
        var mount = JSONObject()
        if let size { mount["size"] = .int(size.bytes) }
        if let mode { mount["mode"] = .int(Int64(mode)) }
        if !options.isEmpty { mount["options"] = .array(options.map { .string($0) }) }
        var element = BlockElement.mount("tmpfs", mount, target, readOnly, fileID, line)
        if let size, size.bytes < 0 { element.problem("SC1106", "\(size) is no size of a file system") }
        if let mode, !(0...0o7777).contains(mode) {
            element.problem("SC1109", "0o\(String(mode, radix: 8)) is no mode", hint: "write 0o1777")
        }
        self.element = element
    }

    /// The files of an image, read-only.
    public init(
        image: Image, at target: String, subpath: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var mount = JSONObject()
        let id = image.node.map { Reference(node: $0, attribute: "id") }
        mount["source"] = id?.json ?? .string(image.literal)
        if let subpath { mount["subpath"] = .string(subpath) }
        var element = BlockElement.mount("image", mount, target, true, fileID, line)
        element.edges = [id?.edge].compactMap(\.self)
        element.requireSubpath(subpath)
        self.element = element
    }
}

/// Mounts all that another container mounts.
public struct VolumesFrom: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// The mounts of a container of the stack.
    public init(_ container: Container, readOnly: Bool = false, fileID: String = #fileID, line: Int = #line) {
        self.init("\(container.name)\(readOnly ? ":ro" : "")", fileID: fileID, line: line)
    }

    /// The mounts of a container as Docker writes it: its name or id, ":ro" if nothing can be written.
    public init(_ source: Text, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("VolumesFrom", fileID, line, changes: [.append(list: "volumesFrom", source.json)])
        element.uses(source)
        if source.json == "" { element.problem("SC1119", "VolumesFrom names no container") }
        self.element = element
    }
}

extension BlockElement {
    fileprivate static func mount(
        _ type: String, _ more: JSONObject, _ target: String, _ readOnly: Bool, _ fileID: String, _ line: Int
    ) -> BlockElement {
        var mount: JSONObject = ["type": .string(type), "target": .string(target), "readOnly": .bool(readOnly)]
        for (key, value) in more { mount[key] = value }
        var element = BlockElement("Mount", fileID, line, changes: [.append(list: "mounts", .object(mount))])
        element.requireAbsolute(target, "the mount target")
        if target == "/" {
            element.problem("SC1108", "a mount cannot replace the root file system", hint: "name a directory below /")
        }
        return element
    }

    fileprivate mutating func requireSubpath(_ path: String?) {
        guard let path, !isPlainRelativePath(path) else { return }
        problem("SC1126", "\"\(path)\" is no path inside the mount", hint: "write a relative path without \"..\"")
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
