import Linux
import StateStore

/// Volumes that come to be or change as a whole: all of it is there or nothing.
///
/// What is not complete is in a directory whose name begins with a dot, which no volume's name does. The next daemon
/// removes what is left of it.
extension VolumeStore {
    /// A path for a tree that is not complete yet.
    nonisolated func partialPath() throws -> String { "\(directory)/.partial-\(try Random.hex(bytes: 8))" }

    /// Where a volume's snapshots are.
    nonisolated func snapshotsPath(_ name: String) -> String { "\(directory)/\(name)/snapshots" }

    /// In a volume that was not written down yet.
    private nonisolated func pendingMark(_ name: String) -> String { "\(directory)/\(name)/pending" }

    /// In a volume that is being renamed: the new name.
    private nonisolated func renameMark(_ name: String) -> String { "\(directory)/\(name)/renaming" }

    /// Makes a volume of a complete tree, which has the files in `_data`.
    ///
    /// - Throws: a conflict where there is one of this name; the tree stays then.
    func adopt(_ partial: String, as volume: Volume) async throws {
        try Volume.check(name: volume.name)
        let (path, mark) = ("\(directory)/\(volume.name)", pendingMark(volume.name))
        try await changes.run {
            guard try await self.find(volume.name) == nil, !Files.exists(path) else {
                throw EngineError(.conflict, "volume \(volume.name) exists already")
            }
            try await BlockingExecutor.shared.run {
                try Self.synchronize(partial)
                try Files.write("\(partial)/pending", [], mode: 0o600)
                try Files.rename(partial, to: path, replace: false)
            }
            do {
                try await self.keep(volume)
            } catch {
                try? await BlockingExecutor.shared.run { try Files.removeTree(path) }
                throw error
            }
            try? await BlockingExecutor.shared.run { try Files.unlink(mark) }
        }
    }

    private func keep(_ volume: Volume) async throws {
        let row = volume.row
        try await writer.commit { try $0.save(row) }
        known?[volume.name] = volume
    }

    /// Waits until a tree is on the disk.
    nonisolated static func synchronize(_ path: String) throws {
        let root = try Files.open(path, [.directory]).shared()
        try root.synchronizeFileSystem()
    }

    /// Gives a volume another name, and writes down what else changes with it.
    ///
    /// - Parameter rows: rows of containers that mount it, with the new name.
    func rename(_ name: String, to new: String, rows: [ContainerRow]) async throws -> Volume {
        try Volume.check(name: new)
        return try await changes.run {
            guard var volume = try await self.find(name) else { throw EngineError.noVolume(name) }
            let (old, path, mark) = ("\(self.directory)/\(name)", "\(self.directory)/\(new)", self.renameMark(name))
            guard try await self.find(new) == nil, !Files.exists(path) else {
                throw EngineError(.conflict, "volume \(new) exists already")
            }
            volume.name = new
            let row = volume.row
            try await BlockingExecutor.shared.run { try Files.writeAtomically(mark, Array(new.utf8), mode: 0o600) }
            do {
                try await self.writer.commit { transaction in
                    try transaction.deleteVolume(name: name)
                    try transaction.save(row)
                    for container in rows { try transaction.save(container) }
                }
            } catch {
                try? await BlockingExecutor.shared.run { try Files.unlink(mark) }
                throw EngineError.wrapping(error, doing: "rename \(name)")
            }
            await self.replace(name, with: volume)
            try await BlockingExecutor.shared.run {
                try Files.rename(old, to: path, replace: false)
                try Files.unlink("\(path)/renaming")
            }
            return volume
        }
    }

    private func replace(_ name: String, with volume: Volume) {
        known?[name] = nil
        known?[volume.name] = volume
    }

    /// Finishes or undoes what an earlier daemon left half-way.
    ///
    /// - Returns: what was done.
    func recover() async throws -> [String] {
        let names = Set(try await loaded().keys)
        let directory = self.directory
        return try await BlockingExecutor.shared.run {
            var notes: [String] = []
            for name in try Files.list(directory).map(\.name) {
                let path = "\(directory)/\(name)"
                if name.hasPrefix(".partial-") {
                    try Files.removeTree(path)
                    notes.append("removed what was left of a copy of a volume")
                } else if Files.exists("\(path)/pending") {
                    if names.contains(name) {
                        try Files.unlink("\(path)/pending")
                    } else {
                        try Files.removeTree(path)
                        notes.append("removed volume \(name), which was never complete")
                    }
                } else if let new = try? Files.readText("\(path)/renaming", limit: 512) {
                    if !names.contains(name), names.contains(new) {
                        try Files.rename(path, to: "\(directory)/\(new)", replace: false)
                        try Files.unlink("\(directory)/\(new)/renaming")
                        notes.append("finished renaming volume \(name) to \(new)")
                    } else {
                        try Files.unlink("\(path)/renaming")
                    }
                }
            }
            return notes
        }
    }
}
