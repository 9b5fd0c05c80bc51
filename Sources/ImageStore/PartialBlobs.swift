import Archives
import Linux
import OCI

/// Compressed layers that have come in part, so that the next try asks only for the rest.
///
/// Nothing is known of their bytes but what they are meant to be: whoever goes on with one hashes all of it.
struct PartialBlobs: Sendable {
    /// How long one is kept that nobody goes on with, in seconds.
    static let lifetime: Int64 = 24 * 3600

    let layout: StoreLayout

    /// Bytes that are here of a blob; 0 where what is here cannot be its start, or does not tell its compression.
    func kept(of blob: BlobDescriptor) throws -> Int64 {
        let size = try Files.statusIfPresent(layout.partial(blob.digest))?.size ?? 0
        return size <= blob.size && size >= Int64(Compression.magicLength) ? size : 0
    }

    /// Opens the file of a blob that comes in, of which so many bytes are kept.
    func open(_ blob: BlobDescriptor, keeping count: Int64) throws -> SharedDescriptor {
        try Files.makeDirectories(layout.partials, mode: 0o700)
        let file = try Files.open(layout.partial(blob.digest), [.readWrite, .create], mode: 0o644).shared()
        try file.truncate(to: count)
        return file
    }

    /// Throws one away; none is fine.
    func remove(_ digest: Digest) throws {
        try Files.unlinkIfPresent(layout.partial(digest))
    }

    /// Every one there is.
    func list() throws -> [(digest: Digest, status: FileStatus)] {
        guard Files.exists(layout.partials) else { return [] }
        return try Files.list(layout.partials).compactMap { entry in
            guard let digest = Digest(sha256Hex: entry.name) else { return nil }
            return try Files.statusIfPresent(layout.partial(digest)).map { (digest, $0) }
        }
    }

    /// Removes what nobody has gone on with for a day.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - busy: those that come in now.
    /// - Returns: bytes of disk that are free again.
    func removeOld(now: Int64, busy: Set<Digest>) throws -> Int64 {
        var freed: Int64 = 0
        for (digest, status) in try list() where !busy.contains(digest) {
            guard status.modified.seconds + Self.lifetime < now else { continue }
            try remove(digest)
            freed += status.blocks * 512
        }
        return freed
    }
}

/// A blob on its way in, written to a file as it is read.
///
/// What the file has already is read from there, and only the rest is asked for.
final class SpooledBlob: ByteSource {
    private let file: SharedDescriptor
    private let rest: (Int64) throws -> any ByteSource
    private let kept: Int64
    private let size: Int64?
    private var position: Int64 = 0
    private var source: (any ByteSource)?
    private var writeback: Writeback
    /// The hash of what was read so far.
    let hash = SHA256()

    /// - Parameters:
    ///   - file: open for reading and writing.
    ///   - kept: bytes at its start that are of the blob.
    ///   - size: bytes of the whole blob where that is known.
    ///   - rest: opens what follows them.
    init(_ file: SharedDescriptor, kept: Int64, size: Int64?, rest: @escaping (Int64) throws -> any ByteSource) {
        self.file = file
        self.kept = kept
        self.size = size
        self.rest = rest
        writeback = Writeback(from: kept)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let count = position < kept ? try readKept(into: buffer) : try readRest(into: buffer)
        let piece = UnsafeRawBufferPointer(rebasing: buffer.prefix(count))
        hash.update(piece)
        position += Int64(count)
        return count
    }

    private func readKept(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: kept - position)))
        do throws(SystemError) {
            let count = try file.pread(into: window, at: position)
            guard count > 0 else { throw SystemError(call: "pread", errno: .EIO, subject: "a partly received blob") }
            return count
        } catch {
            throw .system(error)
        }
    }

    private func readRest(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        // What is complete needs no peer.
        if let size, position >= size, source == nil { return 0 }
        let source: any ByteSource
        if let open = self.source {
            source = open
        } else {
            do {
                source = try rest(position)
                try file.seek(position)
            } catch let error as ArchiveError {
                throw error
            } catch let error as SystemError {
                throw .system(error)
            } catch {
                throw .source(error)
            }
            self.source = source
        }
        let count = try source.read(into: buffer)
        do throws(SystemError) {
            try file.writeAll(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
        } catch {
            throw .system(error)
        }
        writeback.reached(position + Int64(count), of: file)
        return count
    }
}
