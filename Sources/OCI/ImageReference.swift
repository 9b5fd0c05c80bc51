/// The name of an image: registry, repository, tag and digest.
///
/// The grammar and the defaults are those of Docker (`distribution/reference`): `nginx` means
/// `docker.io/library/nginx`, and a first component is a registry only when it has a dot, a colon or an upper-case
/// letter, or is `localhost`.
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// The registry that bare names belong to.
    package static let defaultDomain = "docker.io"

    /// The tag of a name that gives neither tag nor digest.
    package static let defaultTag = "latest"

    /// The registry's host, with its port where given.
    package let domain: String

    /// The repository inside the registry, such as `library/nginx`.
    package let path: String

    /// The tag, where given.
    package let tag: String?

    /// The digest, where given.
    package let digest: Digest?

    /// Reads a reference as users write it.
    ///
    /// - Throws: `ImageReferenceError`, with the offending part.
    package init(_ text: String) throws(ImageReferenceError) {
        let parser = ImageReferenceParser(text: text)
        self = try parser.parse()
    }

    init(domain: String, path: String, tag: String?, digest: Digest?) {
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    /// The same name with `:latest` when it has neither tag nor digest.
    package var withDefaultTag: ImageReference {
        guard tag == nil, digest == nil else { return self }
        return ImageReference(domain: domain, path: path, tag: Self.defaultTag, digest: nil)
    }

    /// The repository with a digest and no tag: content that never changes.
    package func at(_ digest: Digest) -> ImageReference {
        ImageReference(domain: domain, path: path, tag: nil, digest: digest)
    }

    /// The repository with a tag and no digest.
    package func at(tag: String) throws(ImageReferenceError) -> ImageReference {
        guard ImageReferenceParser.isTag(tag) else { throw .badTag(tag) }
        return ImageReference(domain: domain, path: path, tag: tag, digest: nil)
    }

    /// The registry and the repository, without tag and digest.
    package var repository: String { domain + "/" + path }

    /// The full form, such as `docker.io/library/nginx:latest`.
    package var description: String { repository + suffix }

    /// The short form that Docker shows, such as `nginx:latest`.
    package var familiar: String { familiarRepository + suffix }

    /// The repository in the short form that Docker shows, such as `nginx`.
    package var familiarRepository: String {
        guard domain == Self.defaultDomain else { return repository }
        let official = "library/"
        if path.hasPrefix(official), !path.dropFirst(official.count).contains("/") {
            return String(path.dropFirst(official.count))
        }
        // What looks like a registry would be taken for one.
        let first = path.prefix { $0 != "/" }
        return first != path && ImageReferenceParser.isRegistry(first) ? repository : path
    }

    private var suffix: String {
        (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0.description } ?? "")
    }
}

/// Why a text is no image reference.
package enum ImageReferenceError: Error, Sendable, Hashable, CustomStringConvertible {
    case empty
    /// The repository name has upper-case letters.
    case upperCase(String)
    /// The name is 64 hexadecimal digits, which always mean an image id.
    case looksLikeIdentifier(String)
    /// The name is longer than 255 bytes.
    case tooLong(Int)
    case badDomain(String)
    case badPath(String)
    case badTag(String)
    case badDigest(String)

    package var description: String {
        switch self {
        case .empty: "an image reference is empty"
        case .upperCase(let name): "the repository name `\(name)` must be lower-case"
        case .looksLikeIdentifier(let name): "`\(name)` is an image id, not a name"
        case .tooLong(let length): "the repository name has \(length) bytes; at most 255 are allowed"
        case .badDomain(let text): "`\(text)` is not a registry host"
        case .badPath(let text): "`\(text)` is not a repository name"
        case .badTag(let text): "`\(text)` is not a tag (letters, digits, `_`, `.`, `-`; at most 128)"
        case .badDigest(let text): "`\(text)` is not a digest (sha256: and 64 hexadecimal digits)"
        }
    }
}
