/// Reads the databases of dpkg and apk, which are text.
enum SystemPackages {
    /// Packages of one database.
    private static let limit = 100_000

    /// The packages of dpkg's `status`, or of one file of `status.d`.
    ///
    /// Source: deb822(5), dpkg-query(1).
    static func debian(_ text: String, source: String, system: OSRelease?) -> [FoundPackage] {
        var found: [FoundPackage] = []
        for fields in stanzas(text, separator: ":") {
            guard let name = fields["package"], !name.isEmpty, let version = fields["version"], found.count < limit
            else { continue }
            // A removed package may have left its configuration. Files of status.d have no such field.
            if let status = fields["status"], !status.hasSuffix(" installed") { continue }
            var url = PackageURL("deb", namespace: [system?.id ?? "debian"], name: name, version: version)
            url.qualifiers["arch"] = fields["architecture"]
            url.qualifiers["distro"] = system?.distribution
            if let origin = fields["source"] { url.qualifiers["upstream"] = upstream(origin) }
            var package = FoundPackage(url, version: version, source: source, kind: "installed dpkg database")
            package.supplier = fields["maintainer"]
            package.homepage = fields["homepage"]
            found.append(package)
        }
        return found
    }

    /// `Source: curl (7.88.1-10)` is `curl@7.88.1-10`.
    private static func upstream(_ text: String) -> String {
        let words = text.split(separator: " ", maxSplits: 1)
        guard let name = words.first else { return text }
        guard words.count == 2 else { return String(name) }
        return name + "@" + words[1].filter { $0 != "(" && $0 != ")" }
    }

    /// The packages of apk's `installed`.
    ///
    /// Source: Alpine wiki, "Apk spec", installed database.
    static func alpine(_ text: String, source: String, system: OSRelease?) -> [FoundPackage] {
        var found: [FoundPackage] = []
        for fields in stanzas(text, separator: ":", isCaseSensitive: true) {
            guard let name = fields["P"], !name.isEmpty, let version = fields["V"], found.count < limit else {
                continue
            }
            var url = PackageURL("apk", namespace: [system?.id ?? "alpine"], name: name, version: version)
            url.qualifiers["arch"] = fields["A"]
            url.qualifiers["distro"] = system?.distribution
            if let origin = fields["o"], origin != name { url.qualifiers["upstream"] = origin }
            var package = FoundPackage(url, version: version, source: source, kind: "installed apk database")
            package.supplier = fields["m"]
            package.license = fields["L"]
            package.homepage = fields["U"]
            found.append(package)
        }
        return found
    }

    /// Paragraphs of `Name: value`, of which first lines are all that counts, and the first value of a name.
    static func stanzas(
        _ text: String, separator: Character, isCaseSensitive: Bool = false
    ) -> [[String: String]] {
        var stanzas: [[String: String]] = []
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty || line == "\r" {
                if !fields.isEmpty { stanzas.append(fields) }
                fields = [:]
                continue
            }
            guard let first = line.first, first != " ", first != "\t", let colon = line.firstIndex(of: separator) else {
                continue
            }
            let name = isCaseSensitive ? String(line[..<colon]) : line[..<colon].lowercased()
            // apk's database has thousands of lines of files to a package.
            guard fields[name] == nil, fields.count < 64 else { continue }
            fields[name] = trimmed(line[line.index(after: colon)...].prefix(1024))
        }
        if !fields.isEmpty { stanzas.append(fields) }
        return stanzas
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
