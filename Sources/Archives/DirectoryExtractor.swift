import Linux

/// Makes the files of a tar in a directory that is nobody else's.
///
/// The archive may be hostile: no name leads out of the directory, no link is followed on the way to another file.
/// Zeros become holes.
package final class DirectoryExtractor {
    private static let beneath: ResolveFlags = [.beneath, .noSymbolicLinks, .noMagicLinks]
    /// Shorter runs of zeros are not worth a hole.
    private static let block = 4096

    private let root: SharedDescriptor
    private let progress: (UInt64) throws(ArchiveError) -> Void
    /// Directories get their times when nothing more is made in them.
    private var directories: [(path: [UInt8], modified: Timestamp)] = []

    private init(_ root: SharedDescriptor, _ progress: @escaping (UInt64) throws(ArchiveError) -> Void) {
        self.root = root
        self.progress = progress
    }

    /// Bounds for archives of data, which is less foreign, and larger, than a layer.
    package static var limits: TarLimits {
        var limits = TarLimits()
        limits.totalBytes = 1 << 45
        limits.entries = 20_000_000
        limits.isConfined = true
        return limits
    }

    /// Extracts a tar, plain or compressed, read to its end.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - root: an empty directory.
    ///   - progress: told now and then how many bytes of the tar were read; what it throws ends the extraction.
    package static func extract(
        _ source: any ByteSource, into root: SharedDescriptor,
        progress: @escaping (UInt64) throws(ArchiveError) -> Void = { _ in }
    ) throws(ArchiveError) {
        // Deflate can make a thousand of one: volumes have holes.
        let inflate = InflateLimits(ratio: 1100, maximumBytes: 1 << 45)
        let reader = TarReader(try Compression.decompressing(source, limits: inflate), limits: limits)
        let extractor = DirectoryExtractor(root, progress)
        while let entry = try reader.next() { try extractor.make(entry, reader) }
        try reader.drain()
        do throws(SystemError) {
            for directory in extractor.directories.reversed() {
                try Files.setTimes(directory.path, modified: directory.modified, at: root.raw)
            }
        } catch {
            throw .system(error)
        }
    }

    private func make(_ entry: TarEntry, _ reader: TarReader) throws(ArchiveError) {
        do throws(SystemError) {
            guard !entry.path.isEmpty else {
                if entry.kind == .directory { try describe(entry, root.raw, path: [UInt8(ascii: ".")]) }
                return
            }
            let slash = entry.path.lastIndex(of: UInt8(ascii: "/"))
            let name = slash.map { Array(entry.path[($0 + 1)...]) } ?? entry.path
            let parent =
                try slash.map { slash throws(SystemError) in try directory(Array(entry.path[..<slash])) } ?? root
            if entry.kind == .regular {
                let file = try create(name, in: parent)
                do throws(ArchiveError) { try fill(file, entry, reader) } catch { throw wrapped(error) }
                try describe(entry, file.raw, path: nil)
            } else {
                try makeSpecial(entry, name, in: parent)
            }
        } catch {
            if let failure { throw failure }
            throw .malformed(entry: entry.name, offset: entry.offset, reason: "it cannot be made: \(error)")
        }
    }

    /// A failure of the archive on its way through functions that throw those of the system.
    private var failure: ArchiveError?

    private func wrapped(_ error: ArchiveError) -> SystemError {
        failure = error
        return SystemError(call: "extract", errno: .EIO)
    }

    /// Opens a directory of the tree, made where the archive did not name it before.
    private func directory(_ path: [UInt8]) throws(SystemError) -> SharedDescriptor {
        do throws(SystemError) {
            return try Files.openInRoot(root.raw, path, [.directory, .noFollow], resolve: Self.beneath).shared()
        } catch let error where error.errno == .ENOENT {}
        var current = root
        for part in path.split(separator: UInt8(ascii: "/")) {
            do throws(SystemError) {
                try Files.makeDirectory(Array(part), mode: 0o755, at: current.raw)
            } catch let error where error.errno == .EEXIST {}
            current = try Files.openInRoot(current.raw, Array(part), [.directory, .noFollow], resolve: Self.beneath)
                .shared()
        }
        return current
    }

    /// A new file; one of that name goes, as with tar(1).
    private func create(_ name: [UInt8], in parent: SharedDescriptor) throws(SystemError) -> SharedDescriptor {
        try remove(name, in: parent)
        return try Files.open(
            name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, at: parent.raw
        ).shared()
    }

    private func remove(_ name: [UInt8], in parent: SharedDescriptor) throws(SystemError) {
        do throws(SystemError) {
            try Files.unlink(name, at: parent.raw)
        } catch let error where error.errno == .ENOENT {}
    }

    private func fill(_ file: SharedDescriptor, _ entry: TarEntry, _ reader: TarReader) throws(ArchiveError) {
        var position: Int64 = 0
        try reader.readData { data throws(ArchiveError) in
            switch data {
            case .hole(let count): position += Int64(clamping: count)
            case .bytes(let bytes):
                do throws(SystemError) {
                    try Self.write(bytes, to: file, at: position)
                } catch {
                    throw .system(error)
                }
                position += Int64(bytes.count)
                try self.progress(reader.stream.position)
            }
        }
        do throws(SystemError) { try file.truncate(to: position) } catch { throw .system(error) }
    }

    /// Leaves whole blocks of zeros out; the file's size is set at its end.
    private static func write(
        _ bytes: UnsafeRawBufferPointer, to file: SharedDescriptor, at position: Int64
    ) throws(SystemError) {
        var start = 0
        var index = 0
        func flush() throws(SystemError) {
            guard start < index else { return }
            try file.seek(position + Int64(start))
            try file.writeAll(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
        }
        while index < bytes.count {
            let end = min(index + block, bytes.count)
            if end - index == block, bytes[index..<end].allSatisfy({ $0 == 0 }) {
                try flush()
                start = end
            }
            index = end
        }
        try flush()
    }

    private func makeSpecial(
        _ entry: TarEntry, _ name: [UInt8], in parent: SharedDescriptor
    ) throws(SystemError) {
        let path = Array("/proc/self/fd/\(parent.raw)/".utf8) + name
        switch entry.kind {
        case .directory:
            do throws(SystemError) {
                try Files.makeDirectory(name, mode: 0o700, at: parent.raw)
            } catch let error where error.errno == .EEXIST {
                let status = try Files.status(name, followLinks: false, at: parent.raw)
                guard status.kind == .directory else { throw error }
            }
            let made = try Files.open(name, [.directory, .noFollow], at: parent.raw).shared()
            return try describe(entry, made.raw, path: entry.path)
        case .hardLink:
            let target = try Files.openInRoot(root.raw, entry.linkTarget, [.path, .noFollow], resolve: Self.beneath)
                .shared()
            guard try target.status().kind != .directory else { throw SystemError(call: "link", errno: .EPERM) }
            try remove(name, in: parent)
            return try Files.link(descriptor: target.raw, at: path)
        case .symbolicLink:
            try remove(name, in: parent)
            try Files.symlink(entry.linkTarget, at: name, in: parent.raw)
        case .fifo:
            try remove(name, in: parent)
            try Files.makeFIFO(name, mode: 0o600, at: parent.raw)
        case .characterDevice, .blockDevice:
            try remove(name, in: parent)
            try Files.makeDevice(
                name, kind: entry.kind == .blockDevice ? .blockDevice : .characterDevice, mode: 0o600,
                device: entry.device, at: parent.raw)
        case .regular: return
        }
        try Files.chown(name, uid: entry.userID, gid: entry.groupID, at: parent.raw)
        if entry.kind != .symbolicLink { try Files.chmod(name, mode: UInt32(entry.mode), at: parent.raw) }
        for attribute in entry.attributes {
            try Self.set(attribute) { (name, value) throws(SystemError) in try ExtendedAttributes.set(path, name, value)
            }
        }
        try Files.setTimes(name, modified: entry.modified, at: parent.raw)
    }

    /// Owner first: changing it clears set-id bits and capabilities.
    private func describe(_ entry: TarEntry, _ file: Int32, path: [UInt8]?) throws(SystemError) {
        let own = "/proc/self/fd/\(file)"
        try Files.chown(own, uid: entry.userID, gid: entry.groupID, followLinks: true)
        try Files.chmod(own, mode: UInt32(entry.mode))
        for attribute in entry.attributes {
            try Self.set(attribute) { (name, value) throws(SystemError) in try ExtendedAttributes.set(file, name, value)
            }
        }
        if let path {
            directories.append((path, entry.modified))
        } else {
            try Files.setTimes(of: file, modified: entry.modified)
        }
    }

    /// A file system without attributes goes without.
    private static func set(
        _ attribute: ExtendedAttribute, _ body: (String, [UInt8]) throws(SystemError) -> Void
    ) throws(SystemError) {
        do throws(SystemError) {
            try body(attribute.name, attribute.value)
        } catch let error where error.errno == .EOPNOTSUPP {}
    }
}
