import Linux

/// A layer that was written as one EROFS image.
package struct WrittenLayer: Sendable {
    /// SHA-256 of the uncompressed tar, 64 hexadecimal digits: the layer's diff id.
    package var diffHex: String
    /// Bytes of the uncompressed tar.
    package var tarBytes: UInt64
    /// The image.
    package var image: ErofsImage.Summary
    /// The files in it.
    package var tree: LayerTree
    /// The newest modification time in it.
    package var newest: Timestamp
}

/// Turns a stream of files into one EROFS image, hashing it on the way.
package enum LayerWriter {
    /// Writes the layer that a tar stream describes.
    ///
    /// - Parameters:
    ///   - source: the tar, compressed or not.
    ///   - descriptor: an empty file, open for writing; not synchronised afterwards.
    ///   - recipe: gets how the tar's exact bytes are given back; ended here.
    ///   - capture: files whose contents are wanted too, by normalised path, each at most 64 MiB.
    ///   - progress: called now and then with the bytes of tar read so far.
    package static func write(
        tar source: any ByteSource, to descriptor: SharedDescriptor, recipe: TarRecipeWriter? = nil,
        limits: TarLimits = .init(), inflate: InflateLimits = .init(), capture: FileCapture? = nil,
        progress: ((UInt64) -> Void)? = nil
    ) throws(ArchiveError) -> WrittenLayer {
        let whole = PeekingSource(source)
        let compression = Compression.detect(try whole.peek(Compression.magicLength))
        let plain = try compression.decoding(whole, limits: inflate)
        let hash = SHA256()
        // The other thread inflates; with nothing to inflate it hashes.
        let hashesAhead = compression == .none
        let upstream: any ByteSource = hashesAhead ? HashingSource(plain, into: hash) : plain
        var written = try upstream.readingAhead { ahead throws(ArchiveError) in
            let tar: any ByteSource = hashesAhead ? ahead : HashingSource(ahead, into: hash)
            return try write(
                TarReader(tar, limits: limits), to: descriptor, recipe: recipe, limits: limits, capture: capture,
                progress: progress)
        }
        written.diffHex = hash.finishHex()
        return written
    }

    /// Fewer zeros than these are written.
    private static let holeSize = 64 << 10

    /// Writes the layer, all but its hash.
    private static func write(
        _ reader: TarReader, to descriptor: SharedDescriptor, recipe: TarRecipeWriter?, limits: TarLimits,
        capture: FileCapture?, progress: ((UInt64) -> Void)?
    ) throws(ArchiveError) -> WrittenLayer {
        let image = try ErofsImage(descriptor, limits: limits)
        let recording = RecipeRecorder(recipe, image: image)
        if recipe != nil {
            reader.stream.observer = { piece throws(ArchiveError) in try recording.record(piece) }
        }
        var newest = Timestamp(seconds: 0)
        var reported: UInt64 = 0
        while let entry = try reader.next() {
            newest = max(newest, entry.modified)
            capture?.begin(entry)
            if try image.add(entry) {
                recording.isInContents = true
                defer { recording.isInContents = false }
                try reader.readData { data throws(ArchiveError) in
                    // What is zeros takes no room, whether the archive says that it is a hole or not.
                    if case .bytes(let bytes) = data, bytes.count >= holeSize, bytes.isZero {
                        try image.append(.hole(UInt64(bytes.count)))
                    } else {
                        try image.append(data)
                    }
                    capture?.append(data)
                }
                try image.endContents()
            }
            if let progress, reader.stream.position - reported >= 8 << 20 {
                reported = reader.stream.position
                progress(reported)
            }
        }
        try reader.drain()
        try recipe?.finish()
        let summary = try image.finish()
        return WrittenLayer(
            diffHex: "", tarBytes: reader.stream.position, image: summary, tree: image.tree, newest: newest)
    }

    /// Writes the layer that a directory's files make.
    ///
    /// Its diff id is that of their canonical tar.
    ///
    /// - Parameters:
    ///   - root: the open directory; links in it are never followed and mounts below it not entered.
    ///   - progress: called now and then with the bytes of tar so far; what it throws ends the writing.
    package static func write(
        directory root: SharedDescriptor, to descriptor: SharedDescriptor, recipe: TarRecipeWriter? = nil,
        limits: TarLimits = .init(), choices: DirectoryWalker.Choices = .init(),
        progress: ((UInt64) throws(ArchiveError) -> Void)? = nil
    ) throws(ArchiveError) -> WrittenLayer {
        let image = try ErofsImage(descriptor, limits: limits)
        let stream = try serialize(
            root, limits: limits, choices: choices, into: image, recipe: recipe, progress: progress)
        try recipe?.finish()
        return WrittenLayer(
            diffHex: stream.hex, tarBytes: stream.bytes, image: try image.finish(), tree: image.tree,
            newest: stream.newest)
    }

    /// The SHA-256 of a directory's canonical tar, 64 hexadecimal digits.
    package static func hash(directory root: SharedDescriptor) throws(ArchiveError) -> String {
        try serialize(root, limits: .init(), into: nil, recipe: nil, progress: nil).hex
    }

    /// Hashes a directory's canonical tar and, where an image is given, adds its files to it.
    private static func serialize(
        _ root: SharedDescriptor, limits: TarLimits, choices: DirectoryWalker.Choices = .init(),
        into image: ErofsImage?, recipe: TarRecipeWriter?, progress: ((UInt64) throws(ArchiveError) -> Void)?
    ) throws(ArchiveError) -> (hex: String, bytes: UInt64, newest: Timestamp) {
        let hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        var newest = Timestamp(seconds: 0)
        var walker = try DirectoryWalker(root, limits: limits, choices: choices)
        var reported: UInt64 = 0
        var total: UInt64 = 0
        while let file = try walker.next() {
            var entry = file.entry
            entry.offset = hash.byteCount
            total += min(entry.size, 1 << 62 - total)
            guard total <= limits.totalBytes else {
                throw .limit(
                    entry: entry.name, offset: entry.offset,
                    reason: "the directory's files have more than \(limits.totalBytes) bytes together, holes included")
            }
            newest = max(newest, entry.modified)
            try add(try TarWriter.header(of: entry), to: hash, recipe)
            let wantsContents = try image?.add(entry) ?? false
            guard let contents = file.contents, entry.size > 0 else { continue }
            var left = entry.size
            while left > 0 {
                let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: left)))
                let count: Int
                do { count = try contents.read(into: window) } catch { throw .system(error) }
                guard count > 0 else {
                    throw .malformed(entry: entry.name, offset: entry.offset, reason: "it was cut while it was read")
                }
                let piece = UnsafeRawBufferPointer(rebasing: window.prefix(count))
                hash.update(piece)
                if let image, wantsContents {
                    try recipe?.append(contentsAt: image.position, count: UInt64(count))
                } else {
                    try recipe?.append(literal: piece)
                }
                // What is zeros in a large piece takes no room, whether it was a hole or not.
                if wantsContents { try image?.append(piece.isZero ? .hole(UInt64(count)) : .bytes(piece)) }
                left -= UInt64(count)
                if let progress, hash.byteCount - reported >= 8 << 20 {
                    reported = hash.byteCount
                    try progress(reported)
                }
            }
            try add(TarWriter.padding(after: entry.size), to: hash, recipe)
            if wantsContents { try image?.endContents() }
            if let progress, hash.byteCount - reported >= 8 << 20 {
                reported = hash.byteCount
                try progress(reported)
            }
        }
        try add(TarWriter.endMarker, to: hash, recipe)
        let bytes = hash.byteCount
        return (hash.finishHex(), bytes, newest)
    }
}

extension LayerWriter {
    private static func add(_ bytes: [UInt8], to hash: SHA256, _ recipe: TarRecipeWriter?) throws(ArchiveError) {
        hash.update(bytes)
        try recipe?.append(literal: bytes)
    }
}

/// Writes down what passes by of a tar, contents as places in the image that is written at the same time.
private final class RecipeRecorder {
    private let recipe: TarRecipeWriter?
    private let image: ErofsImage
    /// Whether what passes by is what the image gets next.
    var isInContents = false

    init(_ recipe: TarRecipeWriter?, image: ErofsImage) {
        self.recipe = recipe
        self.image = image
    }

    func record(_ piece: UnsafeRawBufferPointer) throws(ArchiveError) {
        if isInContents {
            try recipe?.append(contentsAt: image.position, count: UInt64(piece.count))
        } else {
            try recipe?.append(literal: piece)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether all bytes are zero; most pieces tell by their first.
    package var isZero: Bool {
        guard first == 0 else { return isEmpty }
        let words = count / 8
        for index in 0..<words where loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) != 0 { return false }
        return self[(words * 8)...].allSatisfy { $0 == 0 }
    }
}

/// Keeps the contents of a few files that pass by.
package final class FileCapture {
    private let wanted: Set<[UInt8]>
    private let limit = 64 << 20
    private var current: [UInt8]?
    /// What was found, by path.
    package private(set) var files: [[UInt8]: [UInt8]] = [:]

    package init(_ paths: [String]) {
        wanted = Set(paths.map { Array($0.utf8) })
    }

    func begin(_ entry: TarEntry) {
        current = entry.kind == .regular && wanted.contains(entry.path) ? entry.path : nil
        if let current { files[current] = [] }
    }

    func append(_ data: TarData) {
        guard let current, case .bytes(let bytes) = data else { return }
        guard files[current, default: []].count + bytes.count <= limit else { return }
        files[current, default: []].append(contentsOf: bytes)
    }
}
