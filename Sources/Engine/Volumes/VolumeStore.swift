import JSONText
import Linux
import StateStore

/// The volumes of a data root: `<root>/volumes/<name>/_data`.
package actor VolumeStore {
    nonisolated let directory: String
    private let database: StateDatabase
    let writer: StateWriter
    var known: [String: Volume]?
    /// Making and removing never overlap: neither sees the other's volume half-way.
    let changes = OperationQueue()

    init(directory: String, database: StateDatabase, writer: StateWriter) {
        self.directory = directory
        self.database = database
        self.writer = writer
    }

    /// Where a volume's files are.
    package nonisolated func dataPath(_ name: String) -> String { "\(directory)/\(name)/_data" }

    func loaded() async throws -> [String: Volume] {
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
    package func ensure(_ volume: Volume) async throws -> Bool {
        try await changes.run { try await self.make(volume).isNew }
    }

    /// Makes a volume with its files.
    ///
    /// One that is there already is returned as it is, as Docker does.
    package func create(_ volume: Volume) async throws -> Volume {
        try await changes.run { try await self.make(volume).volume }
    }

    private func make(_ volume: Volume) async throws -> (volume: Volume, isNew: Bool) {
        try Volume.check(name: volume.name)
        do {
            _ = try VolumeSettings(volume.options ?? [:])
        } catch {
            throw EngineError(error.kind, "create \(volume.name): \(error.message)")
        }
        if let existing = try await loaded()[volume.name] {
            let asked = volume.options ?? [:]
            guard asked.isEmpty || asked == existing.options ?? [:] else {
                throw EngineError(
                    .conflict,
                    "create \(volume.name): conflict: volume name must be unique: it is there with other driver options"
                )
            }
            return (existing, false)
        }
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
                try Files.emptyDirectory(path)
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

    /// Makes a volume that is there a stack's.
    package func assign(_ name: String, stack: String, address: String) async throws {
        guard var volume = try await loaded()[name] else { throw EngineError.noVolume(name) }
        volume.stack = stack
        volume.address = address
        let row = volume.row
        known?[name] = volume
        try await writer.commit { try $0.save(row) }
    }

    /// Bytes of a volume's files.
    package func usage(_ name: String) async throws -> Int64 {
        let path = dataPath(name)
        return try await BlockingExecutor.shared.run {
            let root = try Files.open(path, [.directory]).shared()
            return try withExtendedLifetime(root) { try DiskUsage.bytes(of: $0.raw) }
        }
    }

    /// Directories without a row.
    ///
    /// They may hold a database whose row was lost: nobody but their owner can say that they may go.
    func strays() async throws -> [String] {
        let names = Set(try await loaded().keys)
        let directory = self.directory
        return try await BlockingExecutor.shared.run {
            try Files.list(directory).map(\.name).filter { !names.contains($0) && !$0.hasPrefix(".") }.sorted()
        }
    }
}
