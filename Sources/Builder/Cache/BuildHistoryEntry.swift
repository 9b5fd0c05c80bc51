import Linux
import OCI

/// A build of the past, or one that goes on.
package struct BuildHistoryEntry: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable, CaseIterable {
        case running
        case completed
        case failed = "error"
        case cancelled = "canceled"
    }

    /// 25 characters, unique on the host.
    package var id: String
    /// What was built: the first tag, else the Dockerfile's name with the target.
    package var name: String
    package var status: Status
    package var started: Timestamp
    /// Nil while it goes on.
    package var finished: Timestamp?
    /// Steps, and those of them whose result was known.
    package var steps: Int
    package var cachedSteps: Int
    package var warnings: Int
    /// The sentence it failed with.
    package var error: String?
    package var target: String?
    /// `linux/amd64`.
    package var platforms: [String]
    package var imageID: Digest?
    /// The names the image got.
    package var references: [String]

    package init(
        id: String, name: String, started: Timestamp, target: String? = nil, platforms: [String] = [],
        references: [String] = []
    ) {
        self.id = id
        self.name = name
        self.started = started
        self.target = target
        self.platforms = platforms
        self.references = references
        status = .running
        steps = 0
        cachedSteps = 0
        warnings = 0
    }
}
