import JSONText

/// A secret as a file of the container, in memory and read-only.
public struct SecretFile: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A file of the host, read at each start.
    ///
    /// - Parameters:
    ///   - target: its name below /run/secrets, or an absolute path.
    ///   - source: the file, relative to the stack's folder unless it starts with "/".
    ///   - uid: its owner; 0 when nil.
    ///   - gid: its group; 0 when nil.
    ///   - mode: its permissions; "0444" when nil.
    public init(
        _ target: String, source: String, uid: Int? = nil, gid: Int? = nil, mode: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = .file("SecretFile", "/run/secrets/", target, .source(source), uid, gid, mode, fileID, line)
    }

    /// Text that stands in the manifest.
    public init(
        _ target: String, content: Text, uid: Int? = nil, gid: Int? = nil, mode: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = .file("SecretFile", "/run/secrets/", target, .content(content), uid, gid, mode, fileID, line)
    }

    /// Text that the daemon sealed; only that daemon can read it.
    public init(
        _ target: String, sealed: String, uid: Int? = nil, gid: Int? = nil, mode: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = .file("SecretFile", "/run/secrets/", target, .sealed(sealed), uid, gid, mode, fileID, line)
    }
}

/// Configuration as a file of the container, in memory and read-only.
public struct ConfigFile: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A file of the host, read at each start.
    ///
    /// - Parameters:
    ///   - target: its path; a name is below "/".
    ///   - source: the file, relative to the stack's folder unless it starts with "/".
    ///   - uid: its owner; 0 when nil.
    ///   - gid: its group; 0 when nil.
    ///   - mode: its permissions; "0444" when nil.
    public init(
        _ target: String, source: String, uid: Int? = nil, gid: Int? = nil, mode: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = .file("ConfigFile", "/", target, .source(source), uid, gid, mode, fileID, line)
    }

    /// Text that stands in the manifest.
    public init(
        _ target: String, content: Text, uid: Int? = nil, gid: Int? = nil, mode: String? = nil,
        fileID: String = #fileID, line: Int = #line
    ) {
        element = .file("ConfigFile", "/", target, .content(content), uid, gid, mode, fileID, line)
    }
}

private enum FileOrigin {
    case source(String)
    case content(Text)
    case sealed(String)
}

extension BlockElement {
    fileprivate static func file(
        _ name: String, _ directory: String, _ target: String, _ origin: FileOrigin, _ uid: Int?, _ gid: Int?,
        _ mode: String?, _ fileID: String, _ line: Int
    ) -> BlockElement {
        let path = target.hasPrefix("/") ? target : directory + target
        var file: JSONObject = ["target": .string(path)]
        if let uid { file["uid"] = .int(Int64(uid)) }
        if let gid { file["gid"] = .int(Int64(gid)) }
        if let mode { file["mode"] = .string(mode) }
        switch origin {
        case .source(let source): file["source"] = .string(source)
        case .content(let text): file["content"] = text.json
        case .sealed(let text): file["sealed"] = .string(text)
        }
        var element = BlockElement(name, fileID, line, changes: [.append(list: "files", .object(file))])
        switch origin {
        case .source(let source): element.problems += pathProblems(source, "source:")
        case .content(let text): element.uses(text)
        case .sealed: break
        }
        element.requireAbsolute(path, "the file")
        if target.isEmpty || target.hasSuffix("/") { element.problem("SC1108", "\(name) needs the name of a file") }
        for id in [uid, gid].compactMap(\.self) where !(0...4_294_967_294).contains(id) {
            element.problem("SC1109", "\(id) is no number of a user or group")
        }
        if let mode, Int(mode, radix: 8).map({ (0...0o7777).contains($0) }) != true {
            element.problem("SC1109", "\"\(mode)\" is no mode of a file", hint: "write \"0440\"")
        }
        return element
    }
}
