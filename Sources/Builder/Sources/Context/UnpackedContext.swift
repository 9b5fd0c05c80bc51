import Archives
import Diagnostics
import ImageStore
import Linux

/// The files of a context that came as an archive.
///
/// Devices, pipes and sockets are left out: no context has a use for them.
struct UnpackedContext {
    private let files: ContextFiles
    private let reader: TarReader
    private var digests = DigestTable()
    private var directories: [(path: [UInt8], modified: Timestamp)] = []
    private let buffer = SparseWriter()

    /// Unpacks an archive, compressed or not, into an empty directory; what is no archive is a Dockerfile.
    ///
    /// Blocks.
    static func unpack(_ source: any ByteSource, into root: SharedDescriptor) throws -> DigestTable {
        let inflate = InflateLimits(ratio: 1100)
        let plain = PeekingSource(try Compression.decompressing(source, limits: inflate))
        let head = try plain.peek(TarLayout.blockSize)
        let files = ContextFiles(root)
        guard TarLayout.isTar(head) || head.isEmpty else { return try writeDockerfile(plain, into: files) }
        var context = UnpackedContext(files, TarReader(plain, limits: limits))
        try context.run()
        return context.digests
    }

    private init(_ files: ContextFiles, _ reader: TarReader) {
        self.files = files
        self.reader = reader
    }

    private static var limits: TarLimits {
        var limits = TarLimits()
        limits.isConfined = true
        limits.requiresEndMarker = false
        return limits
    }

    private static func writeDockerfile(_ source: any ByteSource, into files: ContextFiles) throws -> DigestTable {
        let bytes = try source.readAll(limit: 16 << 20)
        guard !bytes.contains(0) else {
            throw BuildFailure(
                .invalid,
                Diagnostic(
                    code: BuildCode.invalid, summary: "the build context is neither a tar archive nor a Dockerfile"))
        }
        let name = Array("Dockerfile".utf8)
        let file = try files.create(name)
        try file.writeAll(bytes)
        try files.finish(file, mode: 0o644, modified: Timestamp(seconds: 0))
        return DigestTable()
    }

    private mutating func run() throws {
        while let entry = try reader.next() {
            // The root is as it is.
            if entry.path.isEmpty { continue }
            do {
                try make(entry)
            } catch let error as SystemError {
                throw ArchiveError.malformed(
                    entry: entry.name, offset: entry.offset, reason: "it cannot be made: \(error)")
            }
        }
        // One that something else took the place of later on has no time to set.
        for directory in directories.reversed() { try? files.setTime(of: directory.path, directory.modified) }
    }

    private mutating func make(_ entry: TarEntry) throws {
        digests[entry.path] = nil
        switch entry.kind {
        case .directory:
            try files.makeDirectory(entry.path, mode: entry.mode)
            directories.append((entry.path, entry.modified))
        case .regular:
            let file = try files.create(entry.path)
            let hash = SHA256()
            buffer.start()
            try reader.readData { data throws(ArchiveError) in
                do throws(SystemError) {
                    try buffer.write(data, to: file, hash)
                } catch {
                    throw .system(error)
                }
            }
            try buffer.finish(file)
            digests[entry.path] = hash.finish()
            try files.finish(file, mode: entry.mode, modified: entry.modified)
        case .symbolicLink:
            try files.makeLink(entry.path, target: entry.linkTarget, modified: entry.modified)
        case .hardLink:
            let target = try files.open(entry.linkTarget, .path)
            guard try target.status().kind != .directory else {
                throw SystemError(
                    call: "link", errno: .EPERM, subject: String(decoding: entry.linkTarget, as: UTF8.self))
            }
            if entry.linkTarget == entry.path { return }
            try files.link(entry.path, to: target)
            digests[entry.path] = digests[entry.linkTarget]
        case .fifo, .characterDevice, .blockDevice: return
        }
    }
}

/// Writes a file's content from its start, hashing it, holes left as holes.
final class SparseWriter {
    private static let zeros = [UInt8](repeating: 0, count: 1 << 16)
    private let beside = HashBeside()
    private var position: Int64 = 0
    private var hasHoleAtEnd = false

    func start() {
        position = 0
        hasHoleAtEnd = false
    }

    func write(_ data: TarData, to file: SharedDescriptor, _ hash: SHA256) throws(SystemError) {
        switch data {
        case .bytes(let bytes):
            beside.begin(bytes, to: hash)
            defer { beside.wait() }
            try file.writeAll(bytes)
            position += Int64(bytes.count)
            hasHoleAtEnd = false
        case .hole(let count):
            var left = count
            Self.zeros.withUnsafeBytes { zeros in
                while left > 0 {
                    let piece = UnsafeRawBufferPointer(rebasing: zeros.prefix(Int(clamping: left)))
                    hash.update(piece)
                    left -= UInt64(piece.count)
                }
            }
            position += Int64(clamping: count)
            try file.seek(position)
            hasHoleAtEnd = true
        }
    }

    func finish(_ file: SharedDescriptor) throws(SystemError) {
        if hasHoleAtEnd { try file.truncate(to: position) }
    }
}
