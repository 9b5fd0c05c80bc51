import Linux

/// How a registry server is to run.
package struct RegistryConfiguration: Sendable {
    /// Where everything is kept.
    package var root = "/var/lib/stackctl-registry"
    /// Where clients connect.
    package var address = IPAddress.loopback
    package var port: UInt16 = 5000
    /// A file with the certificate and those between it and the authority; with its key, TLS is spoken.
    package var certificate: String?
    package var key: String?
    /// The users; nil lets everybody do all.
    package var passwordFile: String?
    /// Whether tokens are issued and taken.
    package var issuesTokens = false
    /// Whether whoever gives no name may pull.
    package var anonymousPull = false
    /// How clients reach this registry, where they come through another server: `https://HOST`.
    package var publicAddress: String?
    /// Registries whose images are kept here.
    package var upstreams: [Upstream] = []
    /// How long a tag of another registry is believed.
    package var freshness = Duration.seconds(300)
    /// Most bytes of other registries' content; 0 for any number.
    package var cacheLimit: Int64 = 0
    /// Most bytes of one blob; 0 for any number.
    package var blobLimit: Int64 = 0
    /// Most uploads under way.
    package var uploadLimit = 1000
    /// How long an upload may rest.
    package var uploadExpiry = Duration.seconds(24 * 3600)
    /// Most connections at once.
    package var connectionLimit = 1024
    /// How long a connection may be silent.
    package var idle = Duration.seconds(120)
    /// How often garbage is collected; nil for never.
    package var collectionInterval: Duration?
    /// How long what no manifest names is kept: as long as a push may take from its first blob to its manifest.
    package var grace = Duration.seconds(3600)
    /// Whether manifests without a tag are garbage too.
    package var collectsUntagged = false
    /// Where metrics are read; nil for the registry's own address.
    package var metricsAddress: (IPAddress, UInt16)?
    /// Whether each request has a line in the log.
    package var logsRequests = true
    /// How long requests under way may take when the server is to stop.
    package var stopPatience = Duration.seconds(8)

    /// The defaults.
    package init() {}
}
