import Linux

/// The canonical tar form: equal files give equal bytes, so that a digest of them means something.
///
/// ustar headers without user and group names, whole seconds in the header, and a pax header in front only for what
/// ustar cannot say. Source: POSIX pax, "ustar Interchange Format" and "pax Extended Header".
package enum TarWriter {
    /// Two blocks of zeros.
    package static let endMarker = [UInt8](repeating: 0, count: 2 * TarHeader.size)

    /// Zeros that fill a file's last block.
    package static func padding(after size: UInt64) -> [UInt8] {
        [UInt8](repeating: 0, count: Int((512 - size % 512) % 512))
    }

    /// The header of an entry, with a pax header in front where one is needed.
    package static func header(of entry: TarEntry) throws(ArchiveError) -> [UInt8] {
        let name = shownName(entry)
        let records = paxRecords(entry, name: name)
        let block = try headerBlock(entry, name: name)
        guard !records.isEmpty else { return block }
        var extended = TarEntry(path: Array("pax".utf8), kind: .regular)
        extended.size = UInt64(records.count)
        extended.offset = entry.offset
        let front = try headerBlock(extended, name: extended.path, typeFlag: UInt8(ascii: "x"))
        return front + records + padding(after: extended.size) + block
    }

    /// Directories end in a slash; the root is `./`.
    private static func shownName(_ entry: TarEntry) -> [UInt8] {
        let slash = UInt8(ascii: "/")
        guard entry.kind == .directory, entry.path != [slash] else { return entry.path }
        return (entry.path.isEmpty ? [UInt8(ascii: ".")] : entry.path) + [slash]
    }

    private static func paxRecords(_ entry: TarEntry, name: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ key: String, _ value: [UInt8]) {
            // The length counts its own digits.
            let body = 1 + key.utf8.count + 1 + value.count + 1
            var length = body + 1
            while length != body + String(length).utf8.count { length = body + String(length).utf8.count }
            bytes.append(contentsOf: "\(length) \(key)=".utf8)
            bytes.append(contentsOf: value)
            bytes.append(UInt8(ascii: "\n"))
        }
        if name.count > 100 { add("path", name) }
        if entry.linkTarget.count > 100 { add("linkpath", entry.linkTarget) }
        if entry.size >= 1 << 33 { add("size", Array(String(entry.size).utf8)) }
        if entry.userID >= 1 << 21 { add("uid", Array(String(entry.userID).utf8)) }
        if entry.groupID >= 1 << 21 { add("gid", Array(String(entry.groupID).utf8)) }
        if entry.modified.nanoseconds != 0 || !(0..<1 << 33).contains(entry.modified.seconds) {
            add("mtime", Array(decimal(entry.modified).utf8))
        }
        for attribute in entry.attributes.sorted(by: { $0.name < $1.name }) {
            add("SCHILY.xattr." + attribute.name, attribute.value)
        }
        return bytes
    }

    /// Seconds with a fraction where there is one.
    private static func decimal(_ time: Timestamp) -> String {
        var seconds = time.seconds
        var nanoseconds = Int64(time.nanoseconds)
        let isNegative = seconds < 0
        if isNegative, nanoseconds > 0 {
            seconds += 1
            nanoseconds = 1_000_000_000 - nanoseconds
        }
        let sign = isNegative ? "-" : ""
        guard nanoseconds > 0 else { return sign + String(seconds.magnitude) }
        let digits = String(nanoseconds)
        var fraction = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return sign + String(seconds.magnitude) + "." + fraction
    }

    private static func headerBlock(
        _ entry: TarEntry, name: [UInt8], typeFlag: UInt8? = nil
    ) throws(ArchiveError) -> [UInt8] {
        var block: [UInt8] = []
        block.reserveCapacity(TarHeader.size)
        func text(_ bytes: [UInt8], _ width: Int) {
            block.append(contentsOf: bytes.prefix(width))
            block.append(contentsOf: repeatElement(0, count: max(0, width - bytes.count)))
        }
        func octal(_ value: UInt64, _ width: Int) {
            // What does not fit is in the pax header, and the field is zero.
            let digits = String(value >> (3 * UInt64(width - 1)) == 0 ? value : 0, radix: 8)
            block.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: width - 1 - digits.utf8.count))
            block.append(contentsOf: digits.utf8)
            block.append(0)
        }
        text(name, 100)
        octal(UInt64(entry.mode), 8)
        octal(UInt64(entry.userID), 8)
        octal(UInt64(entry.groupID), 8)
        octal(entry.kind == .regular ? entry.size : 0, 12)
        octal(UInt64(clamping: entry.modified.seconds), 12)
        text(Array("        ".utf8), 8)
        block.append(typeFlag ?? flag(of: entry.kind))
        text(entry.linkTarget, 100)
        text(Array("ustar".utf8), 6)
        text(Array("00".utf8), 2)
        text([], 64)
        octal(UInt64(entry.device.major), 8)
        octal(UInt64(entry.device.minor), 8)
        text([], TarHeader.size - block.count)
        let sum = block.reduce(UInt64(0)) { $0 + UInt64($1) }
        let digits = String(sum, radix: 8)
        let field = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        block.replaceSubrange(148..<156, with: Array(field.utf8) + [0, UInt8(ascii: " ")])
        return block
    }

    private static func flag(of kind: EntryKind) -> UInt8 {
        switch kind {
        case .regular: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .characterDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        }
    }
}
