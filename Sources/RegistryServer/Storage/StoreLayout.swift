import OCI

/// Where things are below the root.
enum StoreLayout {
    static let contents = "blobs"
    static let repositories = "repositories"
    static let uploads = "uploads"

    /// The bytes of a digest; 256 folders keep directories small.
    static func content(_ digest: Digest) -> String {
        "\(contentFolder(digest.algorithm, String(digest.hex.prefix(2))))/\(digest.hex)"
    }

    static func contentFolder(_ algorithm: Digest.Algorithm, _ prefix: String) -> String {
        "\(contents)/\(algorithm.rawValue)/\(prefix)"
    }

    /// A repository's folder: its name with `+` for `/`, which no name has, so that all are side by side and no
    /// repository lies inside another.
    static func repository(_ name: RepositoryName) -> String {
        "\(repositories)/\(name.description.replacing("/", with: "+"))"
    }

    static func repositoryName(folder: String) -> RepositoryName? {
        RepositoryName(folder.replacing("+", with: "/"))
    }

    static func blobs(_ repository: RepositoryName) -> String { self.repository(repository) + "/blobs" }
    static func manifests(_ repository: RepositoryName) -> String { self.repository(repository) + "/manifests" }
    static func tags(_ repository: RepositoryName) -> String { self.repository(repository) + "/tags" }
    static func referrers(_ repository: RepositoryName) -> String { self.repository(repository) + "/referrers" }

    static func blob(_ digest: Digest, _ repository: RepositoryName) -> String {
        "\(blobs(repository))/\(fileName(digest))"
    }

    static func manifest(_ digest: Digest, _ repository: RepositoryName) -> String {
        "\(manifests(repository))/\(fileName(digest))"
    }

    static func tag(_ tag: TagName, _ repository: RepositoryName) -> String { "\(tags(repository))/\(tag)" }

    static func referrers(of subject: Digest, _ repository: RepositoryName) -> String {
        "\(referrers(repository))/\(fileName(subject))"
    }

    static func referrer(_ digest: Digest, of subject: Digest, _ repository: RepositoryName) -> String {
        "\(referrers(of: subject, repository))/\(fileName(digest))"
    }

    static func upload(_ id: String) -> String { "\(uploads)/\(id)" }

    /// A digest as one name.
    static func fileName(_ digest: Digest) -> String { "\(digest.algorithm.rawValue)-\(digest.hex)" }

    static func digest(fileName: String) -> Digest? {
        guard let dash = fileName.firstIndex(of: "-"),
            let algorithm = Digest.Algorithm(rawValue: String(fileName[..<dash]))
        else { return nil }
        return Digest(algorithm: algorithm, hex: fileName[fileName.index(after: dash)...])
    }
}
