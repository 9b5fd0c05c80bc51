/// Files of fields in stanzas, as Debian's tools write them.
///
/// Source: deb822(5).
enum ControlFile {
    /// The stanzas, field names in lower case; continuation lines are joined by line ends.
    static func stanzas(_ text: String) -> [[String: String]] {
        var result: [[String: String]] = []
        var fields: [String: String] = [:]
        var last: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.allSatisfy({ $0 == " " || $0 == "\t" || $0 == "\r" }) {
                if !fields.isEmpty { result.append(fields) }
                fields = [:]
                last = nil
            } else if line.hasPrefix("#") {
                continue
            } else if line.hasPrefix(" ") || line.hasPrefix("\t") {
                if let last { fields[last, default: ""] += "\n" + line.drop { $0 == " " || $0 == "\t" } }
            } else if let colon = line.firstIndex(of: ":") {
                let name = line[..<colon].lowercased()
                fields[name] = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
                last = name
            }
        }
        if !fields.isEmpty { result.append(fields) }
        return result
    }

    /// A field's words.
    static func words(_ field: String?) -> [String] {
        (field ?? "").split { $0 == " " || $0 == "\t" || $0 == "\n" }.map(String.init)
    }
}

/// The database of installed packages.
///
/// Source: deb-status(5).
package enum DpkgStatus {
    /// Every installed package as `package=version`, sorted; `package:architecture` where it is another's.
    package static func installed(_ text: String, architecture: String?) -> [String] {
        ControlFile.stanzas(text).compactMap { fields -> String? in
            guard let package = fields["package"], let version = fields["version"],
                ControlFile.words(fields["status"]) == ["install", "ok", "installed"]
            else { return nil }
            let own = fields["architecture"]
            let isForeign = own != nil && own != "all" && own != architecture
            return isForeign ? "\(package):\(own ?? "")=\(version)" : "\(package)=\(version)"
        }.sorted()
    }
}
