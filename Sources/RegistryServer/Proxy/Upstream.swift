import Diagnostics
import Linux
import OCI
import Registry

/// A registry whose images are kept here, and the repositories that stand for it.
package struct Upstream: Sendable, Hashable {
    /// What the names of its repositories begin with here; empty for all repositories.
    let prefix: String
    /// Its name as in image references.
    let domain: String
    /// Whether plain HTTP was written.
    let isPlain: Bool

    /// Reads `https://HOST[:PORT]` or `PREFIX=https://HOST[:PORT]`.
    ///
    /// - Throws: `Diagnostic`.
    package init(_ text: String) throws(Diagnostic) {
        var rest = Substring(text)
        if let equals = text.firstIndex(of: "="), !text[..<equals].contains("://") {
            prefix = String(text[..<equals])
            rest = text[text.index(after: equals)...]
            guard RepositoryName(prefix) != nil else {
                throw Self.bad(text, "`\(prefix)` is no beginning of a repository's name")
            }
        } else {
            prefix = ""
        }
        if rest.hasPrefix("http://") {
            isPlain = true
        } else if rest.hasPrefix("https://") {
            isPlain = false
        } else {
            throw Self.bad(text, "the address begins with neither https:// nor http://")
        }
        rest = rest.dropFirst(isPlain ? "http://".count : "https://".count)
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.isEmpty, !rest.contains("/"), !rest.contains("@") else {
            throw Self.bad(text, "after the scheme there is not HOST or HOST:PORT alone")
        }
        domain =
            rest == "registry-1.docker.io" || rest == "index.docker.io" ? ImageReference.defaultDomain : String(rest)
    }

    private static func bad(_ text: String, _ reason: String) -> Diagnostic {
        Diagnostic(
            code: "SC4208", summary: "`\(text)` is no registry to keep images of", detail: reason + ".",
            hint: "write `--proxy https://registry.example` or `--proxy PREFIX=https://registry.example`")
    }

    /// The repository there that one here stands for; nil for a repository of ours.
    func repository(of name: RepositoryName) -> String? {
        var path = name.description
        if !prefix.isEmpty {
            guard path.hasPrefix(prefix + "/") else { return nil }
            path = String(path.dropFirst(prefix.count + 1))
        }
        let isOfficial = domain == ImageReference.defaultDomain && !path.contains("/")
        return isOfficial ? "library/" + path : path
    }
}
