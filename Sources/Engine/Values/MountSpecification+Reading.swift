import JSONText

extension MountSpecification {
    /// Reads `-v` notation: `[source:]target[:options]`.
    ///
    /// - Throws: Docker's texts.
    package init(bind text: String) throws(EngineError) {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map { String($0) }
        let refusal = EngineError(.invalid, "invalid volume specification: '\(text)'")
        guard let first = parts.first, !first.isEmpty else { throw refusal }
        // A target and options alone name nothing to be mounted.
        if parts.count == 2, parts[1].isEmpty || BindOptions.areValid(parts[1]) { throw refusal }
        let mode = parts.count == 3 ? parts[2] : ""
        guard !mode.contains(":") || mode.contains("idmap=") else { throw refusal }
        let source = parts.count == 1 ? "" : first
        let isPath = source.hasPrefix("/")
        self.init(isPath ? .bind : .volume, source: source, target: parts.count == 1 ? first : parts[1])
        let options = try BindOptions(mode)
        origin = .binds
        self.mode = mode
        createsSource = isPath
        readOnly = options.readOnly
        copiesImageContent = options.copies
        owners = options.owners
        if isPath { propagation = options.propagation }
        do throws(EngineError) {
            guard isPath || options.propagation.isEmpty else {
                throw Self.refusal(.volume, "field BindOptions must not be specified")
            }
            try validate()
        } catch {
            // A volume's name is judged by the volume, without the rest of the notation.
            guard error.message.hasPrefix("invalid ") else { throw error }
            throw EngineError(.invalid, "invalid volume specification: '\(text)': \(error.message)")
        }
    }

    /// Reads an element of `HostConfig.Mounts`.
    package init(_ reader: FieldReader) throws(EngineError) {
        let type = try reader.text("Type")
        guard let kind = Kind(rawValue: type.isEmpty && reader.isStored ? "volume" : type) else {
            throw Self.refusal(type, "mount type unknown")
        }
        self.init(
            kind, source: try reader.text("Source"), target: try reader.text("Target"),
            readOnly: try reader.flag("ReadOnly"))
        try readOptions(reader)
        if reader.isStored {
            try readStored(reader)
            return
        }
        let allowed = [
            Kind.bind: "BindOptions", .volume: "VolumeOptions", .tmpfs: "TmpfsOptions", .image: "ImageOptions",
        ]
        for name in ["BindOptions", "VolumeOptions", "ImageOptions", "TmpfsOptions"] where name != allowed[kind] {
            if reader.value(name) != nil { throw Self.refusal(kind, "field \(name) must not be specified") }
        }
        try validate()
    }

    private mutating func readOptions(_ reader: FieldReader) throws(EngineError) {
        if let options = try reader.reader("BindOptions") {
            propagation = try options.text("Propagation")
            isRecursive = try !options.flag("NonRecursive")
            createsSource = try options.flag("CreateMountpoint")
            let isForced = try options.flag("ReadOnlyForceRecursive")
            if try options.flag("ReadOnlyNonRecursive") {
                try options.require(
                    !isForced,
                    "invalid mount config for type \"bind\": ReadOnlyNonRecursive and ReadOnlyForceRecursive exclude each other"
                )
                readOnlyDepth = .top
            } else if isForced {
                readOnlyDepth = .forced
            }
            try readOwners(options)
        }
        if let options = try reader.reader("VolumeOptions") {
            copiesImageContent = try !options.flag("NoCopy")
            volumeLabels = try options.dictionary("Labels")
            isAnonymous = volumeLabels[Self.anonymousLabel] != nil
            subpath = try options.text("Subpath")
            if let driver = try options.reader("DriverConfig") {
                try Self.check(driver: try driver.text("Name"))
                volumeOptions = try driver.dictionary("Options")
            }
            try readOwners(options)
        }
        if let options = try reader.reader("ImageOptions") { subpath = try options.text("Subpath") }
        if let options = try reader.reader("TmpfsOptions") { try readTmpfs(options) }
    }

    private mutating func readOwners(_ options: FieldReader) throws(EngineError) {
        let text = try options.text("IDMap")
        if !text.isEmpty { owners = try OwnerMapping(text) }
    }

    private mutating func readTmpfs(_ options: FieldReader) throws(EngineError) {
        if let bytes = try options.integer("SizeBytes", in: 0...Int64.max), bytes > 0 {
            tmpfsOptions.append("size=\(bytes)")
        }
        if let mode = try options.integer("Mode", in: 0...0o7777), mode > 0 {
            tmpfsOptions.append("mode=\(String(mode, radix: 8))")
        }
        for entry in try options.array("Options") {
            let words = (entry.arrayValue ?? []).compactMap(\.stringValue)
            guard let name = words.first, words.count <= 2 else {
                throw Self.refusal(.tmpfs, "invalid option array length")
            }
            guard options.isStored || ["exec", "noexec"].contains(name) else {
                throw Self.refusal(.tmpfs, "invalid option: \(name)")
            }
            tmpfsOptions.append(words.joined(separator: "="))
        }
    }

    /// What is stored beyond Docker's own members.
    private mutating func readStored(_ reader: FieldReader) throws(EngineError) {
        origin = Origin(rawValue: try reader.text("Origin")) ?? .mounts
        mode = try reader.text("Mode")
        imageID = try reader.text("ImageID")
        let words = try reader.strings("Tmpfs") ?? []
        if !words.isEmpty { tmpfsOptions = words }
    }

    /// Reads a member of `HostConfig.Tmpfs`.
    package init(tmpfs path: String, options: String) throws(EngineError) {
        self.init(.tmpfs, source: "", target: path)
        origin = .tmpfs
        tmpfsOptions = options.split(separator: ",").map { String($0) }
        try validate()
    }

    /// Only one driver is known.
    package static func check(driver: String) throws(EngineError) {
        guard driver.isEmpty || driver == "local" else {
            throw EngineError(.notFound, "error looking up volume plugin \(driver): plugin \"\(driver)\" not found")
        }
    }

    static func refusal(_ kind: Kind, _ reason: String) -> EngineError { refusal(kind.rawValue, reason) }

    private static func refusal(_ type: String, _ reason: String) -> EngineError {
        EngineError(.invalid, "invalid mount config for type \"\(type)\": \(reason)")
    }
}

/// The third part of `-v`.
struct BindOptions {
    var readOnly = false
    var copies = true
    var propagation = ""
    var owners: OwnerMapping?

    static let propagations: Set<String> = ["private", "rprivate", "slave", "rslave", "shared", "rshared"]

    static func areValid(_ text: String) -> Bool { (try? BindOptions(text)) != nil }

    /// - Throws: `invalid mode`, for words that mean nothing here and for two of a kind.
    init(_ text: String) throws(EngineError) {
        let refusal = EngineError(.invalid, "invalid mode: \(text)")
        var seen = Set<String>()
        for word in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) where !text.isEmpty {
            let kind: String
            switch word {
            case "ro", "rw": (kind, readOnly) = ("rights", word == "ro")
            // Labels of SELinux, which is not used here.
            case "z", "Z": kind = "label"
            case "nocopy", "copy": (kind, copies) = ("copy", word == "copy")
            case "cached", "delegated", "consistent": kind = "consistency"
            case _ where Self.propagations.contains(word): (kind, propagation) = ("propagation", word)
            case _ where word.hasPrefix("idmap="):
                (kind, owners) = ("idmap", try OwnerMapping(String(word.dropFirst("idmap=".count))))
            default: throw refusal
            }
            guard seen.insert(kind).inserted else { throw refusal }
        }
    }
}
