import Archives
import Diagnostics
import HTTP
import Linux

/// Unpacks what a container's files are sent as into a directory of this host.
///
/// The archive is a stranger's: names and links in it lead nowhere outside of the directory, also by way of each other.
struct LocalUnpacking: Sendable {
    /// The directory.
    let folder: SharedDescriptor
    /// What the first name of each entry becomes; nil leaves it.
    let renaming: Renaming?
    /// Whether owners are those of the archive.
    let keepsOwners: Bool

    /// What entries are called here.
    enum Renaming: Sendable {
        /// The file or directory of this name has another one.
        case root(from: String, to: String)
        /// Everything is in a directory of this name.
        case into(String)
    }

    private static let slash = UInt8(ascii: "/")

    /// Directories get their times when nothing more is made in them.
    private final class Finished {
        var directories: [(path: [UInt8], modified: Timestamp)] = []
    }

    /// Unpacks the archive that an answer is, while it comes.
    ///
    /// - Returns: the bytes of the files.
    /// - Throws: `ArchiveError` for what cannot be read or written, else why the answer ended.
    func unpack(_ response: HTTPClientResponse) async throws -> UInt64 {
        let pipe = try PipeEnds.readByThread()
        let end = pipe.blocking
        async let unpacked = BlockingExecutor.shared.run { [self] () throws(ArchiveError) -> UInt64 in
            let source: SharedDescriptor
            do throws(SystemError) { source = try end.take() } catch { throw .system(error) }
            return try unpack(DescriptorSource(source))
        }
        do {
            while let piece = try await response.body.next() { try await pipe.waiting.writeAll(piece) }
            pipe.waiting.close()
        } catch {
            pipe.waiting.close()
            // Why nobody reads any more is what the one who unpacks knows.
            guard (error as? SystemError)?.errno == .EPIPE else {
                _ = try? await unpacked
                throw error
            }
        }
        return try await unpacked
    }

    /// Unpacks everything; blocking.
    ///
    /// - Returns: the bytes of the files.
    func unpack(_ source: any ByteSource) throws(ArchiveError) -> UInt64 {
        let reader = TarReader(source)
        let finished = Finished()
        var bytes: UInt64 = 0
        while let entry = try reader.next() {
            var entry = entry
            entry.path = renamed(entry.path)
            if entry.kind == .hardLink { entry.linkTarget = renamed(entry.linkTarget) }
            bytes += entry.size
            do {
                let place = try self.place(entry.path)
                try withExtendedLifetime(place.parent) { try make(entry, at: place.path, reader, finished) }
            } catch let error as SystemError {
                throw .system(error)
            } catch let error as ArchiveError {
                throw error
            } catch {
                throw .source(error)
            }
        }
        for directory in finished.directories.reversed() {
            guard let place = try? self.place(directory.path) else { continue }
            withExtendedLifetime(place.parent) { try? Files.setTimes(place.path, modified: directory.modified) }
        }
        return bytes
    }

    private func renamed(_ path: [UInt8]) -> [UInt8] {
        switch renaming {
        case nil: return path
        case .into(let name):
            return Array(name.utf8) + (path.isEmpty ? [] : [LocalUnpacking.slash] + path)
        case .root(let old, let new):
            let first = path.prefix { $0 != LocalUnpacking.slash }
            guard first.elementsEqual(old.utf8) else { return path }
            return Array(new.utf8) + path[first.endIndex...]
        }
    }

    /// A name in a directory that is held open, as a path that stays right whatever becomes of the names above it.
    private struct Place {
        let parent: SharedDescriptor
        let path: [UInt8]
    }

    private func place(_ path: [UInt8]) throws(SystemError) -> Place {
        let cut = path.lastIndex(of: LocalUnpacking.slash)
        let parentPath = cut.map { Array(path[..<$0]) } ?? []
        let name = cut.map { Array(path[($0 + 1)...]) } ?? path
        let parent = try directory(parentPath)
        let prefix = Array("/proc/self/fd/\(parent.raw)/".utf8)
        return Place(parent: parent, path: prefix + (name.isEmpty ? [UInt8(ascii: ".")] : name))
    }

    /// Opens a directory below ours, and makes it where it is not there.
    private func directory(_ path: [UInt8]) throws(SystemError) -> SharedDescriptor {
        guard !path.isEmpty else { return folder }
        do throws(SystemError) {
            return try Files.openInRoot(folder.raw, path, [.readOnly, .directory]).shared()
        } catch let error where error.errno == .ENOENT {
            let place = try self.place(path)
            try Files.makeDirectory(place.path, mode: 0o755)
            return try Files.openInRoot(folder.raw, path, [.readOnly, .directory]).shared()
        }
    }

    private func make(_ entry: TarEntry, at path: [UInt8], _ reader: TarReader, _ finished: Finished) throws {
        let before = try Files.statusIfPresent(path, followLinks: false)
        if entry.kind == .directory {
            if let before, before.kind != .directory {
                throw refusal("cannot overwrite non-directory \"\(entry.name)\" with directory")
            }
            if before == nil { try Files.makeDirectory(path, mode: 0o700) }
            // The directory that one copies into keeps its mode.
            if !entry.path.isEmpty { try finish(entry, path) }
            finished.directories.append((entry.path, entry.modified))
            return
        }
        if let before {
            guard before.kind != .directory else {
                throw refusal("cannot overwrite directory \"\(entry.name)\" with non-directory")
            }
            try Files.unlink(path)
        }
        switch entry.kind {
        case .regular: try writeContents(reader, to: path)
        case .symbolicLink: try Files.symlink(entry.linkTarget, at: path)
        case .hardLink:
            let target = try place(entry.linkTarget)
            try withExtendedLifetime(target.parent) { try Files.link(target.path, at: path) }
            return
        case .fifo: try Files.makeFIFO(path, mode: 0o600)
        case .characterDevice, .blockDevice:
            let kind: FileKind = entry.kind == .blockDevice ? .blockDevice : .characterDevice
            try Files.makeDevice(path, kind: kind, mode: 0o600, device: entry.device)
        case .directory: break
        }
        try finish(entry, path)
    }

    private func refusal(_ sentence: String) -> Diagnostic { Diagnostic(code: "SC0205", summary: sentence) }

    private func writeContents(_ reader: TarReader, to path: [UInt8]) throws {
        let file = try Files.open(path, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        let descriptor = file.shared()
        var size: Int64 = 0
        try reader.readData { data throws(ArchiveError) in
            do throws(SystemError) {
                switch data {
                case .bytes(let bytes):
                    try descriptor.writeAll(bytes)
                    size += Int64(bytes.count)
                case .hole(let count):
                    size += Int64(clamping: count)
                    try descriptor.seek(size)
                }
            } catch {
                throw .system(error)
            }
        }
        try descriptor.truncate(to: size)
    }

    private func finish(_ entry: TarEntry, _ path: [UInt8]) throws(SystemError) {
        if keepsOwners { try Files.chown(path, uid: entry.userID, gid: entry.groupID) }
        if entry.kind != .symbolicLink { try Files.chmod(path, mode: UInt32(entry.mode)) }
        try Files.setTimes(path, modified: entry.modified)
    }
}
