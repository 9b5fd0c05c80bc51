/// A repository and what of it is wanted: `https://host/name.git#ref:directory`, or with a query.
///
/// Source: Dockerfile reference, "Adding files from a Git repository"; docker build reference, "Git repositories".
package struct GitReference: Sendable, Hashable {
    /// What git is given: `https://…`, `git://…`, `ssh://…`, `user@host:path`.
    package var remote: String
    /// A branch, a tag, a full reference, a commit; empty is the remote's HEAD.
    package var reference = ""
    /// From the repository's root, clean; empty is all of it.
    package var directory = ""
    /// What the commit's name has to begin with.
    package var checksum: String?
    package var keepsGitDirectory: Bool?
    package var hasSubmodules = true

    /// Whether a context's address is that of a repository.
    package static func isRepository(_ text: String) -> Bool {
        if text.hasPrefix("git://") || text.hasPrefix("ssh://") || text.hasPrefix("github.com/") { return true }
        if isSecureCopy(text) { return true }
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else { return false }
        return text.prefix { $0 != "#" && $0 != "?" }.hasSuffix(".git")
    }

    /// `git@host:path`, as scp(1) writes it.
    private static func isSecureCopy(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), let at = text.firstIndex(of: "@"), at < colon else { return false }
        return !text[..<colon].contains("/") && !text[text.index(after: colon)...].hasPrefix("//")
    }

    /// - Throws: `BuildFailure` for what is no address, or would be something else to git.
    package init(_ text: String) throws(BuildFailure) {
        var text = text
        if text.hasPrefix("github.com/") { text = "https://" + text }
        func refuse(_ reason: String) -> BuildFailure {
            .badTransfer("\(text.prefix(200)) is no address of a Git repository", detail: reason)
        }
        guard text.utf8.count <= 4096, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw refuse("it has spaces or control characters in it, or is too long")
        }
        let hashed = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        var front = String(hashed.first ?? "")
        let schemes = ["http://", "https://", "git://", "ssh://"]
        let isURL = schemes.contains { front.hasPrefix($0) }
        guard isURL || Self.isSecureCopy(front) else { throw refuse("http, https, git and ssh are spoken") }
        guard !front.hasPrefix("-") else { throw refuse("it begins with `-`") }
        var values: [(name: String, value: String)] = []
        if isURL, let question = front.firstIndex(of: "?") {
            for pair in front[front.index(after: question)...].split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                values.append((String(parts[0]), parts.count > 1 ? String(parts[1]) : ""))
            }
            front = String(front[..<question])
        }
        remote = front
        if hashed.count > 1 {
            let parts = hashed[1].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            reference = String(parts[0])
            if parts.count > 1 { directory = String(parts[1]) }
        }
        for (name, value) in values { try take(name, value, of: text) }
        directory = String(decoding: TreePath.clean(directory), as: UTF8.self)
        let isGood = !reference.hasPrefix("-") && !reference.contains("..") && !reference.contains(":")
        guard isGood, !reference.contains("*"), !reference.contains("^"), !reference.contains("~") else {
            throw refuse("`\(reference)` is no name of a branch, a tag or a commit")
        }
    }

    private mutating func take(_ name: String, _ value: String, of text: String) throws(BuildFailure) {
        func set(_ field: WritableKeyPath<GitReference, String>, _ value: String) throws(BuildFailure) {
            guard self[keyPath: field].isEmpty || self[keyPath: field] == value else {
                throw .badTransfer("\(text.prefix(200)) says twice what of the repository is wanted")
            }
            self[keyPath: field] = value
        }
        switch name {
        case "ref": try set(\.reference, value)
        case "branch": try set(\.reference, "refs/heads/" + value)
        case "tag": try set(\.reference, "refs/tags/" + value)
        case "subdir": try set(\.directory, value)
        case "checksum", "commit": checksum = value
        case "keep-git-dir": keepsGitDirectory = Self.truth(value)
        case "submodules": hasSubmodules = Self.truth(value)
        default:
            throw .badTransfer(
                "unexpected query \"\(name)\" in \(text.prefix(200))",
                hint: "ref, branch, tag, subdir, checksum, keep-git-dir and submodules are known")
        }
    }

    private static func truth(_ text: String) -> Bool { ["", "1", "t", "true"].contains(text.lowercased()) }

    /// Whether the reference is a whole commit's name.
    var isCommit: Bool {
        [40, 64].contains(reference.utf8.count) && reference.allSatisfy { $0.isASCII && $0.isHexDigit }
    }
}
