import JSONText

/// Reads files in which package managers of languages keep what they chose, and what installed packages say of
/// themselves.
enum LockFiles {
    /// Packages of one file.
    private static let limit = 50_000

    /// What reads a file of this name; nil where none does.
    static func reader(of name: String) -> (@Sendable ([UInt8], String) -> [FoundPackage])? {
        switch name {
        case "package-lock.json", "npm-shrinkwrap.json", ".package-lock.json": npm
        case "yarn.lock": yarn
        case "pnpm-lock.yaml": pnpm
        case "requirements.txt": requirements
        case "poetry.lock", "uv.lock", "pdm.lock": { tables($0, $1, "pypi", "lock file of Python packages") }
        case "Pipfile.lock": pipfile
        case "go.sum": goSum
        case "Cargo.lock": { tables($0, $1, "cargo", "Cargo.lock") }
        case "Gemfile.lock": gemfile
        case "composer.lock": composer
        case "METADATA", "PKG-INFO": pythonMetadata
        default: nil
        }
    }

    private static func json(_ bytes: [UInt8]) -> JSONValue? {
        try? JSONValue.parse(bytes, limits: JSONLimits(depth: 128, bytes: 64 << 20))
    }

    /// Makes packages of names and versions, each once.
    private static func packages(
        _ pairs: [(String, String)], type: String, source: String, kind: String
    ) -> [FoundPackage] {
        var seen: Set<String> = []
        return pairs.prefix(limit).compactMap { name, version in
            let name = name.prefix(500)
            guard !name.isEmpty, !version.isEmpty, seen.insert("\(name)@\(version)").inserted else { return nil }
            var parts = name.split(separator: "/").map(String.init)
            guard let last = parts.popLast() else { return nil }
            let url = PackageURL(type, namespace: parts, name: last, version: String(version.prefix(200)))
            return FoundPackage(url, version: String(version.prefix(200)), source: source, kind: kind)
        }
    }

    // MARK: JavaScript

    /// Source: npm, package-lock.json, versions 1 to 3.
    @Sendable static func npm(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        guard let root = json(bytes) else { return [] }
        var pairs: [(String, String)] = []
        if let entries = root["packages"]?.objectValue {
            let marker = "node_modules/"
            for (path, value) in entries where value["link"]?.boolValue != true {
                guard let range = path.ranges(of: marker).last, let version = value["version"]?.stringValue else {
                    continue
                }
                pairs.append((value["name"]?.stringValue ?? String(path[range.upperBound...]), version))
            }
        } else {
            var queue = [root["dependencies"]].compactMap { $0?.objectValue }
            while let entries = queue.popLast(), pairs.count < limit {
                for (name, value) in entries {
                    if let version = value["version"]?.stringValue { pairs.append((name, version)) }
                    if let inner = value["dependencies"]?.objectValue { queue.append(inner) }
                }
            }
        }
        return packages(pairs, type: "npm", source: source, kind: "npm lock file")
    }

    /// Both forms of yarn: `"name@range":` with `version "1.2.3"` or `version: 1.2.3` below.
    @Sendable static func yarn(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        var pairs: [(String, String)] = []
        var name: String?
        for line in lines(bytes) {
            if line.first == "#" || line.isEmpty { continue }
            if line.first != " " {
                let first = line.split(separator: ",").first ?? line
                let text = first.filter { $0 != "\"" && $0 != ":" || $0 == ":" && first.contains("@npm:") }
                // A scope begins with the character that ends a name.
                let head = text.dropFirst().prefix { $0 != "@" }
                name = text.isEmpty || text.hasPrefix("__metadata") ? nil : String(text.prefix(1) + head)
                if first.contains("@workspace:") { name = nil }
            } else if let known = name, line.hasPrefix("  version") {
                let value = line.dropFirst("  version".count).filter { $0 != "\"" && $0 != ":" && $0 != " " }
                pairs.append((known, String(value)))
                name = nil
            }
        }
        return packages(pairs, type: "npm", source: source, kind: "yarn lock file")
    }

    /// The keys of `packages:`, as `/name/1.2.3:`, `/name@1.2.3(peer):` or `name@1.2.3:`.
    @Sendable static func pnpm(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        var pairs: [(String, String)] = []
        var isInside = false
        for line in lines(bytes) {
            if line.first != " ", !line.isEmpty {
                isInside = line == "packages:"
                continue
            }
            guard isInside, line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") else { continue }
            var key = line.dropFirst(2).dropLast().filter { $0 != "'" && $0 != "\"" }
            if key.hasPrefix("/") { key.removeFirst() }
            let plain = key.prefix { $0 != "(" }
            let at = plain.dropFirst().lastIndex(of: "@") ?? plain.lastIndex(of: "/")
            guard let at else { continue }
            pairs.append((String(plain[..<at]), String(plain[plain.index(after: at)...])))
        }
        return packages(pairs, type: "npm", source: source, kind: "pnpm lock file")
    }

    // MARK: Python

    /// Lines `name==1.2.3`; others choose no version.
    @Sendable static func requirements(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        var pairs: [(String, String)] = []
        for line in lines(bytes) {
            let text = SystemPackages.trimmed(line.prefix { $0 != "#" && $0 != ";" && $0 != "\\" })
            guard !text.hasPrefix("-"), let range = text.firstRange(of: "==") else { continue }
            let name = text[..<range.lowerBound].prefix { $0 != "[" }
            let version = SystemPackages.trimmed(text[range.upperBound...]).prefix { !$0.isWhitespace && $0 != "," }
            pairs.append((pythonName(SystemPackages.trimmed(name)), version.filter { $0 != "=" }))
        }
        return packages(pairs, type: "pypi", source: source, kind: "requirements file")
    }

    @Sendable static func pipfile(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        guard let root = json(bytes) else { return [] }
        var pairs: [(String, String)] = []
        for group in ["default", "develop"] {
            for (name, value) in root[group]?.objectValue ?? [:] {
                guard let version = value["version"]?.stringValue else { continue }
                pairs.append((pythonName(name), version.filter { $0 != "=" }))
            }
        }
        return packages(pairs, type: "pypi", source: source, kind: "Pipfile.lock")
    }

    /// What an installed distribution says of itself.
    ///
    /// Source: Python packaging, core metadata specification.
    @Sendable static func pythonMetadata(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        let folder = source.split(separator: "/").dropLast().last ?? ""
        guard folder.hasSuffix(".dist-info") || folder.hasSuffix(".egg-info") || source.hasSuffix("PKG-INFO") else {
            return []
        }
        let head = String(decoding: bytes.prefix(64 << 10), as: UTF8.self)
        guard let fields = SystemPackages.stanzas(head, separator: ":").first, let name = fields["name"],
            let version = fields["version"]
        else { return [] }
        var found = packages(
            [(pythonName(name), version)], type: "pypi", source: source, kind: "installed Python package")
        for index in found.indices {
            found[index].name = name
            found[index].license = fields["license-expression"] ?? fields["license"]
            found[index].supplier = fields["author"]
            found[index].homepage = fields["home-page"]
        }
        return found
    }

    /// The form of a name by which names are compared: PEP 503.
    static func pythonName(_ text: String) -> String {
        var name = ""
        for character in text.lowercased() {
            let isDash = character == "-" || character == "_" || character == "."
            if isDash, name.hasSuffix("-") { continue }
            name.append(isDash ? "-" : character)
        }
        return name
    }

    // MARK: Go, Rust, Ruby, PHP

    /// Lines `module version hash`; those of `go.mod` files alone are no code.
    @Sendable static func goSum(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        let pairs = lines(bytes).compactMap { line -> (String, String)? in
            let words = line.split(separator: " ")
            guard words.count == 3, !words[1].hasSuffix("/go.mod") else { return nil }
            return (String(words[0]), String(words[1]))
        }
        return packages(pairs, type: "golang", source: source, kind: "go.sum")
    }

    /// `[[package]]` with `name = "…"` and `version = "…"`: the part of TOML that these files use.
    static func tables(_ bytes: [UInt8], _ source: String, _ type: String, _ kind: String) -> [FoundPackage] {
        var pairs: [(String, String)] = []
        var (name, version) = (nil as String?, nil as String?)
        var isPackage = false
        for line in lines(bytes) {
            if line.hasPrefix("[") {
                isPackage = line == "[[package]]"
                (name, version) = (nil, nil)
            } else if isPackage, let equals = line.firstIndex(of: "=") {
                let value = SystemPackages.trimmed(line[line.index(after: equals)...]).filter {
                    $0 != "\"" && $0 != "'"
                }
                switch SystemPackages.trimmed(line[..<equals]) {
                case "name": name = type == "pypi" ? pythonName(value) : value
                case "version": version = value
                default: continue
                }
                if let known = name, let number = version {
                    pairs.append((known, number))
                    isPackage = false
                }
            }
        }
        return packages(pairs, type: type, source: source, kind: kind)
    }

    /// The lines `    name (1.2.3)` below `specs:`.
    @Sendable static func gemfile(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        let pairs = lines(bytes).compactMap { line -> (String, String)? in
            guard line.hasPrefix("    "), !line.hasPrefix("     "), line.hasSuffix(")"),
                let open = line.firstRange(of: " (")
            else { return nil }
            return (String(line[..<open.lowerBound].dropFirst(4)), String(line[open.upperBound...].dropLast()))
        }
        return packages(pairs, type: "gem", source: source, kind: "Gemfile.lock")
    }

    @Sendable static func composer(_ bytes: [UInt8], _ source: String) -> [FoundPackage] {
        guard let root = json(bytes) else { return [] }
        var pairs: [(String, String)] = []
        for value in root["packages"]?.arrayValue ?? [] {
            guard let name = value["name"]?.stringValue, let version = value["version"]?.stringValue else { continue }
            pairs.append((name, version))
        }
        return packages(pairs, type: "composer", source: source, kind: "composer.lock")
    }

    /// Lines without their ends; none is longer than 4096 characters.
    private static func lines(_ bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map { $0.prefix(4096) }
    }
}
