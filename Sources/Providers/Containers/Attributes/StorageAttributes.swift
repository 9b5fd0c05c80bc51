import Diagnostics
import Engine
import JSONText

/// What a container has of files beside its image's.
enum StorageAttributes {
    static let all: [ContainerAttribute] = [
        ContainerAttribute(
            "mounts", .recreate,
            read: { reader, _ in
                reader.objects("mounts", order: { $0["target"]?.stringValue ?? "" }) { (mount) throws(DiagnosticList) in
                    try MountSpecification.normalize(mount)
                }
                var targets: Set<String> = []
                for target in (reader["mounts"]?.arrayValue ?? []).compactMap({ $0["target"]?.stringValue }) {
                    guard !targets.insert(MountSpecification.cleaned(target)).inserted else { continue }
                    reader.refuse("two things are to be mounted at \(target)")
                }
            },
            write: { value, specification in
                specification.mounts = (value?.arrayValue ?? []).compactMap { MountSpecification(attributes: $0) }
            },
            see: { sight, asked in sight.mounts(asked) }),
        files,
        .texts("volumesFrom", \.volumesFrom, .recreate),
        ContainerAttribute(
            "shmSize", .restart,
            read: { reader, _ in
                reader.integer("shmSize", in: 0...Int64.max)
                if reader["shmSize"] == 0 { reader["shmSize"] = nil }
            },
            write: { $1.sharedMemoryBytes = $0?.intValue ?? ContainerSpecification().sharedMemoryBytes },
            see: { sight, _ in .int(sight.specification.sharedMemoryBytes) }),
        .wish("storageOptions", .recreate) { reader, _ in
            reader.dictionary("storageOptions")
            guard let options = reader["storageOptions"]?.objectValue else { return }
            reader["storageOptions"] = nil
            guard !options.isEmpty else { return }
            reader.refuse(
                "storageOptions: this engine has no quota for the root of a container",
                hint: "limit what grows with a volume or a tmpfs of its own")
        },
    ]
}

/// Files that a container gets in memory: secrets and configurations.
extension StorageAttributes {
    private static let files = ContainerAttribute(
        "files", .restart,
        read: { reader, norms in
            reader.objects("files", order: { $0["target"]?.stringValue ?? "" }) { (file) throws(DiagnosticList) in
                try FileSpecification.normalize(file, norms)
            }
            if reader["files"] == [] { reader["files"] = nil }
            var targets = Set((reader["mounts"]?.arrayValue ?? []).compactMap { $0["target"]?.stringValue })
            for target in (reader["files"]?.arrayValue ?? []).compactMap({ $0["target"]?.stringValue }) {
                guard !targets.insert(target).inserted else { continue }
                reader.refuse("two things are to be mounted at \(target)")
            }
        },
        write: { value, specification in
            specification.files = (value?.arrayValue ?? []).compactMap { FileSpecification(attributes: $0) }
        },
        see: { sight, _ in
            let files = sight.specification.files
            return files.isEmpty ? nil : .array(files.map { .object($0.attributes) })
        })
}

extension FileSpecification {
    private static let contents = ["source", "content", "sealed"]

    fileprivate static func normalize(
        _ attributes: JSONObject, _ norms: ContainerNorms
    ) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text(
            "target", { $0.hasPrefix("/") && $0 != "/" ? MountSpecification.cleaned($0) : nil },
            expected: "an absolute path")
        reader.require("target", "an absolute path")
        for key in ["uid", "gid"] {
            reader.integer(key, in: 0...Int64(UInt32.max) - 1)
            reader.fill(key, 0)
        }
        reader.text("mode", Self.mode, expected: "permission bits such as \"0444\"")
        reader.fill("mode", "0444")
        reader.text("source", { $0.hasPrefix("/") ? $0 : nil }, expected: "an absolute path of the host")
        reader.text("content")
        reader.text(
            "sealed", { $0.hasPrefix(SealedTexts.prefix) ? $0 : nil }, expected: "a text that the daemon has sealed")
        if contents.filter({ reader[$0] != nil }).count != 1 {
            reader.refuse("a file needs one of source, content and sealed")
        }
        let source = reader["source"]?.stringValue
        // What is read now: a change of the file is a change of the container.
        var normal = try reader.finished(known: ["target", "uid", "gid", "mode", "digest"] + contents)
        if let source { normal["digest"] = norms.digest(source).map { .string($0) } }
        return normal
    }

    private static func mode(_ text: String) -> String? {
        guard let bits = UInt32(text, radix: 8), bits <= 0o7777 else { return nil }
        let digits = String(bits, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    fileprivate init?(attributes: JSONValue) {
        guard let target = attributes["target"]?.stringValue else { return nil }
        let content: Content
        if let path = attributes["source"]?.stringValue {
            content = .source(path)
        } else if let sealed = attributes["sealed"]?.stringValue {
            content = .sealed(sealed)
        } else if let text = attributes["content"]?.stringValue {
            content = .text(text)
        } else {
            return nil
        }
        self.init(
            content, target: target, user: UInt32(clamping: attributes["uid"]?.intValue ?? 0),
            group: UInt32(clamping: attributes["gid"]?.intValue ?? 0),
            mode: attributes["mode"]?.stringValue.flatMap { UInt32($0, radix: 8) } ?? 0o444)
        digest = attributes["digest"]?.stringValue ?? ""
    }

    fileprivate var attributes: JSONObject {
        let digits = String(mode, radix: 8)
        var object: JSONObject = [
            "target": .string(target), "uid": .int(Int64(user)), "gid": .int(Int64(group)),
            "mode": .string(String(repeating: "0", count: max(0, 4 - digits.count)) + digits),
        ]
        switch content {
        case .source(let path): object["source"] = .string(path)
        case .text(let text): object["content"] = .string(text)
        case .sealed(let text): object["sealed"] = .string(text)
        }
        if !digest.isEmpty { object["digest"] = .string(digest) }
        return object
    }
}

extension MountSpecification: AttributeElement {
    private static let known = [
        "type", "source", "target", "readOnly", "propagation", "createSource", "recursive", "copy", "subpath", "size",
        "mode", "options", "mustExist",
    ]

    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("type", { Kind(rawValue: $0)?.rawValue }, expected: "volume, bind, tmpfs or image")
        reader.require("type", "volume, bind, tmpfs or image")
        reader.text("source")
        reader.text("target", { $0.hasPrefix("/") ? $0 : nil }, expected: "an absolute path")
        reader.require("target", "an absolute path")
        reader.flag("readOnly")
        reader.fill("readOnly", .bool(attributes["type"] == "image"))
        reader.text("propagation")
        reader.text("subpath")
        for key in ["source", "propagation", "subpath"] where reader[key] == "" { reader[key] = nil }
        for (key, usual) in [("createSource", false), ("recursive", true), ("copy", true), ("mustExist", false)] {
            reader.flag(key)
            if reader[key] == .bool(usual) { reader[key] = nil }
        }
        reader.integer("size", in: 0...Int64.max)
        if reader["size"] == 0 { reader["size"] = nil }
        reader.integer("mode", in: 0...0o7777)
        reader.texts("options")
        let normal = try reader.finished(known: known)
        if let mount = MountSpecification(attributes: .object(normal)), !AttributeReader.isUnknown(.object(normal)) {
            try mount.judge()
        }
        return normal
    }

    private func judge() throws(DiagnosticList) {
        var mount = self
        do throws(EngineError) {
            try mount.validate()
        } catch {
            throw DiagnosticList(Diagnostic(code: "SC5140", summary: error.message))
        }
    }

    init?(attributes: JSONValue) {
        guard let kind = attributes["type"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let target = attributes["target"]?.stringValue
        else { return nil }
        self.init(
            kind, source: attributes["source"]?.stringValue ?? "", target: target,
            readOnly: attributes["readOnly"]?.boolValue ?? false)
        propagation = attributes["propagation"]?.stringValue ?? ""
        createsSource = attributes["createSource"]?.boolValue ?? false
        isRecursive = attributes["recursive"]?.boolValue ?? true
        copiesImageContent = attributes["copy"]?.boolValue ?? true
        subpath = attributes["subpath"]?.stringValue ?? ""
        if let size = attributes["size"]?.intValue { tmpfsOptions.append("size=\(size)") }
        if let mode = attributes["mode"]?.intValue { tmpfsOptions.append("mode=\(String(mode, radix: 8))") }
        tmpfsOptions += attributes["options"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    /// One element of the attribute `mounts`; a volume made for the container alone has no source.
    var attributes: JSONObject {
        var object: JSONObject = ["type": .string(kind.rawValue)]
        if !source.isEmpty, !isAnonymous { object["source"] = .string(source) }
        object["target"] = .string(target)
        object["readOnly"] = .bool(readOnly)
        if !propagation.isEmpty { object["propagation"] = .string(propagation) }
        if createsSource { object["createSource"] = true }
        if !isRecursive { object["recursive"] = false }
        if !copiesImageContent { object["copy"] = false }
        if !subpath.isEmpty { object["subpath"] = .string(subpath) }
        var others: [String] = []
        for word in tmpfsOptions {
            let sides = word.split(separator: "=", maxSplits: 1)
            if sides.first == "size", let size = sides.last.flatMap({ Int64($0) }), object["size"] == nil {
                object["size"] = .int(size)
            } else if sides.first == "mode", let mode = sides.last.flatMap({ Int64($0, radix: 8) }),
                object["mode"] == nil
            {
                object["mode"] = .int(mode)
            } else {
                others.append(word)
            }
        }
        if !others.isEmpty { object["options"] = .strings(others) }
        return object
    }
}
