import Networking
import Registry

/// What a daemon is told at its start.
package struct EngineConfiguration: Sendable, Hashable {
    /// The data root, absolute.
    package var root: String
    /// The socket; `<root>/run/stackctl.sock` where not given.
    package var socketPath: String
    /// The `stack-init` binary.
    package var initBinary: String
    /// Whether containers end with the daemon.
    package var stopContainersOnExit: Bool
    /// Files that say what is special about some registries, later ones stronger.
    package var registrySettings: [String] = [RegistrySettings.path]
    /// The interfaces through which published ports are reached, where a network does not say (its option
    /// `io.stackctl.publish_interfaces`); nil is every one, none limits them to the host itself.
    package var publishInterfaces: [String]?
    /// Where automatic subnets come from; nil is the engine's own choice.
    package var addressPools: [AddressPool.Range]?
    /// The program's version, as `/version` shows it.
    package var version: String

    /// A configuration.
    package init(
        root: String, socketPath: String? = nil, initBinary: String, stopContainersOnExit: Bool = false,
        version: String = "0.1.0"
    ) {
        self.root = root
        self.socketPath = socketPath ?? "\(root)/run/stackctl.sock"
        self.initBinary = initBinary
        self.stopContainersOnExit = stopContainersOnExit
        self.version = version
    }

    /// Sockets and locks.
    package var runDirectory: String { "\(root)/run" }
    /// Where volumes are.
    package var volumesDirectory: String { "\(root)/volumes" }
    /// One container's directory.
    package func containerDirectory(_ id: String) -> String { "\(root)/containers/\(id)" }
}
