import Linux

/// Reads a tar archive of any common dialect, entry by entry, in constant memory.
///
/// Understood: v7, ustar, GNU (long names, base-256 numbers, sparse files) and pax (long names, big numbers,
/// fractions of a second, extended attributes, all three sparse forms). Not understood kinds are errors, not files.
package final class TarReader {
    let stream: TarStream
    let limits: TarLimits
    private let paths: ArchivePath
    private var globals = PaxRecords()
    private var entryCount = 0
    private var totalBytes: UInt64 = 0

    // What is left of the current entry's data.
    var stored: UInt64 = 0
    private var padding: UInt64 = 0
    private var current: TarEntry?

    package init(_ source: any ByteSource, limits: TarLimits = .init()) {
        stream = TarStream(source)
        self.limits = limits
        paths = ArchivePath(limits: limits)
    }

    /// The next entry, passing over what is left of the one before; nil at the archive's end.
    package func next() throws(ArchiveError) -> TarEntry? {
        try skipRest()
        let start = stream.position
        var extensions = EntryExtensions(records: globals)
        while true {
            let offset = stream.position
            guard let block = try stream.exactly(TarHeader.size, entry: nil) else {
                guard !limits.requiresEndMarker, extensions.isEmpty else {
                    throw .truncated(entry: nil, offset: offset)
                }
                return nil
            }
            let header = TarHeader(block: block)
            if header.isZero {
                guard extensions.isEmpty else { throw .truncated(entry: nil, offset: offset) }
                return nil
            }
            guard header.hasValidChecksum else {
                throw .malformed(entry: nil, offset: offset, reason: "the header's checksum is wrong")
            }
            if try readExtension(header, offset: offset, into: &extensions) { continue }
            return try readEntry(header, extensions: extensions, offset: start)
        }
    }

    /// Where the current entry's data begins in the uncompressed archive, before any of it was read.
    package var dataOffset: UInt64 { stream.position }

    /// Gives the current entry's data in pieces, holes as lengths.
    ///
    /// Each piece is valid only inside the call.
    package func readData(_ body: (TarData) throws(ArchiveError) -> Void) throws(ArchiveError) {
        guard let entry = current else { return }
        guard let extents = entry.extents else { return try readStored(stored, entry, body) }
        var position: UInt64 = 0
        for extent in extents {
            if extent.offset > position { try body(.hole(extent.offset - position)) }
            try readStored(extent.length, entry, body)
            position = extent.offset + extent.length
        }
        if entry.size > position { try body(.hole(entry.size - position)) }
    }

    private func readStored(
        _ count: UInt64, _ entry: TarEntry, _ body: (TarData) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        guard count <= stored else {
            throw .malformed(
                entry: entry.name, offset: entry.offset, reason: "its sparse map names more data than it has")
        }
        var left = count
        while left > 0 {
            let piece = try stream.next(upTo: left)
            guard !piece.isEmpty else { throw .truncated(entry: entry.name, offset: entry.offset) }
            left -= UInt64(piece.count)
            stored -= UInt64(piece.count)
            try body(.bytes(piece))
        }
    }

    /// Reads on to the end of the source, behind the archive's own end.
    ///
    /// - Throws: `ArchiveError.limit` when more than `limit` bytes follow.
    func drain(limit: UInt64 = 1 << 30) throws(ArchiveError) {
        let start = stream.position
        while try !stream.next(upTo: .max).isEmpty {
            guard stream.position - start <= limit else {
                throw .limit(entry: nil, offset: stream.position, reason: "too many bytes follow the archive's end")
            }
        }
    }

    /// The bytes that are left of the current entry's data, without holes, as a source of their own.
    ///
    /// Valid until `next` is called.
    package var contents: any ByteSource { TarContentsSource(self) }

    /// Copies some of what is left of the current entry's data; 0 at its end.
    fileprivate func readStored(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard stored > 0, let entry = current, !buffer.isEmpty else { return 0 }
        let piece = try stream.next(upTo: min(stored, UInt64(buffer.count)))
        guard !piece.isEmpty else { throw .truncated(entry: entry.name, offset: entry.offset) }
        buffer.copyMemory(from: piece)
        stored -= UInt64(piece.count)
        return piece.count
    }

    private func skipRest() throws(ArchiveError) {
        try stream.skip(stored, entry: current)
        // Docker's client ends a context it has changed right after the last byte of the last file.
        try stream.skip(padding, entry: current, mayEnd: !limits.requiresEndMarker)
        stored = 0
        padding = 0
        current = nil
    }
}

/// The contents of an archive's current entry.
private final class TarContentsSource: ByteSource {
    private let reader: TarReader

    init(_ reader: TarReader) {
        self.reader = reader
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        try reader.readStored(into: buffer)
    }
}

/// A piece of a file's contents.
package enum TarData {
    /// Bytes, valid only while they are handed over.
    case bytes(UnsafeRawBufferPointer)
    /// So many bytes of zeros that are not stored.
    case hole(UInt64)
}

/// What extension headers in front of an entry say about it.
struct EntryExtensions {
    var records: PaxRecords
    var longName: [UInt8]?
    var longLink: [UInt8]?
    /// Whether no extension header was read yet.
    var isEmpty = true
}

extension TarReader {
    /// Reads the body of an extension header; false when the header is an entry's own.
    private func readExtension(
        _ header: TarHeader, offset: UInt64, into extensions: inout EntryExtensions
    ) throws(ArchiveError) -> Bool {
        let flag = header.typeFlag
        guard [UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K")].contains(flag) else {
            return false
        }
        guard let size = header.size, size >= 0, size <= limits.headerBytes else {
            throw .limit(
                entry: nil, offset: offset, reason: "an extended header has more than \(limits.headerBytes) bytes")
        }
        let body = try readBody(Int(size), offset: offset)
        do {
            switch flag {
            case UInt8(ascii: "L"): extensions.longName = Array(body.prefix { $0 != 0 })
            case UInt8(ascii: "K"): extensions.longLink = Array(body.prefix { $0 != 0 })
            case UInt8(ascii: "g"):
                try globals.merge(body, limits: limits)
                try extensions.records.merge(body, limits: limits)
                return true
            default: try extensions.records.merge(body, limits: limits)
            }
        } catch {
            throw .malformed(entry: nil, offset: offset, reason: error.reason)
        }
        extensions.isEmpty = false
        return true
    }

    private func readBody(_ size: Int, offset: UInt64) throws(ArchiveError) -> [UInt8] {
        guard size > 0 else { return [] }
        let padded = (size + TarHeader.size - 1) / TarHeader.size * TarHeader.size
        // The window is smaller than the largest header may be, so that it is gathered in pieces.
        var body: [UInt8] = []
        body.reserveCapacity(padded)
        while body.count < padded {
            let piece = try stream.next(upTo: UInt64(padded - body.count))
            guard !piece.isEmpty else { throw .truncated(entry: nil, offset: offset) }
            body.append(contentsOf: piece)
        }
        body.removeLast(padded - size)
        return body
    }

    private func readEntry(
        _ header: TarHeader, extensions: EntryExtensions, offset: UInt64
    ) throws(ArchiveError) -> TarEntry {
        let records = extensions.records
        let rawName = records.sparse.name ?? records.path ?? extensions.longName ?? header.name
        let shown = String(decoding: rawName.prefix(200), as: UTF8.self)
        entryCount += 1
        guard entryCount <= limits.entries else {
            throw .limit(entry: shown, offset: offset, reason: "the archive has more than \(limits.entries) entries")
        }
        let kind = try kind(of: header, rawName: rawName, shown: shown, offset: offset)
        var entry = TarEntry(path: [], kind: kind)
        entry.offset = offset
        try readNames(header, extensions, rawName: rawName, shown: shown, into: &entry)
        try readNumbers(header, records, shown: shown, into: &entry)
        entry.attributes = records.attributes
        guard kind == .regular else {
            current = entry
            return entry
        }
        try readSize(header, records, shown: shown, into: &entry)
        current = entry
        return entry
    }

    private func kind(
        of header: TarHeader, rawName: [UInt8], shown: String, offset: UInt64
    ) throws(ArchiveError) -> EntryKind {
        switch header.typeFlag {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            // Before ustar a directory was a file whose name ends in a slash.
            rawName.last == UInt8(ascii: "/") ? .directory : .regular
        case UInt8(ascii: "S"): .regular
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symbolicLink
        case UInt8(ascii: "3"): .characterDevice
        case UInt8(ascii: "4"): .blockDevice
        case UInt8(ascii: "5"): .directory
        case UInt8(ascii: "6"): .fifo
        case let flag:
            throw .malformed(
                entry: shown, offset: offset,
                reason: "its type `\(String(decoding: [flag], as: UTF8.self))` is not supported")
        }
    }

    private func readNames(
        _ header: TarHeader, _ extensions: EntryExtensions, rawName: [UInt8], shown: String, into entry: inout TarEntry
    ) throws(ArchiveError) {
        do throws(ArchivePath.Refusal) {
            entry.path = try paths.normalized(rawName)
            let link = extensions.records.linkPath ?? extensions.longLink ?? header.linkName
            switch entry.kind {
            case .hardLink: entry.linkTarget = try paths.normalized(link, what: "its link's target")
            case .symbolicLink:
                try paths.checkSymbolicLink(at: entry.path, target: link)
                entry.linkTarget = link
            default: break
            }
        } catch {
            if error.isLimit { throw .limit(entry: shown, offset: entry.offset, reason: error.reason) }
            throw .malformed(entry: shown, offset: entry.offset, reason: error.reason)
        }
    }

    private func readNumbers(
        _ header: TarHeader, _ records: PaxRecords, shown: String, into entry: inout TarEntry
    ) throws(ArchiveError) {
        func bad(_ field: String) -> ArchiveError {
            .malformed(entry: shown, offset: entry.offset, reason: "its \(field) is not a number in range")
        }
        guard let mode = header.mode, mode >= 0 else { throw bad("mode") }
        entry.mode = UInt16(truncatingIfNeeded: mode & 0o7777)
        guard let user = records.userID.map(Int64.init(clamping:)) ?? header.userID,
            let userID = UInt32(exactly: user), userID != .max
        else { throw bad("user id") }
        guard let group = records.groupID.map(Int64.init(clamping:)) ?? header.groupID,
            let groupID = UInt32(exactly: group), groupID != .max
        else { throw bad("group id") }
        entry.userID = userID
        entry.groupID = groupID
        guard let modified = records.modified ?? header.modified.map({ Timestamp(seconds: $0) }) else {
            throw bad("modification time")
        }
        entry.modified = modified
        if entry.kind == .characterDevice || entry.kind == .blockDevice {
            // Linux device numbers have 12 bits of major and 20 bits of minor.
            guard let major = header.deviceMajor, (0..<1 << 12).contains(major),
                let minor = header.deviceMinor, (0..<1 << 20).contains(minor)
            else { throw bad("device number") }
            entry.device = DeviceNumber(major: UInt32(major), minor: UInt32(minor))
        }
    }

    private func readSize(
        _ header: TarHeader, _ records: PaxRecords, shown: String, into entry: inout TarEntry
    ) throws(ArchiveError) {
        guard let size = records.size ?? header.size.flatMap({ UInt64(exactly: $0) }), size < 1 << 62 else {
            throw .malformed(entry: shown, offset: entry.offset, reason: "its size is not a number in range")
        }
        stored = size
        padding = (512 - size % 512) % 512
        entry.size = size
        if header.typeFlag == UInt8(ascii: "S") {
            try readGNUSparse(header, into: &entry)
        } else if records.sparse.isPresent {
            try readPaxSparse(records.sparse, into: &entry)
        }
        totalBytes += entry.size
        guard totalBytes <= limits.totalBytes else {
            throw .limit(
                entry: shown, offset: entry.offset,
                reason: "the archive's files have more than \(limits.totalBytes) bytes together")
        }
    }
}
