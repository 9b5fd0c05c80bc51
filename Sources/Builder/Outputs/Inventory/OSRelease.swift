/// The distribution a file tree is of.
///
/// Source: os-release(5).
struct OSRelease: Sendable, Hashable {
    var id = ""
    var version = ""
    var name = ""

    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline).prefix(200) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: equals)...].filter { $0 != "\"" && $0 != "'" }
            switch line[..<equals] {
            case "ID": id = String(value.prefix(64))
            case "VERSION_ID": version = String(value.prefix(64))
            case "PRETTY_NAME": name = String(value.prefix(200))
            default: break
            }
        }
    }

    /// The `distro` of a package's URL: `debian-12`.
    var distribution: String { version.isEmpty ? id : "\(id)-\(version)" }
}
