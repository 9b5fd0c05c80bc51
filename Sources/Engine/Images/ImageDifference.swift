import JSONText
import Linux

/// What one image has that another has not.
package struct ImageDifference: Sendable, Hashable {
    /// What became of a file.
    package enum Kind: String, Sendable, Hashable { case added, changed, deleted }

    /// What is told of a file.
    package struct Facts: Sendable, Hashable {
        /// Regular file, directory and so on.
        package var kind: FileKind
        /// Bytes of a regular file.
        package var size: Int64
        /// Permissions with set-id and sticky bits.
        package var mode: UInt32
        package var user: UInt32
        package var group: UInt32
    }

    /// A file that is not the same in both.
    package struct File: Sendable, Hashable {
        package var path: String
        package var kind: Kind
        package var before: Facts?
        package var after: Facts?
        /// What of it changed: `type`, `size`, `mode`, `owner`, `target`, `device`, `attributes`, `content`, `time`.
        package var reasons: [String] = []
    }

    /// A setting that is not the same in both.
    package struct Setting: Sendable, Hashable {
        /// Docker's name of the field, such as `Env`.
        package var field: String
        /// The name inside the field, such as that of a variable.
        package var name: String?
        package var before: JSONValue?
        package var after: JSONValue?
    }

    /// The ids of the images.
    package var from: String
    package var to: String
    /// Files, by path.
    package var files: [File] = []
    /// Settings of the configurations.
    package var settings: [Setting] = []

    /// The value for clients.
    package var json: JSONObject {
        [
            "From": .string(from), "To": .string(to), "Files": .array(files.map { .object($0.json) }),
            "Config": .array(settings.map { .object($0.json) }),
        ]
    }
}

extension ImageDifference.File {
    fileprivate var json: JSONObject {
        var object: JSONObject = ["Path": .string(path), "Kind": .string(kind.rawValue)]
        if let before { object["Before"] = .object(before.json) }
        if let after { object["After"] = .object(after.json) }
        if !reasons.isEmpty { object["Changes"] = .array(reasons.map { .string($0) }) }
        return object
    }
}

extension ImageDifference.Facts {
    init(_ status: FileStatus) {
        kind = status.kind
        size = status.kind == .regular ? status.size : 0
        mode = status.mode & 0o7777
        user = status.uid
        group = status.gid
    }

    fileprivate var json: JSONObject {
        let octal = String(mode, radix: 8)
        return [
            "Type": .string(kind.noun), "Size": .int(size),
            "Mode": .string(String(repeating: "0", count: max(0, 4 - octal.utf8.count)) + octal),
            "User": .int(Int64(user)), "Group": .int(Int64(group)),
        ]
    }
}

extension ImageDifference.Setting {
    fileprivate var json: JSONObject {
        var object: JSONObject = ["Field": .string(field)]
        if let name { object["Name"] = .string(name) }
        if let before { object["Before"] = before }
        if let after { object["After"] = after }
        return object
    }
}

extension FileKind {
    /// The kind in one word.
    fileprivate var noun: String {
        switch self {
        case .regular: "file"
        case .directory: "directory"
        case .symbolicLink: "link"
        case .characterDevice, .blockDevice: "device"
        case .fifo: "fifo"
        case .socket: "socket"
        case .unknown: "unknown"
        }
    }
}
