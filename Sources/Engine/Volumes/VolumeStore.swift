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
    package init(name: String, labels: [String: String] = [:], isAnonymous: Bool = false) {
        self.name = name
        self.labels = labels
        self.isAnonymous = isAnonymous
        created = Clock.now()
    }

    init(_ row: VolumeRow) {
        name = row.name
        created = Timestamp(nanosecondsSinceEpoch: row.created)
        labels = (row.spec["labels"]?.objectValue ?? JSONObject()).reduce(into: [:]) {
            $0[$1.key] = $1.value.stringValue
        }
        isAnonymous = row.spec["anonymous"]?.boolValue ?? false
        content = row.spec["content"]?.objectValue.map { object in
            object.reduce(into: [:]) { $0[$1.key] = $1.value.stringValue }
        }
        owner = row.spec["owner"]?.stringValue
        stack = row.stack
        address = row.address
    }

    var row: VolumeRow {
        var spec: JSONObject = ["labels": .object(.strings(labels)), "anonymous": .bool(isAnonymous)]
        spec["content"] = content.map { .object(.strings($0)) }
        spec["owner"] = owner.map { .string($0) }
        return VolumeRow(
            name: name, created: created.nanosecondsSinceEpoch, stack: stack, address: address, spec: .object(spec))
    }
}

/// The volumes of a data root: `<root>/volumes/<name>/_data`.
package actor VolumeStore {
    private nonisolated let directory: String
    private let database: StateDatabase
    private let writer: StateWriter
    private var known: [String: Volume]?
    /// Making and removing never overlap: neither sees the other's volume half-way.
    private let changes = OperationQueue()

    init(directory: String, database: StateDatabase, writer: StateWriter) {
        self.directory = directory
        self.database = database
        self.writer = writer
    }

    /// Where a volume's files are.
    package nonisolated func dataPath(_ name: String) -> String { "\(directory)/\(name)/_data" }

    private func loaded() async throws -> [String: Volume] {
        if let known { return known }
        let database = self.database
        let rows = try await BlockingExecutor.shared.run { try database.read { try $0.volumes() } }
        // Another call may have loaded and changed them while this one waited.
        if let known { return known }
        let volumes = Dictionary(rows.map { ($0.name, Volume($0)) }) { first, _ in first }
        known = volumes
        return volumes
    }

    /// All volumes, by name.
    package func all() async throws -> [Volume] { try await loaded().values.sorted { $0.name < $1.name } }

    /// Those of these names that are there.
    package func find(_ names: [String]) async throws -> [String: Volume] {
        let known = try await loaded()
        return names.reduce(into: [:]) { $0[$1] = known[$1] }
    }

    /// One volume.
    package func find(_ name: String) async throws -> Volume? { try await loaded()[name] }

    /// Makes a volume unless it is there; true where it is new.
    package func ensure(_ name: String, anonymous: Bool) async throws -> Bool {
        try await changes.run { try await self.make(Volume(name: name, isAnonymous: anonymous)).isNew }
    }

    /// Makes a volume with its files.
    ///
    /// One that is there already is returned as it is, as Docker does.
    package func create(_ volume: Volume) async throws -> Volume {
        try await changes.run { try await self.make(volume).volume }
    }

    private func make(_ volume: Volume) async throws -> (volume: Volume, isNew: Bool) {
        guard ObjectName.isValid(volume.name) else {
            throw EngineError(
                .invalid,
                "create \(volume.name): \"\(volume.name)\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
            )
        }
        if let existing = try await loaded()[volume.name] { return (existing, false) }
        let row = volume.row
        let path = dataPath(volume.name)
        // Files that are there already, of a volume whose row was lost, are somebody's.
        let wasThere = Files.exists(path)
        do {
            try await writer.commit { try $0.save(row) }
            try await BlockingExecutor.shared.run {
                try Files.makeDirectories(path, mode: 0o755)
                try VolumeContent.write(volume, to: path)
            }
        } catch {
            try? await forget(volume.name, keepingFiles: wasThere)
            throw EngineError.wrapping(error, doing: "create \(volume.name)")
        }
        known?[volume.name] = volume
        return (volume, true)
    }

    /// Whether what the image has is to be copied in: nothing is in it, or a copy was cut short.
    ///
    /// - Parameter isShared: whether other containers mount it: they may have written what is there.
    package func wantsContent(_ name: String, isShared: Bool) async throws -> Bool {
        let (path, mark) = (dataPath(name), fillMark(name))
        return try await BlockingExecutor.shared.run {
            if Files.exists(mark) {
                if isShared {
                    try Files.unlink(mark)
                    return false
                }
                // What is left of a copy that was cut short; nobody has used it yet.
                try Files.removeTree(path)
                try Files.makeDirectories(path, mode: 0o755)
                return true
            }
            return try Files.list(path).isEmpty
        }
    }

    /// What is there while a volume is filled.
    nonisolated func fillMark(_ name: String) -> String { "\(directory)/\(name)/filling" }

    /// Removes a volume with all that is in it.
    ///
    /// Gone already is fine.
    ///
    /// - Parameter users: who uses it; asked when no other volume is made or removed.
    /// - Throws: Docker's conflict where somebody does.
    package func remove(_ name: String, users: @escaping @Sendable () -> [String]) async throws {
        guard ObjectName.isValid(name) else { throw EngineError.noVolume(name) }
        try await changes.run {
            let users = users()
            guard users.isEmpty else {
                throw EngineError(
                    .conflict, "remove \(name): volume is in use - [\(users.joined(separator: ", "))]")
            }
            try await self.forget(name, keepingFiles: false)
        }
    }

    private func forget(_ name: String, keepingFiles: Bool) async throws {
        let path = "\(directory)/\(name)"
        if !keepingFiles { try await BlockingExecutor.shared.run { try Files.removeTree(path) } }
        known?[name] = nil
        try await writer.commit { try $0.deleteVolume(name: name) }
    }

    /// Writes the content a stack declares again, over what is there.
    package func rewrite(_ name: String, content: [String: String]?, owner: String?, labels: [String: String])
        async throws
    {
        guard var volume = try await loaded()[name] else { throw EngineError.noVolume(name) }
        volume.content = content
        volume.owner = owner
        volume.labels = labels
        let changed = volume
        let path = dataPath(name)
        try await BlockingExecutor.shared.run { try VolumeContent.write(changed, to: path) }
        known?[name] = changed
        try await writer.commit { try $0.save(changed.row) }
    }

    /// Bytes of a volume's files.
    package func usage(_ name: String) async throws -> Int64 {
        let path = dataPath(name)
        return try await BlockingExecutor.shared.run {
            let root = try Files.open(path, [.directory])
            return try DiskUsage.bytes(of: root.raw)
        }
    }

    /// Directories without a row.
    ///
    /// They may hold a database whose row was lost: nobody but their owner can say that they may go.
    func strays() async throws -> [String] {
        let names = Set(try await loaded().keys)
        let directory = self.directory
        return try await BlockingExecutor.shared.run {
            try Files.list(directory).map(\.name).filter { !names.contains($0) }.sorted()
        }
    }
}

/// Bytes on disk of a tree.
package enum DiskUsage {
    /// The sizes of all files below an open directory.
    ///
    /// Blocks.
    package static func bytes(of directory: Int32, depth: Int = 0) throws -> Int64 {
        guard depth < 200 else { return 0 }
        var sum: Int64 = 0
        for entry in try Files.list(descriptor: directory) {
            guard let status = try? Files.status(entry.nameBytes, followLinks: false, at: directory) else { continue }
            if status.kind == .directory {
                guard let inner = try? Files.open(entry.nameBytes, [.directory, .noFollow], at: directory) else {
                    continue
                }
                sum &+= try bytes(of: inner.raw, depth: depth + 1)
            } else {
                sum &+= status.size
            }
        }
        return sum
    }
}
