/// The fields of `RUN --mount`, with the values of their variables.
struct MountFields {
    private var mount = EvaluatedMount(kind: .bind, target: "")
    private var isReadOnly: Bool?
    private var hasSource = false
    private var sharing: EvaluatedMount.Sharing?
    private var userID: UInt32?
    private var groupID: UInt32?

    private static let keys = [
        "type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode", "uid", "gid",
        "src",
        "dst", "destination", "ro", "rw", "readwrite", "env",
    ]

    /// Takes the next field: its name, its value, and both as they were written.
    mutating func take(_ key: String, _ value: String?, _ field: String) throws(LineFault) {
        guard let value else { return try take(key.lowercased(), field) }
        try set(key.lowercased(), value, field)
    }

    /// A field without a value.
    private mutating func take(_ key: String, _ field: String) throws(LineFault) {
        switch key {
        case "readonly", "ro": isReadOnly = true
        case "readwrite", "rw": isReadOnly = false
        case "required": try set(key, "true", field)
        default: throw LineFault("invalid field '\(field)' must be a key=value pair")
        }
    }

    private mutating func set(_ key: String, _ value: String, _ field: String) throws(LineFault) {
        switch key {
        case "type":
            guard let kind = EvaluatedMount.Kind(rawValue: value.lowercased()) else {
                let remark = Suggestion.remark(value, among: EvaluatedMount.Kind.allCases.map(\.rawValue))
                throw LineFault("unsupported mount type \(GoText.quoted(value))\(remark)")
            }
            mount.kind = kind
        case "from": mount.from = value.isEmpty ? nil : .named(value)
        case "source", "src":
            mount.source = value
            hasSource = !value.isEmpty
        case "target", "dst", "destination": mount.target = value
        case "readonly", "ro": isReadOnly = try truth(key, value)
        case "readwrite", "rw": isReadOnly = try !truth(key, value)
        case "required":
            guard mount.kind == .secret || mount.kind == .ssh else { throw unexpected(key) }
            mount.isRequired = try truth(key, value)
        case "size":
            guard mount.kind == .tmpfs else { throw unexpected(key) }
            guard let size = ByteCountText.parse(value) else {
                throw LineFault("invalid value for \(key): \(value)")
            }
            mount.size = size
        case "id": mount.id = value
        case "sharing":
            guard let wanted = EvaluatedMount.Sharing(rawValue: value.lowercased()) else {
                let remark = Suggestion.remark(value, among: EvaluatedMount.Sharing.allCases.map(\.rawValue))
                throw LineFault("unsupported sharing value \(GoText.quoted(value))\(remark)")
            }
            sharing = wanted
        case "mode":
            guard let mode = UInt32(value, radix: 8), !value.hasPrefix("+") else {
                throw LineFault("invalid value \(value) for mode")
            }
            mount.mode = UInt16(truncatingIfNeeded: mode & 0o7777)
        case "uid": userID = try number(key, value)
        case "gid": groupID = try number(key, value)
        case "env": mount.environmentName = value
        default:
            let remark = Suggestion.remark(key, among: Self.keys)
            throw LineFault("unexpected key '\(key)' in '\(field)'\(remark)")
        }
    }

    private func truth(_ key: String, _ value: String) throws(LineFault) -> Bool {
        guard let truth = GoBool.parse(value) else { throw LineFault("invalid value for \(key): \(value)") }
        return truth
    }

    private func number(_ key: String, _ value: String) throws(LineFault) -> UInt32 {
        guard let number = UInt32(value), !value.hasPrefix("+") else {
            throw LineFault("invalid value \(value) for \(key)")
        }
        return number
    }

    private func unexpected(_ key: String) -> LineFault {
        LineFault("unexpected key '\(key)' for mount type '\(mount.kind.rawValue)'")
    }

    /// The mount, where its fields go together.
    func checked() throws(LineFault) -> EvaluatedMount {
        var mount = mount
        if mount.kind == .bind || mount.kind == .tmpfs {
            for (name, isSet) in [("mode", mount.mode != nil), ("uid", userID != nil), ("gid", groupID != nil)]
            where isSet {
                throw LineFault("\(name) not allowed for \(GoText.quoted(mount.kind.rawValue)) type mounts")
            }
        }
        mount.isReadOnly = isReadOnly ?? (mount.kind != .cache && mount.kind != .tmpfs)
        mount.userID = userID ?? 0
        mount.groupID = groupID ?? 0
        mount.sharing = sharing ?? .shared
        switch mount.kind {
        case .secret: try checkSecret(&mount)
        case .ssh: if hasSource { throw LineFault("ssh does not support source") }
        case .bind, .cache, .tmpfs: break
        }
        if sharing != nil, mount.kind != .cache {
            throw LineFault("invalid cache sharing set for \(mount.kind.rawValue) mount")
        }
        if mount.kind == .bind || mount.kind == .cache {
            mount.source = GoPath.join("/", hasSource ? mount.source : "")
        } else {
            mount.source = "/"
            mount.from = nil
        }
        return mount
    }

    private func checkSecret(_ mount: inout EvaluatedMount) throws(LineFault) {
        if mount.from != nil { throw LineFault("secret mount should not have a from") }
        if sharing != nil { throw LineFault("secret mount should not define sharing") }
        if !hasSource, mount.target.isEmpty, mount.id.isEmpty {
            throw LineFault("invalid secret mount. one of source, target required")
        }
        if hasSource, !mount.id.isEmpty { throw LineFault("both source and id can't be set") }
        if hasSource { mount.id = mount.source }
    }
}

/// Sizes as `RAMInBytes` of docker/go-units reads them: `64m`, `1.5GiB`.
enum ByteCountText {
    static func parse(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        guard !digits.isEmpty, let amount = Double(digits.last == "." ? "\(digits)0" : String(digits)) else {
            return nil
        }
        var unit = text[digits.endIndex...].lowercased()
        while unit.first == " " { unit.removeFirst() }
        guard let prefix = unit.first else { return whole(amount) }
        guard let index = ["b", "k", "m", "g", "t", "p"].firstIndex(of: String(prefix)) else { return nil }
        let rest = unit.dropFirst()
        guard index == 0 ? rest.isEmpty : rest.isEmpty || rest == "b" || rest == "ib" else { return nil }
        var scale = 1.0
        for _ in 0..<index { scale *= 1024 }
        return whole(amount * scale)
    }

    private static func whole(_ amount: Double) -> Int64? {
        amount.isFinite && amount >= 0 && amount < 9.2e18 ? Int64(amount) : nil
    }
}
