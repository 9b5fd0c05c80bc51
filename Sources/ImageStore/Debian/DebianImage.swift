import OCI

/// A root file system to be made of Debian packages.
package struct DebianImage: Sendable, Hashable {
    /// The suite, such as `bookworm`.
    package var suite: String

    /// Packages beyond those of the variant.
    package var packages: [String]

    /// The mirror's URL; nil for the host's own Debian sources of the suite, else `http://deb.debian.org/debian`.
    package var mirror: String?

    /// mmdebstrap's variant; nil for the smallest in which maintainer scripts run.
    package var variant: String?

    /// Exact versions, each `package=version`, of an earlier build; nil to take what the mirror has.
    package var lock: [String]?

    package init(
        suite: String, packages: [String], mirror: String? = nil, variant: String? = nil, lock: [String]? = nil
    ) {
        self.suite = suite
        self.packages = packages
        self.mirror = mirror
        self.variant = variant
        self.lock = lock
    }
}

/// A finished Debian image.
package struct DebianBuild: Sendable, Hashable {
    /// The image.
    package let image: StoredImage

    /// Every package in it as `package=version`, sorted.
    ///
    /// Given as a lock, it makes the same image again.
    package let lock: [String]

    /// Whether an earlier build was used and nothing was run.
    package let cached: Bool
}
