import Archives
import Diagnostics
import Linux

/// Files of this host as an archive under another name.
enum LocalArchive {
    /// Writes a file or a directory with all that is in it.
    ///
    /// Blocking.
    ///
    /// - Parameters:
    ///   - path: absolute; a link at its end is followed where `followsLink`.
    ///   - name: what it is called in the archive; nil for the contents of a directory at the archive's root.
    static func write(
        _ path: String, name: String?, followsLink: Bool,
        to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let status: FileStatus
        do throws(SystemError) {
            status = try Files.status(path, followLinks: followsLink)
        } catch { throw .system(error) }
        let prefix = name.map { Array($0.utf8) } ?? []
        guard status.kind == .directory else {
            try writeFile(path, prefix, status, to: sink)
            return try DirectoryArchive.give(TarWriter.endMarker, to: sink)
        }
        let root: SharedDescriptor
        do throws(SystemError) {
            root = try Files.open(path, [.readOnly, .directory]).shared()
        } catch { throw .system(error) }
        // It is no layer: a name that means a removal there is a name like others.
        var choices = DirectoryWalker.Choices()
        choices.keepsReservedNames = true
        var walker = try DirectoryWalker(root, limits: TarLimits(), choices: choices)
        while let file = try walker.next() {
            var entry = file.entry
            entry.path = joined(prefix, entry.path)
            if entry.kind == .hardLink { entry.linkTarget = joined(prefix, entry.linkTarget) }
            // The directory that the contents go to keeps its own mode and owner.
            if entry.path.isEmpty { continue }
            try DirectoryArchive.give(try TarWriter.header(of: entry), to: sink)
            if let contents = file.contents { try copy(contents, entry.size, to: sink) }
        }
        try DirectoryArchive.give(TarWriter.endMarker, to: sink)
    }

    /// Writes some files and directories, each under a name of its own and as root's; what is gone meanwhile is left out.
    ///
    /// Blocking.
    ///
    /// - Parameter files: absolute paths, and names in the archive.
    static func write(
        files: [(path: String, name: String)], to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        for file in files {
            guard var status = try? Files.status(file.path, followLinks: false) else { continue }
            (status.uid, status.gid) = (0, 0)
            guard status.kind == .directory else {
                try writeFile(file.path, Array(file.name.utf8), status, to: sink)
                continue
            }
            var entry = TarEntry(path: Array(file.name.utf8), kind: .directory)
            entry.mode = UInt16(truncatingIfNeeded: status.mode)
            entry.modified = status.modified
            try DirectoryArchive.give(try TarWriter.header(of: entry), to: sink)
        }
        try DirectoryArchive.give(TarWriter.endMarker, to: sink)
    }

    private static func joined(_ prefix: [UInt8], _ path: [UInt8]) -> [UInt8] {
        prefix.isEmpty ? path : path.isEmpty ? prefix : prefix + [UInt8(ascii: "/")] + path
    }

    private static func writeFile(
        _ path: String, _ name: [UInt8], _ status: FileStatus,
        to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let kinds: [FileKind: EntryKind] = [
            .regular: .regular, .symbolicLink: .symbolicLink, .fifo: .fifo, .characterDevice: .characterDevice,
            .blockDevice: .blockDevice,
        ]
        guard let kind = kinds[status.kind] else {
            throw .system(SystemError(call: "open", errno: .EOPNOTSUPP, subject: path))
        }
        var entry = TarEntry(path: name, kind: kind)
        entry.mode = UInt16(truncatingIfNeeded: status.mode)
        entry.userID = status.uid
        entry.groupID = status.gid
        entry.modified = status.modified
        entry.device = status.deviceID
        var file: SharedDescriptor?
        do throws(SystemError) {
            if kind == .symbolicLink { entry.linkTarget = try Files.readLinkBytes(path) }
            if kind == .regular {
                let opened = try Files.open(path, [.readOnly, .nonBlocking]).shared()
                entry.size = UInt64(clamping: try opened.status().size)
                file = opened
            }
        } catch {
            throw .system(error)
        }
        try DirectoryArchive.give(try TarWriter.header(of: entry), to: sink)
        if let file { try copy(file, entry.size, to: sink) }
    }

    /// A file that became shorter meanwhile ends in zeros: its size was told already.
    private static func copy(
        _ file: SharedDescriptor, _ size: UInt64, to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var left = size
        var hasEnded = false
        while left > 0 {
            let count = Int(clamping: min(left, 1 << 18))
            var piece: [UInt8] = []
            if !hasEnded {
                do throws(SystemError) { piece = try file.read(upTo: count) } catch { throw .system(error) }
            }
            if piece.isEmpty {
                hasEnded = true
                piece = [UInt8](repeating: 0, count: count)
            }
            try DirectoryArchive.give(piece, to: sink)
            left -= UInt64(piece.count)
        }
        try DirectoryArchive.give(TarWriter.padding(after: size), to: sink)
    }
}
