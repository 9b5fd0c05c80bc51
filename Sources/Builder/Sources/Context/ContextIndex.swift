import Archives
import Linux

/// What is known of a context that is on the disk: its files and the digests of their contents.
struct ContextIndex: Sendable, ContentDigests {
    private static let magic = Array("stackctl context 2\n".utf8)
    static let digestSize = 32

    let listing: ContextListing
    /// 32 bytes of each file; zeros where there is no content, or nobody has read it.
    private var digests: [UInt8]
    /// Places of files whose contents are with the client only.
    let absent: Set<Int>

    /// - Parameter digests: of as many files as the listing has.
    init(_ listing: ContextListing, digests: [UInt8], absent: Set<Int> = []) {
        self.listing = listing
        self.digests = digests
        self.absent = absent
    }

    /// Takes down the digest of a content that nobody had read before.
    mutating func setDigest(_ digest: [UInt8], at index: Int) {
        guard digest.count == Self.digestSize, listing.files.indices.contains(index) else { return }
        digests.replaceSubrange(index * Self.digestSize..<(index + 1) * Self.digestSize, with: digest)
    }

    /// The digest of a file's content; nil where nobody has read it.
    func knownDigest(at index: Int) -> [UInt8]? {
        let digest = digest(at: index)
        return digest.contains { $0 != 0 } ? Array(digest) : nil
    }

    /// The 32 bytes of a file's digest.
    func digest(at index: Int) -> ArraySlice<UInt8> {
        digests[index * Self.digestSize..<(index + 1) * Self.digestSize]
    }

    func digest(of path: [UInt8]) -> String? {
        guard let index = index(of: path), listing.files[index].kind == .regular else { return nil }
        return knownDigest(at: index).map { SHA256.hex($0) }
    }

    /// The place of a path in the listing.
    private func index(of path: [UInt8]) -> Int? {
        var (low, high) = (0, listing.files.count)
        while low < high {
            let middle = (low + high) / 2
            if ContextListing.precedes(listing.files[middle].path, path) { low = middle + 1 } else { high = middle }
        }
        return low < listing.files.count && listing.files[low].path == path ? low : nil
    }

    /// Bytes of all contents that are here.
    var size: Int64 {
        listing.files.indices.reduce(0) { sum, index in
            let file = listing.files[index]
            guard file.kind == .regular, !absent.contains(index) else { return sum }
            let (more, isTooMuch) = sum.addingReportingOverflow(Int64(clamping: file.size))
            return isTooMuch ? .max : more
        }
    }

    // MARK: On the disk

    /// What is written: `magic`, bytes of the contents (8), the name of the directory they are in (16), bytes of the
    /// listing (8), it, the digests, the places of absent contents (8 each), and the SHA-256 of all of this.
    func encoded(directory name: String) -> [UInt8] {
        let files = listing.encoded()
        var bytes = Self.magic + LittleEndianNumber.bytes(UInt64(clamping: size)) + Array(name.utf8)
        bytes += LittleEndianNumber.bytes(UInt64(files.count)) + files + digests
        for index in absent.sorted() { bytes += LittleEndianNumber.bytes(UInt64(index)) }
        let hash = SHA256()
        hash.update(bytes)
        return bytes + hash.finish()
    }

    /// The head alone: bytes of the contents.
    static func size(ofEncoded head: [UInt8]) -> Int64? {
        guard head.starts(with: magic), head.count >= magic.count + 8 else { return nil }
        return Int64(clamping: LittleEndianNumber.value(head[magic.count..<magic.count + 8]))
    }

    /// Reads what `encoded` gave; nil where it is damaged.
    static func decode(_ bytes: [UInt8]) -> (index: ContextIndex, directory: String)? {
        let headSize = magic.count + 8 + 16 + 8
        guard bytes.starts(with: magic), bytes.count >= headSize + 32 else { return nil }
        let hash = SHA256()
        hash.update(Array(bytes[..<(bytes.count - 32)]))
        guard hash.finish().elementsEqual(bytes.suffix(32)) else { return nil }
        let name = String(decoding: bytes[(magic.count + 8)..<(magic.count + 24)], as: UTF8.self)
        let count = LittleEndianNumber.value(bytes[(headSize - 8)..<headSize])
        guard count <= UInt64(bytes.count - headSize - 32), name.allSatisfy(\.isHexDigit) else { return nil }
        let end = headSize + Int(count)
        guard let listing = try? ContextListing(decoding: Array(bytes[headSize..<end])) else { return nil }
        let places = end + listing.files.count * digestSize
        guard places <= bytes.count - 32, (bytes.count - 32 - places) % 8 == 0 else { return nil }
        let absent = stride(from: places, to: bytes.count - 32, by: 8).map {
            Int(clamping: LittleEndianNumber.value(bytes[$0..<($0 + 8)]))
        }
        guard absent.allSatisfy(listing.files.indices.contains) else { return nil }
        return (ContextIndex(listing, digests: Array(bytes[end..<places]), absent: Set(absent)), name)
    }
}
