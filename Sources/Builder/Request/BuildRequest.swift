import Archives
import Dockerfile
import ImageStore
import Linux
import OCI
import Registry

/// What a build is asked for.
package struct BuildRequest: Sendable {
    /// Where the instructions are.
    package enum Instructions: Sendable {
        /// A path in the context; `Dockerfile` where nothing else is said.
        case inContext(String)
        /// The text itself, and what the user calls it.
        case text([UInt8], name: String)
        /// What was read already, or never was text, such as the steps of a manifest; and what is shown of it.
        case document(DockerfileDocument, text: [UInt8])
    }

    /// `type=…` of `--cache-from`, `--cache-to`, with its parameters.
    package struct CacheLocation: Sendable, Hashable {
        package var type: String
        package var parameters: [String: String]

        package init(type: String, parameters: [String: String] = [:]) {
            self.type = type
            self.parameters = parameters
        }
    }

    /// How much a provenance tells.
    package enum Provenance: String, Sendable, Hashable { case minimal = "min", maximal = "max" }

    package var instructions: Instructions = .inContext("Dockerfile")
    /// The files; nil where there are none.
    package var context: FileTree?
    /// Other contexts by their names: trees, or images as references.
    package var namedContexts: [String: NamedContext] = [:]
    package var target: String?
    /// `--build-arg`.
    package var arguments: [String: String] = [:]
    /// Empty is this host's.
    package var platforms: [Platform] = []
    package var tags: [ImageReference] = []
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]
    /// Whether base images are asked for at their registries though they are here.
    package var pulls = false
    /// Whether nothing that is cached is used.
    package var ignoresCache = false
    /// Names of stages of which nothing that is cached is used.
    package var uncachedStages: Set<String> = []
    package var cacheSources: [CacheLocation] = []
    package var cacheTargets: [CacheLocation] = []
    /// Of every RUN that does not say.
    package var network: EvaluatedRun.Network = .standard
    /// The user-defined network that RUN is in, by its name; nil is the default one.
    package var networkName: String?
    /// `network.host`, `security.insecure`.
    package var entitlements: Set<String> = []
    /// Contents by id.
    package var secrets: [String: [UInt8]] = [:]
    /// Agents by id.
    package var agents: [String: any AgentConnector] = [:]
    /// What processes of RUN may use, and know of the network.
    package var limits = StepLimits()
    package var outputs: [BuildOutput] = [.store]
    package var provenance: Provenance?
    package var hasInventory = false
    /// Whether the image is pushed by each of its tags.
    package var pushes = false
    /// The form of layers in manifests; nil is `LayerCompression.standard` where the image is pushed, else that of
    /// layers made here is the plain tar.
    package var compression: LayerCompression?
    /// Times of files and of the image are at most this; nil is the newest of what goes in.
    package var sourceDateEpoch: Timestamp?
    /// Who the caller is at registries.
    package var access = RegistryAccess()
    /// Whether warnings are all that is wanted.
    package var checksOnly = false

    package init() {}
}

/// A context with a name.
package enum NamedContext: Sendable {
    case tree(FileTree)
    case image(String)
}

/// What becomes of a result.
package enum BuildOutput: Sendable {
    /// An image of the store.
    case store
    /// An archive as `docker save` writes it.
    case dockerArchive(SharedDescriptor)
    /// An OCI layout in a tar.
    case ociArchive(SharedDescriptor)
    /// The files as a tar.
    case tar(SharedDescriptor)
}

/// What processes of RUN may use, and know of the network.
package struct StepLimits: Sendable, Hashable {
    package var cgroup = CgroupLimits()
    /// Bytes of /dev/shm.
    package var sharedMemoryBytes: Int64 = 64 << 20
    /// `nofile=1024:2048`, as Docker writes them: name, soft, hard.
    package var ulimits: [Ulimit] = []
    /// The control group RUN's is below; empty is the engine's own.
    package var cgroupParent = ""
    /// `name:address`.
    package var extraHosts: [String] = []

    package struct Ulimit: Sendable, Hashable {
        package var name: String
        package var soft: Int64
        package var hard: Int64

        package init(name: String, soft: Int64, hard: Int64) {
            self.name = name
            self.soft = soft
            self.hard = hard
        }
    }

    package init() {}
}

/// Leads to a caller's ssh agent.
package protocol AgentConnector: Sendable {
    /// A new connection to the agent.
    func connect() async throws -> AsyncSocket
}
