import Linux

/// Reads rpm's database where it is an SQLite file, as since Fedora 33 and RHEL 9.
///
/// Source: rpm, docs/manual/format_header.md and lib/backend/sqlite.cc.
enum RPMDatabase {
    private enum Tag {
        static let name: UInt32 = 1000
        static let version: UInt32 = 1001
        static let release: UInt32 = 1002
        static let epoch: UInt32 = 1003
        static let vendor: UInt32 = 1011
        static let license: UInt32 = 1014
        static let address: UInt32 = 1020
        static let architecture: UInt32 = 1022
        static let source: UInt32 = 1044
    }

    private static let limit = 10_000

    /// - Throws: `SQLiteTableError`, `SystemError`.
    static func packages(_ file: SharedDescriptor, source: String, system: OSRelease?) throws -> [FoundPackage] {
        var found: [FoundPackage] = []
        try SQLiteTable(file).rows(of: "Packages") { values in
            for case .bytes(let header) in values {
                if let package = package(header, source: source, system: system) { found.append(package) }
            }
        }
        return found
    }

    private static func package(_ header: [UInt8], source: String, system: OSRelease?) -> FoundPackage? {
        let fields = fields(header)
        guard let name = fields[Tag.name], !name.isEmpty, let version = fields[Tag.version] else { return nil }
        // The key of whoever signs packages is no program.
        guard name != "gpg-pubkey" else { return nil }
        let release = fields[Tag.release].map { "\(version)-\($0)" } ?? version
        var url = PackageURL("rpm", namespace: [system?.id ?? ""], name: name, version: release)
        url.qualifiers["arch"] = fields[Tag.architecture]
        url.qualifiers["epoch"] = fields[Tag.epoch]
        url.qualifiers["distro"] = system?.distribution
        url.qualifiers["upstream"] = fields[Tag.source]
        var package = FoundPackage(url, version: release, source: source, kind: "installed rpm database")
        package.supplier = fields[Tag.vendor]
        package.license = fields[Tag.license]
        package.homepage = fields[Tag.address]
        return package
    }

    /// The first value of each text and number of a header.
    private static func fields(_ header: [UInt8]) -> [UInt32: String] {
        let (count, size) = (Int(integer(header, 0)), Int(integer(header, 4)))
        let data = 8 + count * 16
        guard header.count >= 8, count <= limit, data + size <= header.count else { return [:] }
        var fields: [UInt32: String] = [:]
        for index in 0..<count {
            let entry = 8 + index * 16
            let (tag, type) = (integer(header, entry), integer(header, entry + 4))
            let offset = Int(integer(header, entry + 8))
            guard offset < size, fields[tag] == nil else { continue }
            switch type {
            case 4: fields[tag] = String(integer(header, data + offset))
            case 6, 8, 9:
                let text = header[(data + offset)..<(data + size)].prefix(2048).prefix { $0 != 0 }
                fields[tag] = String(decoding: text, as: UTF8.self)
            default: continue
            }
        }
        return fields
    }

    /// A big-endian number; 0 beyond the end.
    private static func integer(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        guard offset >= 0, offset + 4 <= bytes.count else { return 0 }
        return bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
