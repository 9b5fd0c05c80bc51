import JSONText

extension MountSpecification {
    /// Reads `-v` notation: `[source:]target[:options]`.
    init(bind text: String) throws(EngineError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard (1...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw EngineError(.invalid, "invalid volume specification: '\(text)'")
        }
        let source = parts.count == 1 ? "" : parts[0]
        let isPath = source.hasPrefix("/")
        self.init(isPath ? .bind : .volume, source: source, target: parts.count == 1 ? parts[0] : parts[1])
        createsSource = isPath
        for option in parts.count == 3 ? parts[2].split(separator: ",") : [] {
            switch option {
            case "ro": readOnly = true
            case "nocopy": copiesImageContent = false
            case "rw", "z", "Z", "copy", "cached", "delegated", "consistent", "rprivate", "private": break
            case "rslave", "slave", "rshared", "shared":
                throw EngineError(
                    .notImplemented, "mount propagation \(option) in '\(text)' is not supported by this engine")
            default: throw EngineError(.invalid, "invalid mode: \(parts[2])")
            }
        }
        try validate()
    }

    init(_ reader: FieldReader) throws(EngineError) {
        let type = try reader.text("Type")
        guard let kind = Kind(rawValue: type.isEmpty ? "volume" : type) else {
            throw EngineError(.invalid, "invalid mount config: mount type \(type) is not supported")
        }
        self.init(
            kind, source: try reader.text("Source"), target: try reader.text("Target"),
            readOnly: try reader.flag("ReadOnly"))
        if let options = try reader.reader("BindOptions") {
            try options.refuse(["Propagation"], accepting: ["rprivate", "private"])
            try options.refuse(["NonRecursive", "ReadOnlyForceRecursive", "ReadOnlyNonRecursive"])
            createsSource = try options.flag("CreateMountpoint")
        }
        if let options = try reader.reader("VolumeOptions") {
            try options.refuse(["Subpath"])
            if let driver = try options.reader("DriverConfig") {
                try driver.refuse(["Name"], accepting: ["local"])
                try driver.refuse(["Options"])
            }
            copiesImageContent = try !options.flag("NoCopy")
            isAnonymous = try options.dictionary("Labels")["com.docker.volume.anonymous"] != nil
        }
        if let options = try reader.reader("TmpfsOptions") {
            try options.refuse(["Options"])
            tmpfsBytes = try options.integer("SizeBytes", in: 0...Int64.max)
            tmpfsMode = try options.integer("Mode", in: 0...0o7777).map { UInt32($0) }
        }
        if !reader.isStored { try validate() }
    }

    init(tmpfs path: String, options: String) throws(EngineError) {
        self.init(.tmpfs, source: "", target: path)
        for option in options.split(separator: ",") {
            let sides = option.split(separator: "=", maxSplits: 1)
            let value = sides.count == 2 ? String(sides[1]) : ""
            switch sides.first {
            case "size":
                tmpfsBytes = HostEngine.bytes(value)
                guard tmpfsBytes != nil else { throw EngineError(.invalid, "invalid tmpfs option \"\(option)\"") }
            case "mode":
                tmpfsMode = UInt32(value, radix: 8)
                guard tmpfsMode != nil else { throw EngineError(.invalid, "invalid tmpfs option \"\(option)\"") }
            case "ro": readOnly = true
            case "rw", "nosuid", "nodev", "noexec": break
            default:
                throw EngineError(.notImplemented, "tmpfs option \"\(option)\" is not supported by this engine")
            }
        }
        try validate()
    }

    private func validate() throws(EngineError) {
        guard target.hasPrefix("/"), target.utf8.count < 4096 else {
            throw EngineError(.invalid, "invalid mount config: mount path must be absolute: '\(target)'")
        }
        guard target.split(separator: "/").contains(where: { $0 != "." }), !target.split(separator: "/").contains("..")
        else { throw EngineError(.invalid, "invalid specification: destination can't be '\(target)'") }
        switch kind {
        case .bind:
            guard source.hasPrefix("/") else {
                throw EngineError(
                    .invalid, "invalid mount config for type \"bind\": mount path must be absolute: '\(source)'")
            }
        case .volume:
            guard source.isEmpty || ObjectName.isValid(source) else {
                throw EngineError(
                    .invalid,
                    "\"\(source)\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
                )
            }
        case .tmpfs: break
        }
    }
}
