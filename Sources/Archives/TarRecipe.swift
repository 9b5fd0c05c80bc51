import Linux

/// How to give back the exact bytes of a tar whose file contents are in an EROFS image.
///
/// Headers, padding and whatever else the image does not have, compressed, with references to contents in the image
/// in between. The layer's digest is that of these bytes, and the same files can be written as a tar in many ways.
///
/// A gzip stream of `magic` and records: one byte of kind, then little-endian numbers of 64 bits. Kinds: 0 the end, with
/// the bytes of the tar; 1 literal bytes, with their count, and then they; 2 zeros, with their count; 3 contents, with
/// their offset in the image and their count.
enum TarRecipe {
    static let magic = Array("stackctl tar recipe 1\n".utf8)

    enum Kind: UInt8 {
        case end = 0
        case literal = 1
        case zeros = 2
        case contents = 3
    }
}

/// Writes the recipe of a tar that is being read.
package final class TarRecipeWriter {
    private let output: GzipWriter
    private var literal: [UInt8] = []
    private var zeros: UInt64 = 0
    private var contents: (offset: UInt64, count: UInt64) = (0, 0)
    private var total: UInt64 = 0

    /// - Parameter descriptor: an empty file, open for writing.
    package init(_ descriptor: SharedDescriptor) throws(ArchiveError) {
        output = try GzipWriter(descriptor)
        literal.reserveCapacity(1 << 16)
        try write(TarRecipe.magic)
    }

    /// Bytes of the recipe so far.
    package var written: UInt64 { output.written }

    /// Adds bytes that are in the tar only.
    func append(literal bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        guard !bytes.isEmpty else { return }
        total += UInt64(bytes.count)
        if bytes.isZero {
            if zeros == 0 { try flush() }
            zeros += UInt64(bytes.count)
            return
        }
        if zeros > 0 || contents.count > 0 || literal.count + bytes.count > 1 << 16 { try flush() }
        literal.append(contentsOf: bytes)
    }

    /// Adds bytes that are in the tar only.
    func append(literal bytes: [UInt8]) throws(ArchiveError) {
        var failure: ArchiveError?
        bytes.withUnsafeBytes { raw in
            do throws(ArchiveError) { try append(literal: raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Adds bytes that the image has.
    func append(contentsAt offset: UInt64, count: UInt64) throws(ArchiveError) {
        total += count
        if contents.count > 0, contents.offset + contents.count == offset {
            contents.count += count
            return
        }
        try flush()
        contents = (offset, count)
    }

    /// Ends the recipe.
    package func finish() throws(ArchiveError) {
        try flush()
        try write([TarRecipe.Kind.end.rawValue] + LittleEndian.bytes(total))
        try output.finish()
    }

    private func flush() throws(ArchiveError) {
        if !literal.isEmpty {
            try write([TarRecipe.Kind.literal.rawValue] + LittleEndian.bytes(UInt64(literal.count)))
            try write(literal)
            literal.removeAll(keepingCapacity: true)
        }
        if zeros > 0 {
            try write([TarRecipe.Kind.zeros.rawValue] + LittleEndian.bytes(zeros))
            zeros = 0
        }
        if contents.count > 0 {
            try write(
                [TarRecipe.Kind.contents.rawValue] + LittleEndian.bytes(contents.offset)
                    + LittleEndian.bytes(contents.count))
            contents = (0, 0)
        }
    }

    private func write(_ bytes: [UInt8]) throws(ArchiveError) {
        var failure: ArchiveError?
        bytes.withUnsafeBytes { raw in
            do throws(ArchiveError) { try output.append(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

/// The bytes of a tar, given back by its recipe.
package final class TarRecipeSource: ByteSource {
    private let recipe: TarStream
    private let image: SharedDescriptor
    private var kind = TarRecipe.Kind.zeros
    private var left: UInt64 = 0
    private var imageOffset: UInt64 = 0
    private var total: UInt64 = 0
    private var isAtEnd = false

    /// - Parameters:
    ///   - recipe: what `TarRecipeWriter` wrote, from its start.
    ///   - image: the EROFS image, open for reading.
    package init(recipe: any ByteSource, image: SharedDescriptor) throws(ArchiveError) {
        self.recipe = TarStream(try GzipSource(recipe))
        self.image = image
        guard let magic = try self.recipe.exactly(TarRecipe.magic.count, entry: nil),
            magic.elementsEqual(TarRecipe.magic)
        else { throw damaged("it does not start as one") }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        while left == 0 {
            guard !isAtEnd, try nextRecord() else { return 0 }
        }
        let wanted = min(left, UInt64(buffer.count))
        let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(wanted)))
        let count = try fill(window)
        left -= UInt64(count)
        total += UInt64(count)
        return count
    }

    private func fill(_ window: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        switch kind {
        case .literal:
            let piece = try recipe.next(upTo: UInt64(window.count))
            guard !piece.isEmpty else { throw damaged("it ends in the middle") }
            window.copyMemory(from: piece)
            return piece.count
        case .contents:
            let count: Int
            do { count = try image.pread(into: window, at: Int64(clamping: imageOffset)) } catch {
                throw .system(error)
            }
            guard count > 0 else { throw damaged("the image is shorter than it says") }
            imageOffset += UInt64(count)
            return count
        case .zeros, .end:
            window.initializeMemory(as: UInt8.self, repeating: 0)
            return window.count
        }
    }

    /// Reads the head of the next record; false at the end.
    private func nextRecord() throws(ArchiveError) -> Bool {
        guard let first = try recipe.exactly(1, entry: nil)?.first, let next = TarRecipe.Kind(rawValue: first) else {
            throw damaged("it has a record of an unknown kind")
        }
        kind = next
        let number = try number()
        switch kind {
        case .end:
            guard number == total else { throw damaged("its length is wrong") }
            isAtEnd = true
            return false
        case .contents:
            imageOffset = number
            left = try self.number()
        case .literal, .zeros: left = number
        }
        return true
    }

    private func number() throws(ArchiveError) -> UInt64 {
        guard let bytes = try recipe.exactly(8, entry: nil) else { throw damaged("it ends in the middle") }
        return UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    }

    private func damaged(_ reason: String) -> ArchiveError {
        .malformed(entry: nil, offset: total, reason: "the tar recipe is damaged: \(reason)")
    }
}
