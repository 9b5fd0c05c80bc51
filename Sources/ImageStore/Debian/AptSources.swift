import Diagnostics
import Linux

/// The Debian archives a root file system is installed from, as lines of a `sources.list`.
///
/// Source: sources.list(5), both the one-line and the deb822 form.
package enum AptSources {
    /// One archive.
    package struct Archive: Sendable, Hashable {
        /// Where the archive is.
        package var uri: String
        /// The suite as the archive calls it, such as `bookworm-updates`.
        package var suite: String
        /// Its parts that are used.
        package var components: [String]
        /// The keyring it is signed with, where the list says.
        package var signedBy: String?

        package init(uri: String, suite: String, components: [String], signedBy: String? = nil) {
            self.uri = uri
            self.suite = suite
            self.components = components
            self.signedBy = signedBy
        }

        /// The archive as one line of a `sources.list`.
        package var line: String {
            let options = signedBy.map { "[signed-by=\($0)] " } ?? ""
            return "deb \(options)\(uri) \(suite) \(components.joined(separator: " "))"
        }
    }

    /// Where Debian itself is served.
    package static let defaultMirror = "http://deb.debian.org/debian"
    private static let debianComponents: Set<String> = ["main", "contrib", "non-free", "non-free-firmware"]

    /// The archives that an image itself names: those of its mirror, or Debian's public ones, whatever it was made
    /// from.
    package static func written(suite: String, mirror: String?) -> [Archive] {
        if let mirror { return [Archive(uri: mirror, suite: suite, components: ["main"])] }
        let main = Archive(uri: defaultMirror, suite: suite, components: ["main"])
        if ["sid", "unstable", "experimental"].contains(suite) { return [main] }
        return [
            main, Archive(uri: defaultMirror, suite: suite + "-updates", components: ["main"]),
            Archive(uri: defaultMirror + "-security", suite: suite + "-security", components: ["main"]),
        ]
    }

    /// The archives of a suite on this machine's own list; empty when it has none.
    ///
    /// Archives of others than Debian are left out, whatever suite they claim.
    package static func ofHost(suite: String, directory: String = "/etc/apt") -> [Archive] {
        var files = [directory + "/sources.list"]
        let parts = (try? Files.list(directory + "/sources.list.d")) ?? []
        files += parts.map { directory + "/sources.list.d/" + $0.name }
        var found: [Archive] = []
        for file in files {
            guard let text = try? Files.readText(file) else { continue }
            let archives = file.hasSuffix(".sources") ? deb822(text) : file.hasSuffix(".list") ? oneLine(text) : []
            found += archives.filter { isDebian($0, suite: suite) && !found.contains($0) }
        }
        // Updates alone are no system.
        return found.contains { $0.suite == suite } ? found : []
    }

    /// Whether an archive is Debian's own, and of this suite.
    package static func isDebian(_ archive: Archive, suite: String) -> Bool {
        let suites = [suite, suite + "-updates", suite + "-security", suite + "/updates"]
        let path = archive.uri.split(separator: "/").last
        let isDebianKey = archive.signedBy.map { $0.contains("debian-archive-") } ?? true
        return suites.contains(archive.suite) && (path == "debian" || path == "debian-security") && isDebianKey
            && archive.components.contains("main") && archive.components.allSatisfy(debianComponents.contains)
    }

    /// Lines such as `deb [signed-by=/k.gpg] http://deb.debian.org/debian bookworm main`.
    package static func oneLine(_ text: String) -> [Archive] {
        text.split(separator: "\n").compactMap { line in
            var words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }[...]
            guard words.popFirst() == "deb" else { return nil }
            var options: [Substring] = []
            if words.first?.hasPrefix("[") == true {
                while let word = words.popFirst() {
                    options.append(word.drop { $0 == "[" }.prefix { $0 != "]" })
                    if word.hasSuffix("]") { break }
                }
            }
            guard let uri = words.popFirst(), let suite = words.popFirst() else { return nil }
            let key = options.first { $0.hasPrefix("signed-by=") }?.dropFirst("signed-by=".count)
            return Archive(
                uri: trimmed(uri), suite: String(suite), components: words.map(String.init),
                signedBy: key.map(String.init))
        }
    }

    /// Stanzas of fields, several archives in each.
    package static func deb822(_ text: String) -> [Archive] {
        var archives: [Archive] = []
        for fields in ControlFile.stanzas(text) {
            let types = ControlFile.words(fields["types"])
            let enabled = fields["enabled"].map { $0 != "no" } ?? true
            guard types.contains("deb"), enabled else { continue }
            // A key may stand in the file itself; mmdebstrap then has the one of its own keyring.
            let key = fields["signed-by"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            for uri in ControlFile.words(fields["uris"]) {
                for suite in ControlFile.words(fields["suites"]) {
                    archives.append(
                        Archive(
                            uri: trimmed(uri), suite: suite, components: ControlFile.words(fields["components"]),
                            signedBy: key))
                }
            }
        }
        return archives
    }

    private static func trimmed(_ uri: some StringProtocol) -> String {
        uri.hasSuffix("/") ? String(uri.dropLast()) : String(uri)
    }
}
