import Archives
import Linux

extension FuzzTarget {
    /// A layer's tar, plain or compressed, written as an image: its recipe gives the same bytes back.
    static let tar = FuzzTarget("tar", mutations: 60) { input in
        if try !writeLayer(input) { _ = try writeLayer(TarSeal.sealed(input)) }
    }

    /// Each entry of a tar, written in the canonical form and read again.
    static let tarEntries = FuzzTarget("tar-entries", mutations: 100) { input in
        let reader = TarReader(MemorySource(TarSeal.sealed(input)), limits: layerLimits)
        while let entry = parsed({ () throws(ArchiveError) in try reader.next() }) ?? nil {
            try requireSame(plain(entry), as: "entry \(entry)") { () throws(ArchiveError) in
                let header = try TarWriter.header(of: entry)
                let again = TarReader(MemorySource(header + TarWriter.endMarker))
                return try again.next().map(plain)
            }
        }
    }

    /// A recipe and the image it refers to: two bytes of the image's length, the image, the recipe's records.
    static let recipe = FuzzTarget("recipe", mutations: 60) { input in
        guard input.count > 2 else { return }
        let length = min(Int(input[0]) | Int(input[1]) << 8, input.count - 2)
        let image = try ScratchFile.make(Array(input[2..<2 + length]))
        let records = DescriptorSource(try ScratchFile.gzipped(Array(input[(2 + length)...])))
        let source = parsed { () throws(ArchiveError) in try TarRecipeSource(recipe: records, image: image) }
        _ = source?.bytes(limit: 1 << 20)
    }

    private static var layerLimits: TarLimits {
        var limits = TarLimits()
        limits.entries = 5_000
        limits.totalBytes = 1 << 30
        limits.metadataBytes = 8 << 20
        return limits
    }

    /// An entry without what its own header does not hold: where it is, and which parts are stored.
    private static func plain(_ entry: TarEntry) -> TarEntry {
        var plain = entry
        plain.offset = 0
        plain.extents = nil
        plain.attributes.sort { $0.name < $1.name }
        return plain
    }

    /// Writes a layer and checks it; false when it is refused.
    private static func writeLayer(_ input: [UInt8]) throws -> Bool {
        let (image, recipe) = (try ScratchFile.make(), try ScratchFile.make())
        let written = parsed { () throws(ArchiveError) in
            try LayerWriter.write(
                tar: MemorySource(input), to: image, recipe: try TarRecipeWriter(recipe), limits: layerLimits,
                inflate: InflateLimits(freeBytes: 8 << 20, ratio: 200, maximumBytes: 64 << 20))
        }
        guard let written else { return false }
        do {
            try recipe.seek(0)
            let source = HashingSource(try TarRecipeSource(recipe: DescriptorSource(recipe), image: image))
            try source.forEachPiece { _ in }
            try require(
                source.hash.byteCount == written.tarBytes, "the recipe gives back \(source.hash.byteCount) bytes")
            try require(source.hash.finishHex() == written.diffHex, "the recipe gives back other bytes")
        } catch let error as ArchiveError {
            throw Violation(description: "the layer cannot be given back: \(error)")
        }
        if Compression.detect(input) == .none {
            try require(SHA256.hex(of: input) == written.diffHex, "the diff id is not that of the tar")
        }
        try ErofsCheck(image: image, size: written.image.size).compare(with: written.tree)
        return true
    }
}

/// Puts right checksums into headers, so that changed fields are read at all.
enum TarSeal {
    static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        var start = 0
        while start + 512 <= bytes.count {
            let isHeader = bytes[start + 257..<start + 262].elementsEqual("ustar".utf8)
            if isHeader { seal(&bytes, at: start) }
            start += 512
        }
        return bytes
    }

    private static func seal(_ bytes: inout [UInt8], at start: Int) {
        for index in start + 148..<start + 156 { bytes[index] = UInt8(ascii: " ") }
        var sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
        for index in (start + 148..<start + 154).reversed() {
            bytes[index] = UInt8(ascii: "0") + UInt8(sum % 8)
            sum /= 8
        }
        bytes[start + 154] = 0
    }
}
