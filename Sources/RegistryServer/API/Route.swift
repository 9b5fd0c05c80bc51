import OCI

/// What a request is about, by its path.
///
/// The path is read from its end, since a repository's name may hold the same words.
enum Route: Sendable, Hashable {
    case version
    case catalog
    case token
    case metrics
    case health
    case tags(RepositoryName)
    case referrers(RepositoryName, Digest)
    case manifest(RepositoryName, ManifestReference)
    case blob(RepositoryName, Digest)
    case uploads(RepositoryName)
    case upload(RepositoryName, id: String)

    /// Reads a decoded path.
    ///
    /// - Throws: `APIFailure` for a name, tag or digest that is none, and for a path of no meaning.
    init(path: String) throws(APIFailure) {
        switch path {
        case "/v2", "/v2/": self = .version
        case "/v2/_catalog": self = .catalog
        case "/token": self = .token
        case "/metrics": self = .metrics
        case "/healthz": self = .health
        default:
            var parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count >= 4, parts[0].isEmpty, parts[1] == "v2" else { throw .noSuchPage }
            parts.removeFirst(2)
            self = try Self.inRepository(parts)
        }
    }

    private static func inRepository(_ parts: [Substring]) throws(APIFailure) -> Route {
        let last = parts[parts.count - 1]
        let word = parts[parts.count - 2]
        if word == "tags", last == "list" { return .tags(try name(parts.dropLast(2))) }
        if word == "blobs", last == "uploads" { return .uploads(try name(parts.dropLast(2))) }
        if parts.count >= 3, parts[parts.count - 3] == "blobs", word == "uploads" {
            let repository = try name(parts.dropLast(3))
            return last.isEmpty ? .uploads(repository) : .upload(repository, id: String(last))
        }
        switch word {
        case "manifests":
            let repository = try name(parts.dropLast(2))
            guard let reference = ManifestReference(last) else {
                throw last.contains(":") ? .badDigest : .badReference
            }
            return .manifest(repository, reference)
        case "blobs": return .blob(try name(parts.dropLast(2)), try digest(last))
        case "referrers": return .referrers(try name(parts.dropLast(2)), try digest(last))
        default: throw .noSuchPage
        }
    }

    private static func name(_ parts: ArraySlice<Substring>) throws(APIFailure) -> RepositoryName {
        guard let name = RepositoryName(parts.joined(separator: "/")) else { throw .badName }
        return name
    }

    private static func digest(_ text: Substring) throws(APIFailure) -> Digest {
        guard let digest = Digest(text) else { throw .badDigest }
        return digest
    }

    /// The repository, where it is about one.
    var repository: RepositoryName? {
        switch self {
        case .version, .catalog, .token, .metrics, .health: nil
        case .tags(let name), .uploads(let name): name
        case .referrers(let name, _), .manifest(let name, _), .blob(let name, _), .upload(let name, _): name
        }
    }

    /// A word for counting.
    var label: String {
        switch self {
        case .version: "version"
        case .catalog: "catalog"
        case .token: "token"
        case .metrics: "metrics"
        case .health: "health"
        case .tags: "tags"
        case .referrers: "referrers"
        case .manifest: "manifest"
        case .blob: "blob"
        case .uploads, .upload: "upload"
        }
    }
}

/// What names a manifest: a tag, or its digest.
enum ManifestReference: Sendable, Hashable, CustomStringConvertible {
    case tag(TagName)
    case digest(Digest)

    init?(_ text: some StringProtocol) {
        if let digest = Digest(text) {
            self = .digest(digest)
        } else if let tag = TagName(String(text)) {
            self = .tag(tag)
        } else {
            return nil
        }
    }

    var description: String {
        switch self {
        case .tag(let tag): tag.description
        case .digest(let digest): digest.description
        }
    }
}
