/// A package that is in a file tree.
struct FoundPackage: Sendable, Hashable {
    var url: PackageURL
    /// Its name as its package manager has it.
    var name: String
    var version: String
    /// Who made it, as it says itself; nil where it does not.
    var supplier: String?
    /// Its licence as it says itself, in no form that could be relied on.
    var license: String?
    var homepage: String?
    /// The file that tells of it, absolute.
    var source: String
    /// The kind of that file: `installed dpkg database`.
    var kind: String

    init(_ url: PackageURL, version: String, source: String, kind: String) {
        self.url = url
        self.version = version
        self.source = source
        self.kind = kind
        name =
            url.namespace.isEmpty || url.type == "deb" || url.type == "apk" || url.type == "rpm"
            ? url.name : (url.namespace + [url.name]).joined(separator: url.type == "maven" ? ":" : "/")
    }
}

/// Packages, and what could not be read.
struct FoundPackages: Sendable {
    var packages: [FoundPackage] = []
    /// Sentences about files that tell of packages and were not read.
    var remarks: [String] = []
    /// The distribution: `Debian GNU/Linux 12 (bookworm)`; nil where there is none.
    var distribution: String?
}
