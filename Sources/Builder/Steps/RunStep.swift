import Dockerfile
import Linux
import OCI

/// One process of a build, in a container of its own.
package struct RunStep: Sendable {
    /// What is run.
    package var run: EvaluatedRun
    /// The root file system, lowest layer first.
    package var layers: [Digest]
    package var user: String
    package var workingDirectory: String
    package var mounts: [Mount]
    package var network: EvaluatedRun.Network
    /// The user-defined network it is in; nil is the default one.
    package var networkName: String?
    package var limits: StepLimits
    /// Contents by id.
    package var secrets: [String: [UInt8]]
    package var agents: [String: any AgentConnector]
    /// What the build allows beyond the ordinary: `network.host`, `security.insecure`, `device`.
    package var entitlements: Set<String>
    /// The host name it sees.
    package var hostname: String
    /// Times of files are at most this.
    package var epoch: Timestamp
    /// What it is called in messages: `RUN make`.
    package var title: String

    /// A mount and, where files are mounted, what they are.
    package struct Mount: Sendable {
        package var wanted: EvaluatedMount
        /// The origin of a bind or of a cache's first content.
        package var origin: Origin?

        package init(_ wanted: EvaluatedMount, origin: Origin? = nil) {
            self.wanted = wanted
            self.origin = origin
        }
    }

    /// Files that are mounted.
    package enum Origin: Sendable {
        case tree(FileTree)
        /// Layers, lowest first.
        case layers([Digest])
    }

    package init(_ run: EvaluatedRun, on layers: [Digest], title: String, epoch: Timestamp) {
        self.run = run
        self.layers = layers
        self.title = title
        self.epoch = epoch
        user = ""
        workingDirectory = "/"
        mounts = []
        network = .standard
        limits = StepLimits()
        secrets = [:]
        agents = [:]
        entitlements = []
        hostname = Self.usualHostname
    }

    /// BuildKit's, so that what looks at it is the same on every host.
    package static let usualHostname = "buildkitsandbox"
}

/// What a step gave.
package struct StepLayer: Sendable, Hashable {
    /// The layer; nil where it changed no files.
    package var layer: Digest?
    /// The newest time of a file that went in, before it was clamped; nil where that does not count.
    package var newest: Timestamp?

    package init(layer: Digest?, newest: Timestamp? = nil) {
        self.layer = layer
        self.newest = newest
    }
}
