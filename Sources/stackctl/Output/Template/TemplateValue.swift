import JSONText

/// A value inside a template: JSON, and how it was come by, since Go prints an absent list unlike an absent object.
struct TemplateValue: Equatable {
    var json: JSONValue
    /// The field it was read from.
    var field: String?
    /// Set where a field is not there.
    var isMissing = false

    init(_ json: JSONValue, field: String? = nil) {
        self.json = json
        self.field = field
    }

    /// What a field that is not there gives.
    static func missing(_ field: String) -> TemplateValue {
        var value = TemplateValue(.null, field: field)
        value.isMissing = true
        return value
    }

    /// Go's truth: false, 0, nil and what is empty are not.
    var isTrue: Bool {
        switch json {
        case .null: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .double(let value): value != 0
        case .string(let text): !text.isEmpty
        case .array(let items): !items.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    /// The value as Go prints it.
    var text: String {
        if json == .null, let field {
            if GoShape.maps.contains(field) { return isMissing ? "<no value>" : "map[]" }
            if GoShape.lists.contains(field) { return "[]" }
        }
        return Self.text(json)
    }

    static func text(_ json: JSONValue) -> String {
        switch json {
        case .null: "<nil>"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): Int64(exactly: value).map { "\($0)" } ?? "\(value)"
        case .string(let text): text
        case .array(let items): "[" + items.map(text).joined(separator: " ") + "]"
        case .object(let members):
            "map[" + members.sortedByKey().map { "\($0.key):\(text($0.value))" }.joined(separator: " ") + "]"
        }
    }

    /// What kind of value it is, in a sentence.
    var kind: String { isMissing ? "nothing" : json.kindDescription }
}

/// Which fields of Docker's objects are maps and lists in Go: JSON says `null` for both where they are empty.
enum GoShape {
    static let maps: Set<String> = [
        "Annotations", "BuildInfo", "Containers", "Data", "DriverOpts", "ExposedPorts", "Labels", "LogOpts",
        "Networks", "Options", "PortBindings", "Ports", "Services", "StorageOpt", "Sysctls", "Tmpfs", "Volumes",
    ]
    /// Fields that Docker's objects leave out where they are empty; in Go they are there, and empty text.
    static let optional: Set<String> = [
        "Author", "Comment", "Driver", "Gateway", "IPRange", "Name", "Parent", "Source", "Status", "StopSignal",
        "Subpath", "Variant",
    ]
    static let lists: Set<String> = [
        "Aliases", "Args", "Binds", "CapAdd", "CapDrop", "Cmd", "DeviceCgroupRules", "DeviceRequests", "Devices", "Dns",
        "DnsOptions", "DnsSearch", "Entrypoint", "Env", "ExecIDs", "ExtraHosts", "GroupAdd", "Layers", "Links",
        "MaskedPaths", "Mounts", "OnBuild", "ReadonlyPaths", "RepoDigests", "RepoTags", "SecurityOpt", "Shell", "Test",
        "Ulimits", "VolumesFrom", "Warnings",
    ]
}
