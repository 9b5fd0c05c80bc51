import Linux

/// Why bytes are no listing.
package struct ContextListingError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
}

/// The form on the wire: `magic`, the number of files, and for each: kind (1 byte); how many bytes of the path before
/// it the path begins with; the rest of the path; mode; modified (8 bytes). Then for a regular file size, changed
/// (8 bytes), inode, for a link its text.
///
/// Numbers are LEB128, those of 8 bytes little-endian; texts have their length in front. Paths ascend, and a directory
/// comes before what is in it.
extension ContextListing {
    private static let magic = Array("SCTX1\n".utf8)
    private static let pathLimit = 4095
    private static let nameLimit = 255
    /// As many as a layer may have.
    private static let fileLimit = 2_000_000
    /// Bytes of all paths and link texts together.
    private static let textLimit = 256 << 20

    /// The listing as bytes.
    package func encoded() -> [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(files.count * 64)
        Self.put(UInt64(files.count), into: &bytes)
        var previous: [UInt8] = []
        for file in files {
            bytes.append(file.kind.rawValue)
            let shared = Self.sharedCount(previous, file.path)
            Self.put(UInt64(shared), into: &bytes)
            Self.put(text: file.path[shared...], into: &bytes)
            Self.put(UInt64(file.mode), into: &bytes)
            Self.put(fixed: file.modified, into: &bytes)
            switch file.kind {
            case .regular:
                Self.put(file.size, into: &bytes)
                Self.put(fixed: file.changed, into: &bytes)
                Self.put(file.inode, into: &bytes)
            case .link: Self.put(text: file.target[...], into: &bytes)
            case .directory: break
            }
            previous = file.path
        }
        return bytes
    }

    /// Reads a listing, which may be hostile, in time that grows with its length only.
    package init(decoding bytes: [UInt8]) throws(ContextListingError) {
        var reader = Reader(bytes: bytes)
        guard bytes.starts(with: Self.magic) else { throw ContextListingError(description: "it is no listing") }
        reader.position = Self.magic.count
        let count = try reader.number()
        // The shortest file has twelve bytes.
        guard count <= Self.fileLimit, count <= UInt64(bytes.count) / 12 else {
            throw ContextListingError(description: "it says that it has \(count) files, which is more than it can have")
        }
        var files: [File] = []
        files.reserveCapacity(Int(count))
        var texts = 0
        // The directories the file before is in, itself included if it is one.
        var open: [Int] = []
        for _ in 0..<count {
            let file = try Self.file(&reader, previous: files.last?.path ?? [])
            texts += file.path.count + file.target.count
            guard texts <= Self.textLimit else {
                throw ContextListingError(description: "its names have more than \(Self.textLimit) bytes together")
            }
            if let last = files.last, !Self.precedes(last.path, file.path) {
                throw ContextListingError(description: "`\(file.path.displayText)` is not in its place")
            }
            let parent = file.path.lastIndex(of: UInt8(ascii: "/")) ?? 0
            while let index = open.last, files[index].path.count > parent || !Self.begins(file.path, files[index].path)
            {
                open.removeLast()
            }
            guard (open.last.map { files[$0].path.count } ?? 0) == parent else {
                throw ContextListingError(
                    description: "the directory of `\(file.path.displayText)` is not in it")
            }
            if file.kind == .directory { open.append(files.count) }
            files.append(file)
        }
        guard reader.position == bytes.count else {
            throw ContextListingError(description: "\(bytes.count - reader.position) bytes follow its end")
        }
        self.files = files
    }

    private static func file(_ reader: inout Reader, previous: [UInt8]) throws(ContextListingError) -> File {
        guard let kind = File.Kind(rawValue: try reader.byte()) else {
            throw ContextListingError(description: "it has a file of an unknown kind")
        }
        let shared = try reader.number()
        guard shared <= UInt64(previous.count) else {
            throw ContextListingError(description: "a path begins with more than the one before it has")
        }
        let rest = try reader.text(limit: pathLimit - Int(shared))
        var file = File(path: Array(previous[..<Int(shared)]) + rest, kind: kind)
        try check(path: file.path)
        let mode = try reader.number()
        guard mode <= 0o7777 else { throw ContextListingError(description: "a mode is out of range") }
        file.mode = UInt16(mode)
        file.modified = Int64(bitPattern: try reader.fixed())
        switch kind {
        case .regular:
            file.size = try reader.number()
            guard file.size < 1 << 43 else { throw ContextListingError(description: "a file is over 8 TiB") }
            file.changed = Int64(bitPattern: try reader.fixed())
            file.inode = try reader.number()
        case .link:
            file.target = Array(try reader.text(limit: pathLimit))
            guard !file.target.isEmpty, !file.target.contains(0) else {
                throw ContextListingError(description: "the link `\(file.path.displayText)` leads nowhere")
            }
        case .directory: break
        }
        return file
    }

    private static func check(path: [UInt8]) throws(ContextListingError) {
        func refuse(_ reason: String) -> ContextListingError {
            ContextListingError(description: "the path `\(path.prefix(200).map { $0 }.displayText)` \(reason)")
        }
        guard !path.isEmpty, !path.contains(0) else { throw refuse("is empty or has a NUL byte") }
        for name in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !name.isEmpty, name.count <= nameLimit else { throw refuse("has an empty or too long part") }
            guard !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else {
                throw refuse("has `.` or `..` in it")
            }
        }
    }

    /// Whether a path is a directory's or below it.
    private static func begins(_ path: [UInt8], _ directory: [UInt8]) -> Bool {
        path.starts(with: directory) && (path.count == directory.count || path[directory.count] == UInt8(ascii: "/"))
    }

    private static func sharedCount(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let count = min(left.count, right.count)
        return (0..<count).first { left[$0] != right[$0] } ?? count
    }

    private static func put(_ number: UInt64, into bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func put(fixed number: Int64, into bytes: inout [UInt8]) {
        bytes.append(contentsOf: LittleEndianNumber.bytes(UInt64(bitPattern: number)))
    }

    private static func put(text: ArraySlice<UInt8>, into bytes: inout [UInt8]) {
        put(UInt64(text.count), into: &bytes)
        bytes.append(contentsOf: text)
    }

    /// Reads values one after the other.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func byte() throws(ContextListingError) -> UInt8 {
            guard position < bytes.count else { throw ContextListingError(description: "it ends in the middle") }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func number() throws(ContextListingError) -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let byte = try byte()
                guard shift < 63 || byte <= 1 else { throw ContextListingError(description: "a number is too large") }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
        }

        mutating func fixed() throws(ContextListingError) -> UInt64 {
            var value: UInt64 = 0
            for shift in 0..<8 { value |= UInt64(try byte()) << (8 * UInt64(shift)) }
            return value
        }

        mutating func text(limit: Int) throws(ContextListingError) -> ArraySlice<UInt8> {
            let count = try number()
            guard limit >= 0, count <= UInt64(limit) else {
                throw ContextListingError(description: "a name is too long")
            }
            guard count <= UInt64(bytes.count - position) else {
                throw ContextListingError(description: "it ends in the middle")
            }
            defer { position += Int(count) }
            return bytes[position..<position + Int(count)]
        }
    }
}
