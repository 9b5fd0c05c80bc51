import Diagnostics
import JSONText

extension CreateBody {
    /// Volumes, mounts and the root file system.
    mutating func addFiles() throws(Diagnostic) {
        var binds: [JSONValue] = []
        var anonymous: JSONObject = [:]
        for text in arguments.values(of: CreateOptions.volume) {
            switch try VolumeWord.parse(text, workingDirectory: workingDirectory) {
            case .anonymous(let target): anonymous[target] = [:]
            case .bind(let line): binds.append(.string(line))
            }
        }
        if arguments.isSet(CreateOptions.apiSocket) {
            binds.append("/var/run/docker.sock:/var/run/docker.sock")
        }
        if !binds.isEmpty { setHost("Binds", .array(binds)) }
        if !anonymous.isEmpty { set("Volumes", .object(anonymous)) }
        let mounts = try arguments.values(of: CreateOptions.mount) { text throws(Reason) in
            try MountWords.parse(text, workingDirectory: workingDirectory)
        }
        if !mounts.isEmpty { setHost("Mounts", .array(mounts)) }
        let memory = arguments.values(of: CreateOptions.tmpfs).map { text in
            let (target, options) = CommaSeparated.cut(text, at: ":")
            return (target, JSONValue.string(options ?? ""))
        }
        if !memory.isEmpty { setHost("Tmpfs", .object(JSONObject(memory))) }
        setHost("VolumesFrom", texts(CreateOptions.volumesFrom))
        setHost("VolumeDriver", text(CreateOptions.volumeDriver))
        setHost("ReadonlyRootfs", flag(CreateOptions.readOnly))
        let storage = arguments.values(of: CreateOptions.storage)
        guard storage.allSatisfy({ $0.contains("=") }) else {
            throw FlagProblem.sentence("invalid storage option", hint: "write --storage-opt size=10G")
        }
        setHost("StorageOpt", CreateBody.object(storage))
        setHost(
            "ShmSize",
            try arguments.value(of: CreateOptions.shmSize) { text throws(Reason) in .int(try GoText.bytes(text)) })
    }
}

/// What follows `-v`: `[source:]target[:options]`.
enum VolumeWord: Equatable {
    /// A volume without a name, at this place.
    case anonymous(String)
    /// A line for `HostConfig.Binds`.
    case bind(String)

    static func parse(_ text: String, workingDirectory: String) throws(Diagnostic) -> VolumeWord {
        guard !text.isEmpty else { throw FlagProblem.sentence("invalid empty volume spec") }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        func refusal(_ why: String) -> Diagnostic {
            FlagProblem.sentence(
                "invalid spec: \(text): \(why)", hint: "write -v NAME:/DIR, -v /PATH:/DIR or -v ./PATH:/DIR")
        }
        guard !parts.contains("") else { throw refusal("empty section between colons") }
        // An identity mapping has a colon of its own.
        guard parts.count <= 3 || parts[2].contains("idmap=") else { throw refusal("too many colons") }
        guard parts.count > 1, let source = parts.first else { return .anonymous(text) }
        guard source.hasPrefix(".") else { return .bind(text) }
        let rest = parts.dropFirst().joined(separator: ":")
        return .bind("\(LocalPath.absolute(source, in: workingDirectory)):\(rest)")
    }
}

/// What follows `--mount`, as the API has it.
enum MountWords {
    static func parse(_ text: String, workingDirectory: String) throws(Reason) -> JSONValue {
        guard text.contains(where: { !$0.isWhitespace }) else { throw Reason("value is empty") }
        var mount = Mount()
        for field in try CommaSeparated.fields(text) {
            let (name, value) = CommaSeparated.cut(field)
            guard name == trimmed(name) else {
                throw Reason("invalid option '\(trimmed(name))' in '\(field)': option should not have whitespace")
            }
            if let value {
                guard !trimmed(value).isEmpty else { throw Reason("invalid value for '\(name)': value is empty") }
                guard trimmed(value) == value else {
                    throw Reason("invalid value for '\(name)' in '\(field)': value should not have whitespace")
                }
            }
            try mount.take(name.lowercased(), value, field: field, workingDirectory: workingDirectory)
        }
        try mount.check()
        return mount.json
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    private struct Mount {
        var kind = "volume"
        var members: JSONObject = [:]
        /// `bind`, `volume`, `image` and `tmpfs`, each with its own options.
        var options: [String: JSONObject] = [:]
        var driver: JSONObject = [:]

        var isReadOnly: Bool { members["ReadOnly"]?.boolValue ?? false }

        mutating func take(
            _ key: String, _ value: String?, field: String, workingDirectory: String
        ) throws(Reason) {
            let flags = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"]
            guard value != nil || flags.contains(key) else {
                throw Reason("invalid field '\(field)' must be a key=value pair")
            }
            let text = value ?? ""
            switch key {
            case "type": kind = text.lowercased()
            case "source", "src":
                members["Source"] = .string(
                    text.hasPrefix(".") ? LocalPath.absolute(text, in: workingDirectory) : text)
            case "target", "dst", "destination": members["Target"] = .string(text)
            case "readonly", "ro": members["ReadOnly"] = .bool(try truth(key, value))
            case "consistency": members["Consistency"] = .string(text.lowercased())
            default:
                guard let dash = key.firstIndex(of: "-"),
                    try takeOption(String(key[..<dash]), String(key[key.index(after: dash)...]), value)
                else { throw Reason("unknown option '\(key)' in '\(field)'", hint: MountWords.hint(for: key)) }
            }
        }

        private mutating func takeOption(_ group: String, _ key: String, _ value: String?) throws(Reason) -> Bool {
            let text = value ?? ""
            switch (group, key) {
            case ("bind", "propagation"): options["bind", default: [:]]["Propagation"] = .string(text.lowercased())
            case ("bind", "nonrecursive"):
                throw Reason("bind-nonrecursive is deprecated, use bind-recursive=disabled instead")
            case ("bind", "recursive"): try takeRecursion(text)
            case ("bind", "create-src"), ("bind", "create-host-path"):
                options["bind", default: [:]]["CreateMountpoint"] = .bool(try truth("\(group)-\(key)", value))
            case ("volume", "subpath"), ("image", "subpath"): options[group, default: [:]]["Subpath"] = .string(text)
            case ("volume", "nocopy"):
                options["volume", default: [:]]["NoCopy"] = .bool(try truth("volume-nocopy", value))
            case ("volume", "label"): MountWords.add(text, to: "Labels", of: &options["volume", default: [:]])
            case ("volume", "driver"):
                options["volume", default: [:]] = options["volume"] ?? [:]
                driver["Name"] = .string(text)
            case ("volume", "opt"):
                options["volume", default: [:]] = options["volume"] ?? [:]
                MountWords.add(text, to: "Options", of: &driver)
            case ("tmpfs", "size"):
                guard let bytes = try? GoText.bytes(text) else {
                    throw Reason("invalid value for tmpfs-size: \(text)")
                }
                options["tmpfs", default: [:]]["SizeBytes"] = .int(bytes)
            case ("tmpfs", "mode"):
                guard let mode = UInt32(text, radix: 8) else { throw Reason("invalid value for tmpfs-mode: \(text)") }
                options["tmpfs", default: [:]]["Mode"] = .int(Int64(mode))
            default: return false
            }
            return true
        }

        private mutating func takeRecursion(_ text: String) throws(Reason) {
            let key: String
            switch text {
            case "enabled": return
            case "disabled": key = "NonRecursive"
            case "writable": key = "ReadOnlyNonRecursive"
            case "readonly": key = "ReadOnlyForceRecursive"
            default:
                throw Reason(
                    "invalid value for bind-recursive: \(text) "
                        + "(must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")")
            }
            options["bind", default: [:]][key] = true
        }

        private func truth(_ key: String, _ value: String?) throws(Reason) -> Bool {
            switch value {
            case nil, "1", "true": return true
            case "0", "false": return false
            case let text?:
                throw Reason(
                    "invalid value for '\(key)': invalid boolean value (\(FlagProblem.quoted(text))): must be one of "
                        + "\"true\", \"1\", \"false\", or \"0\" (default \"true\")")
            }
        }

        func check() throws(Reason) {
            guard !kind.isEmpty else { throw Reason("type is required") }
            for group in ["bind", "volume", "image", "tmpfs"] where group != kind && options[group] != nil {
                throw Reason("cannot mix '\(group)-*' options with mount type '\(kind)'")
            }
            guard let bind = options["bind"] else { return }
            func needs(_ key: String, _ value: String, _ other: String) -> Reason {
                Reason("option 'bind-recursive=\(value)' requires '\(other)' to be specified in conjunction")
            }
            if bind["ReadOnlyNonRecursive"] != nil, !isReadOnly { throw needs("", "writable", "readonly") }
            if bind["ReadOnlyForceRecursive"] != nil {
                guard isReadOnly else { throw needs("", "readonly", "readonly") }
                guard bind["Propagation"] == "rprivate" else {
                    throw needs("", "readonly", "bind-propagation=rprivate")
                }
            }
        }

        var json: JSONValue {
            var object: JSONObject = ["Type": .string(kind)]
            for (key, value) in members { object[key] = value }
            let names = [
                "bind": "BindOptions", "volume": "VolumeOptions", "image": "ImageOptions", "tmpfs": "TmpfsOptions",
            ]
            for (group, members) in options.sorted(by: { $0.key < $1.key }) {
                var members = members
                if group == "volume", !driver.isEmpty { members["DriverConfig"] = .object(driver) }
                if let name = names[group] { object[name] = .object(members) }
            }
            return .object(object)
        }
    }

    private static func add(_ text: String, to key: String, of object: inout JSONObject) {
        let (name, value) = CommaSeparated.cut(text)
        guard !name.isEmpty else { return }
        var members = object[key]?.objectValue ?? [:]
        members[name] = .string(value ?? "")
        object[key] = .object(members)
    }

    private static func hint(for key: String) -> String? {
        let known = [
            "type", "source", "target", "readonly", "bind-propagation", "bind-recursive", "bind-create-src",
            "volume-subpath", "volume-nocopy", "volume-label", "volume-driver", "volume-opt", "image-subpath",
            "tmpfs-size", "tmpfs-mode",
        ]
        return nearest(key, among: known).map { "did you mean `\($0)`?" }
    }
}

/// Paths of the caller.
enum LocalPath {
    /// The path from the root, without `.`, `..` and repeated slashes.
    static func absolute(_ path: String, in directory: String) -> String {
        clean(path.hasPrefix("/") ? path : directory + "/" + path)
    }

    /// An absolute path without `.`, `..` and repeated slashes.
    static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}
