import Linux

/// Reads what Go's linker writes into a program: the modules it is made of.
///
/// Nothing the file says is believed without a bound: offsets, sizes and counts.
///
/// Source: Go, debug/buildinfo; ELF-64 object file format.
enum GoProgram {
    private static let section = Array(".go.buildinfo".utf8)
    private static let magic: [UInt8] = [0xff] + Array(" Go buildinf:".utf8)
    private static let limit = (sections: 1000, names: 1 << 16, info: 4 << 20)

    /// The modules of an open file; empty where it is no program of Go.
    static func packages(_ file: SharedDescriptor, source: String) -> [FoundPackage] {
        guard let (go, text) = modules(file) else { return [] }
        var found: [FoundPackage] = []
        // `go1.24.3 X:experiment` is the release of the standard library too.
        let release = String(go.dropFirst("go".count).prefix { $0 != " " })
        if go.hasPrefix("go1"), !release.isEmpty {
            found.append(
                FoundPackage(
                    PackageURL("golang", name: "stdlib", version: release), version: release, source: source,
                    kind: "modules of a Go program"))
        }
        var pending: FoundPackage?
        for line in text.split(separator: "\n").prefix(20_000) {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard words.count >= 3, let kind = words.first, kind == "dep" || kind == "mod" || kind == "=>" else {
                continue
            }
            // A replacement stands for the line before it.
            if kind != "=>", let done = pending { found.append(done) }
            var parts = words[1].split(separator: "/").map(String.init)
            let version = String(words[2])
            guard let name = parts.popLast(), version != "(devel)", !version.isEmpty else {
                pending = nil
                continue
            }
            pending = FoundPackage(
                PackageURL("golang", namespace: parts, name: name, version: version), version: version, source: source,
                kind: "modules of a Go program")
        }
        if let done = pending { found.append(done) }
        return found
    }

    private static func modules(_ file: SharedDescriptor) -> (go: String, modules: String)? {
        guard let header = read(file, 64, at: 0), header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
            return nil
        }
        let (table, size) = (integer(header, 40, 8), integer(header, 58, 2))
        let (count, names) = (integer(header, 60, 2), integer(header, 62, 2))
        guard size == 64, count > 0, count <= limit.sections, names < count,
            let sections = read(file, Int(count) * 64, at: Int64(clamping: table)),
            let strings = contents(file, sections, Int(names), limit: limit.names)
        else { return nil }
        for index in 0..<Int(count) {
            let name = Int(integer(sections, index * 64, 4))
            guard name < strings.count, strings[name...].starts(with: section + [0]) else { continue }
            guard let info = contents(file, sections, index, limit: limit.info) else { return nil }
            return text(info)
        }
        return nil
    }

    private static func contents(
        _ file: SharedDescriptor, _ sections: [UInt8], _ index: Int, limit: Int
    ) -> [UInt8]? {
        let (offset, size) = (integer(sections, index * 64 + 24, 8), integer(sections, index * 64 + 32, 8))
        guard size > 0, size <= UInt64(limit), offset <= UInt64(Int64.max) else { return nil }
        return read(file, Int(size), at: Int64(offset))
    }

    /// The second of two strings that follow the head, each behind its length.
    private static func text(_ info: [UInt8]) -> (go: String, modules: String)? {
        guard info.count > 32, info.starts(with: magic), info[15] & 2 != 0 else { return nil }
        var position = 32
        guard let version = string(info, &position), version.count < 256, let modules = string(info, &position) else {
            return nil
        }
        // Sixteen bytes on each side mark the text for other tools.
        return (
            String(decoding: version, as: UTF8.self),
            String(decoding: modules.dropFirst(16).dropLast(16), as: UTF8.self)
        )
    }

    private static func string(_ bytes: [UInt8], _ position: inout Int) -> ArraySlice<UInt8>? {
        var (length, shift) = (0, 0)
        while position < bytes.count, shift < 28 {
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 127) << shift
            shift += 7
            guard byte & 128 == 0 else { continue }
            guard length <= bytes.count - position else { return nil }
            defer { position += length }
            return bytes[position..<position + length]
        }
        return nil
    }

    private static func read(_ file: SharedDescriptor, _ count: Int, at offset: Int64) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard let more = try? file.pread(upTo: count - bytes.count, at: offset + Int64(bytes.count)), !more.isEmpty
            else { return nil }
            bytes += more
        }
        return bytes
    }

    /// A little-endian number; 0 beyond the end.
    private static func integer(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        guard offset >= 0, offset + width <= bytes.count else { return 0 }
        return bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
