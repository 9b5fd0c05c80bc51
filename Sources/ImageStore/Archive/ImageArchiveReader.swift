import Archives
import Diagnostics
import Linux
import OCI

/// Reads an archive of images in one pass, writing each layer aside as it comes by.
///
/// Blocking. What a layer is for is known only when the archive's list of images has come, often last; so everything
/// that looks like one is taken for one, and what no image wants is thrown away.
final class ImageArchiveReader {
    private static let documentLimit = 16 << 20
    private static let documentsLimit = 64 << 20
    private static let namesLimit = 32 << 20

    private let layers: LayerStore
    private let leases: StoreLeases
    private let claims: LoadClaims
    /// Layers of the store, by the digest of their tar and by those of their compressed forms.
    private var known: [Digest: Digest]
    /// Looks for them again.
    private let lookUp: () throws -> [Digest: Digest]
    private let cancellation: CancellationFlag
    private let progress: ImageProgress?
    private var archive = ImageArchive()
    private var documentBytes = 0
    private var nameBytes = 0
    /// Layers of the store that must stay until the images are there.
    private(set) var leased: [Digest] = []

    init(
        layers: LayerStore, leases: StoreLeases, claims: LoadClaims, lookUp: @escaping () throws -> [Digest: Digest],
        cancellation: CancellationFlag, progress: ImageProgress?
    ) throws {
        self.layers = layers
        self.leases = leases
        self.claims = claims
        self.lookUp = lookUp
        known = try lookUp()
        self.cancellation = cancellation
        self.progress = progress
    }

    /// Reads an archive, plain or compressed.
    ///
    /// - Throws: what makes the archive unusable as a whole; what was written aside is gone then.
    func read(_ source: any ByteSource) throws -> ImageArchive {
        do {
            var limits = TarLimits()
            limits.entries = 100_000
            let plain = try Compression.decompressing(source)
            let reader = TarReader(plain, limits: limits)
            while let entry = try reader.next() {
                guard entry.kind != .directory else { continue }
                nameBytes += entry.path.count + entry.linkTarget.count
                guard nameBytes <= Self.namesLimit else {
                    throw ImageArchive.refusal(
                        "the archive's names are too long", "they have more than \(Self.namesLimit) bytes together")
                }
                // Of a name that comes twice the last counts, as when tar unpacks the archive.
                forget(entry.name)
                try take(entry, reader)
            }
            // Whoever sends it is to be heard to the end.
            try plain.forEachPiece { _ in }
            return archive
        } catch {
            discard(archive.layers.values.compactMap(\.staged))
            giveBack()
            throw error
        }
    }

    /// Gives back the layers of the store that were to stay.
    func giveBack() {
        leases.giveBack(leased)
        leased = []
    }

    /// Throws layers away.
    func discard(_ staged: [LayerStore.Staged]) {
        for layer in staged { layers.discard(layer) }
    }

    private func forget(_ name: String) {
        documentBytes -= archive.documents.removeValue(forKey: name)?.count ?? 0
        if let staged = archive.layers.removeValue(forKey: name)?.staged { layers.discard(staged) }
        archive.refused[name] = nil
        archive.others.remove(name)
        archive.aliases[name] = nil
    }

    private func take(_ entry: TarEntry, _ reader: TarReader) throws {
        switch entry.kind {
        case .regular where entry.extents == nil: try takeFile(entry, reader)
        case .symbolicLink: archive.aliases[entry.name] = try Self.target(of: entry)
        default:
            throw ImageArchive.refusal(
                "the archive has `\(entry.name)`, which has no place in it",
                "an archive of images has files, directories and symbolic links; this is \(entry.kind.noun)")
        }
    }

    /// The path inside the archive to which a symbolic link leads.
    private static func target(of entry: TarEntry) throws -> String {
        let slash = UInt8(ascii: "/")
        let outside = ImageArchive.refusal(
            "the link `\(entry.name)` of the archive leads out of it",
            "its target is `\(String(decoding: entry.linkTarget, as: UTF8.self))`")
        guard entry.linkTarget.first != slash else { throw outside }
        var parts = entry.path.split(separator: slash).dropLast().map { Array($0) }
        for part in entry.linkTarget.split(separator: slash) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                guard parts.popLast() != nil else { throw outside }
                continue
            }
            parts.append(Array(part))
        }
        return String(decoding: Array(parts.joined(separator: [slash])), as: UTF8.self)
    }

    private func takeFile(_ entry: TarEntry, _ reader: TarReader) throws {
        let member = ArchiveMember(reader.contents, size: entry.size, cancellation: cancellation)
        let peeking = PeekingSource(member)
        let head = try peeking.peek(TarLayout.blockSize)
        if TarLayout.isTar(head) || Compression.detect(head) != .none {
            try takeLayer(entry, member, peeking)
        } else if let first = head.first(where: { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        {
            guard entry.size <= UInt64(Self.documentLimit), documentBytes + Int(entry.size) <= Self.documentsLimit
            else {
                throw ImageArchive.refusal(
                    "`\(entry.name)` of the archive is too large",
                    "a document has at most \(Self.documentLimit) bytes, all together \(Self.documentsLimit)")
            }
            documentBytes += Int(entry.size)
            archive.documents[entry.name] = try peeking.readAll(limit: Self.documentLimit)
        } else {
            archive.others.insert(entry.name)
        }
    }

    private func takeLayer(_ entry: TarEntry, _ member: ArchiveMember, _ bytes: PeekingSource) throws {
        let claimed = ImageArchive.digest(inName: entry.name)
        report(entry, claimed, 0)
        if let claimed, known[claimed] == nil, try claims.waitOrLead(claimed, cancellation) { known = try lookUp() }
        member.progress = { [progress] read in
            progress?(Self.update(entry, claimed, Int64(clamping: read)))
        }
        if let claimed, let diffID = known[claimed] {
            let hashing = HashingSource(bytes)
            try hashing.forEachPiece { _ in }
            let digest = try BlobStore.digest(hex: hashing.hash.finishHex())
            guard digest == claimed else {
                archive.refused[entry.name] = ImageStore.wrongDigest("layer", claimed, is: digest)
                return
            }
            leases.take([diffID])
            leased.append(diffID)
            archive.layers[entry.name] = ImageArchive.Layer(digest: digest, diffID: diffID, staged: nil)
        } else {
            do {
                let staged = try layers.stage(tar: bytes)
                archive.layers[entry.name] = ImageArchive.Layer(
                    digest: staged.sourceDigest, diffID: staged.diffID, staged: staged)
            } catch {
                guard member.failure == nil, !StoreFailure.isOfTheMachine(error) else { throw member.failure ?? error }
                // Whether it matters is known when the images are.
                archive.refused[entry.name] = StoreFailure.diagnostic(
                    error, doing: "reading layer `\(entry.name)` of the archive")
            }
        }
        report(entry, claimed, Int64(clamping: entry.size))
    }

    private func report(_ entry: TarEntry, _ claimed: Digest?, _ current: Int64) {
        progress?(Self.update(entry, claimed, current))
    }

    /// The id is the digest's start or, in old archives, that of the folder the layer is in.
    private static func update(_ entry: TarEntry, _ claimed: Digest?, _ current: Int64) -> ImageProgressUpdate {
        let folder = entry.name.split(separator: "/").first.map(String.init) ?? entry.name
        return ImageProgressUpdate(
            message: claimed?.shortHex ?? String(folder.prefix(12)), current: current,
            total: Int64(clamping: entry.size))
    }
}

/// The bytes of one file of an archive, which remembers whether it was the archive that failed.
private final class ArchiveMember: ByteSource {
    private let source: any ByteSource
    private let cancellation: CancellationFlag
    private let size: UInt64
    private var read: UInt64 = 0
    private var reported: UInt64 = 0
    /// Why the archive could not be read on.
    private(set) var failure: ArchiveError?
    /// Called now and then with the bytes read so far.
    var progress: ((UInt64) -> Void)?

    init(_ source: any ByteSource, size: UInt64, cancellation: CancellationFlag) {
        self.source = source
        self.size = size
        self.cancellation = cancellation
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        do throws(ArchiveError) {
            try cancellation.check()
            let count = try source.read(into: buffer)
            read += UInt64(count)
            if read - reported >= 4 << 20 {
                reported = read
                progress?(read)
            }
            return count
        } catch {
            failure = error
            throw error
        }
    }
}

extension EntryKind {
    /// The kind in a sentence.
    fileprivate var noun: String {
        switch self {
        case .regular: "a sparse file"
        case .directory: "a directory"
        case .symbolicLink: "a symbolic link"
        case .hardLink: "a hard link"
        case .characterDevice, .blockDevice: "a device"
        case .fifo: "a fifo"
        }
    }
}
