import Diagnostics

extension ModelReader {
    /// An environment with what files say of names it has not; of two files the later counts.
    func environment(
        from paths: [String], under outer: [String: String], requiresAll: Bool, at location: SourceLocation?
    ) throws(DiagnosticList) -> [String: String] {
        var found: [String: String] = [:]
        for path in paths where path != "/dev/null" {
            guard let bytes = try bytes(of: path, at: location) else {
                guard requiresAll else { continue }
                throw DiagnosticList(
                    Diagnostic(
                        code: "SC2217", summary: "there is no file \(shown(path)) to take variables from",
                        hint: "make it, or correct the path", location: location))
            }
            let variables = try variables(in: bytes, of: path, format: nil) { outer[$0] ?? found[$0] }
            for entry in variables.entries { found[entry.key] = entry.value.string }
        }
        return outer.merging(found) { own, _ in own }
    }

    /// What a file of variables says; null for a name alone that has no value elsewhere, either.
    ///
    /// - Parameter value: values that go before those of the file, in what refers to them.
    func variables(
        in bytes: [UInt8], of path: String, format: String?, value: (String) -> String?
    ) throws(DiagnosticList) -> ComposeMap {
        let file = try EnvironmentFile.read(bytes, file: shown(path), isRaw: format == "raw", lookup: value)
        for warning in file.warnings { findings.add(warning) }
        return ComposeMap(
            file.entries.map { entry in
                let text = entry.value ?? value(entry.name)
                return ComposeMap.Entry(
                    key: entry.name, value: ComposeNode(text.map { .string($0) } ?? .null, at: entry.location),
                    location: entry.location)
            })
    }
}
