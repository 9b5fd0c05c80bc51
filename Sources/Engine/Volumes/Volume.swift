import JSONText
import Linux
import StateStore

/// A directory of the host that outlives containers.
package struct Volume: Sendable, Hashable {
    /// Its name, unique on the host.
    package var name: String
    /// When it was made.
    package var created: Timestamp
    /// Labels.
    package var labels: [String: String]
    /// Options of the driver as they were given; `nil` where none were.
    package var options: [String: String]?
    /// Whether it was made for one container alone.
    package var isAnonymous: Bool
    /// The stack that owns it.
    package var stack: String?
    /// Its address in the stack.
    package var address: String?
    /// Files it was made with, by path; `nil` for none.
    package var content: [String: String]?
    /// `uid[:gid]` of its root.
    package var owner: String?

    /// A volume.
    package init(
        name: String, labels: [String: String] = [:], options: [String: String]? = nil, isAnonymous: Bool = false
    ) {
        self.name = name
        self.labels = labels
        self.options = options
        self.isAnonymous = isAnonymous
        created = Clock.now()
    }

    init(_ row: VolumeRow) {
        name = row.name
        created = Timestamp(nanosecondsSinceEpoch: row.created)
        labels = (row.spec["labels"]?.objectValue ?? JSONObject()).texts
        options = row.spec["options"]?.objectValue?.texts
        isAnonymous = row.spec["anonymous"]?.boolValue ?? false
        content = row.spec["content"]?.objectValue?.texts
        owner = row.spec["owner"]?.stringValue
        stack = row.stack
        address = row.address
    }

    var row: VolumeRow {
        var spec: JSONObject = ["labels": .object(.strings(labels)), "anonymous": .bool(isAnonymous)]
        spec["options"] = options.map { .object(.strings($0)) }
        spec["content"] = content.map { .object(.strings($0)) }
        spec["owner"] = owner.map { .string($0) }
        return VolumeRow(
            name: name, created: created.nanosecondsSinceEpoch, stack: stack, address: address, spec: .object(spec))
    }

    /// What its options say; those of a stored volume were checked when it was made.
    var settings: VolumeSettings { (try? VolumeSettings(options ?? [:])) ?? VolumeSettings() }

    /// Judges a name.
    ///
    /// - Throws: Docker's texts.
    package static func check(name: String) throws(EngineError) {
        guard name.utf8.count != 1 else {
            throw EngineError(
                .invalid,
                "create \(name): volume name is too short, names should be at least two alphanumeric characters")
        }
        guard ObjectName.isValid(name) else {
            throw EngineError(
                .invalid,
                "create \(name): \"\(name)\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
            )
        }
    }
}

extension JSONObject {
    /// Its members that are texts.
    fileprivate var texts: [String: String] { reduce(into: [:]) { $0[$1.key] = $1.value.stringValue } }
}
