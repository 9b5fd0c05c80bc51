import Archives
import Diagnostics
import ImageStore
import Linux
import Synchronization

/// The content of a context's file that stays on the client's disk: the client opened the file and handed it over.
///
/// The descriptor shows that whoever sent it may read the file. It alone is read, and at offsets: no path of the
/// client's is opened here, and its position, which the client shares, does not matter. What is in the file may change
/// meanwhile; so what was read counts by its own digest only, which is told when all of it was read.
final class HeldContent: Sendable {
    /// Smaller files are sent, as is all that could be a Dockerfile; in bytes.
    static let smallest: UInt64 = 32 << 20
    /// As much as a layer holds, in bytes.
    private static let largest: UInt64 = 1 << 43
    /// How many files one message carries.
    static let most = 64

    let path: [UInt8]
    private let kept: HeldFile
    let size: UInt64
    private let spool: String
    private let known: Mutex<[UInt8]?>
    private let isStored = Mutex(false)
    /// Whether what was read is what the listing tells of, so that others who have the listing may have it.
    private let isListed: Mutex<Bool>
    private let remember: @Sendable ([UInt8]) -> Bool

    /// - Parameters:
    ///   - digest: the 32 bytes of its digest, where it is known from a build before.
    ///   - spool: a directory on the file system of the tree.
    ///   - remember: gets the digest when it is told first, and says whether the file is as it was listed.
    init(
        path: [UInt8], file: HeldFile, size: UInt64, digest: [UInt8]?, spool: String,
        remember: @escaping @Sendable ([UInt8]) -> Bool
    ) {
        self.path = path
        kept = file
        self.size = size
        self.spool = spool
        known = Mutex(digest)
        isListed = Mutex(digest != nil)
        self.remember = remember
    }

    /// Whether an open file can be read here as one of this size: by its sender's right, and without waiting for what
    /// somebody's program answers.
    static func canHold(_ file: SharedDescriptor, size: UInt64, on mounts: LocalMounts) -> Bool {
        // The mount comes first: asking anything of the file may ask whoever serves it.
        guard size <= largest, mounts.canRead(file), let status = try? file.status() else { return false }
        return status.kind == .regular && UInt64(clamping: status.size) == size
    }

    var file: SharedDescriptor { kept.descriptor }

    /// The 32 bytes of the digest; nil as long as nobody has read all of it.
    var digest: [UInt8]? { known.withLock { $0 } }

    /// Whether it has the size that it had when it was listed.
    var isWhole: Bool { (try? file.status()).map { UInt64(clamping: $0.size) == size } ?? false }

    /// Takes down the digest of what was read of it.
    ///
    /// - Returns: false where something else was read before.
    func tell(_ digest: [UInt8]) -> Bool {
        let (isNew, isSame) = known.withLock { known in
            defer { if known == nil { known = digest } }
            return (known == nil, known == nil || known == digest)
        }
        if isNew, remember(digest) { isListed.withLock { $0 = true } }
        return isSame
    }

    /// Whether its beginning is that of an archive, compressed or not; blocks.
    func beginsAsArchive() throws(SystemError) -> Bool {
        let head = try file.pread(upTo: TarLayout.blockSize, at: 0)
        return Compression.detect(Array(head.prefix(Compression.magicLength))) != .none || TarLayout.isTar(head)
    }

    /// Reads all of it; blocks.
    ///
    /// - Throws: `BuildFailure` where it is shorter now, or not what was read before; a `CancellationError` of
    ///   `ArchiveError` where nobody wants it any more, and what `body` throws.
    func read(_ cancellation: CancellationFlag, _ body: (UnsafeRawBufferPointer) throws -> Void = { _ in }) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        let hash = SHA256()
        while hash.byteCount < size {
            try cancellation.check()
            let window = UnsafeMutableRawBufferPointer(
                rebasing: buffer.prefix(Int(clamping: size - hash.byteCount)))
            let count = try file.pread(into: window, at: Int64(clamping: hash.byteCount))
            guard count > 0 else { throw changed }
            let piece = UnsafeRawBufferPointer(rebasing: window.prefix(count))
            hash.update(piece)
            try body(piece)
        }
        guard isWhole, tell(hash.finish()) else { throw changed }
    }

    /// Puts the content in the tree, for those who read that by themselves; blocks.
    ///
    /// - Parameter root: where an empty file of the same size has its place, mode and time.
    func store(in root: SharedDescriptor, _ cancellation: CancellationFlag) throws {
        try isStored.withLock { isStored in
            guard !isStored else { return }
            let directory = try TemporaryTree(in: spool, prefix: "incoming-")
            let files = ContextFiles(try directory.open())
            let name = Array("content".utf8)
            let copy = try files.create(name)
            var (end, unchecked): (Int64, Int) = (0, 0)
            try SpareRoom.check(spool)
            try read(cancellation) { piece in
                end += Int64(piece.count)
                // What is zeros takes no room.
                guard !piece.isZero else {
                    try copy.seek(end)
                    return
                }
                try copy.writeAll(piece)
                unchecked += piece.count
                if unchecked >= 4 << 20 {
                    unchecked = 0
                    try SpareRoom.check(spool)
                }
            }
            // The tree is that of all builds of the listing.
            guard isListed.withLock({ $0 }) else { throw changed }
            try copy.truncate(to: end)
            let tree = ContextFiles(root)
            let status = try tree.open(path, .path).status()
            try files.finish(copy, mode: UInt16(truncatingIfNeeded: status.mode), modified: status.modified)
            let parent = try tree.directory(TreePath.parent(path))
            let time = try parent.status().modified
            try Files.rename(
                "\(directory.path)/content", to: Array("/proc/self/fd/\(parent.raw)/".utf8) + TreePath.name(path))
            try Files.setTimes(of: parent.raw, modified: time)
            isStored = true
        }
    }

    private var changed: BuildFailure {
        BuildFailure(
            .failed,
            Diagnostic(
                code: BuildCode.failed,
                summary: "`\(path.displayText)` of the build context was changed while it was read",
                hint: "run the build again when nothing changes it"))
    }
}

/// Digests of a context's contents: those of the files that are here, and those of the ones that are held.
struct ContextDigests: ContentDigests {
    let index: ContextIndex
    let held: [[UInt8]: HeldContent]

    func digest(of path: [UInt8]) -> String? {
        guard let content = held[path] else { return index.digest(of: path) }
        return content.digest.map { SHA256.hex($0) }
    }
}
