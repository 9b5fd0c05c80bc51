import Dockerfile
import ImageStore
import Linux
import OCI
import Registry
import Runtime

/// What a build needs of the host it is done on: the engine is one.
package protocol BuildHost: Sendable {
    /// The image of a reference for a platform: that of the store, or a registry's.
    ///
    /// - Parameters:
    ///   - pulls: whether the registry is asked though the store has it.
    ///   - progress: told about layers that come.
    func image(
        _ reference: ImageReference, platform: Platform, pulls: Bool, access: RegistryAccess,
        progress: @escaping @Sendable (LayerProgress) -> Void
    ) async throws -> StoredImage

    /// Directories of layers, topmost first, mounted until they are given back.
    func holdLayers(_ layers: [Digest]) async throws -> [String]
    func giveBackLayers(_ layers: [Digest]) async

    /// A network for one process; gone with `leave`.
    func network(_ kind: EvaluatedRun.Network, named: String?, step: String) async throws -> StepNetwork
    func leave(_ network: StepNetwork) async

    /// What devices need in a container, by the names that vendors gave them (CDI).
    func devices(_ names: [String]) async throws -> StepDevices

    /// Runs a body with a reader of an image's registry and its client, which the cancellation of the task stops.
    ///
    /// - Parameter isPush: whether something is sent there, for messages.
    func withRegistry<Value: Sendable>(
        of reference: ImageReference, isPush: Bool, access: RegistryAccess,
        _ body: @escaping @Sendable (RemoteImageReader) async throws -> Value
    ) async throws -> Value

    /// Takes a line for the daemon's log.
    func note(_ line: String)
}

/// A network namespace with all that makes names resolve in it.
package struct StepNetwork: Sendable {
    /// The id by which the host knows it.
    package var id: String
    /// Nil is the host's own.
    package var namespace: SharedDescriptor?
    /// The lines of /etc/resolv.conf.
    package var resolver: String
    /// The address by which the host is reached: what `host-gateway` stands for; nil where there is none.
    package var gateway: String?
    /// Whether no other step may be in it afterwards.
    package var isSpent = false
    /// Whether it is the step's alone, and no container's.
    package var isOwn = true

    package init(id: String, namespace: SharedDescriptor?, resolver: String, gateway: String? = nil) {
        self.id = id
        self.namespace = namespace
        self.resolver = resolver
        self.gateway = gateway
    }
}

/// What devices need in a container.
package struct StepDevices: Sendable, Hashable {
    package var nodes: [DeviceConfiguration] = []
    package var mounts: [MountConfiguration] = []
    package var environment: [String] = []
    package var groups: [String] = []

    package init() {}
}
