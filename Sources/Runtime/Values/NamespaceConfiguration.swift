/// Whose namespace a container's process is in.
package enum NamespaceSource: Sendable, Hashable {
    /// A new one.
    case own
    /// The host's.
    case host
    /// That of the container in this directory, at each start.
    case container(directory: String)
}

/// Whose namespaces a container's process is in; mounts are always its own, and the network is given at the start.
package struct NamespaceConfiguration: Sendable, Hashable {
    /// Processes.
    package var processes = NamespaceSource.own
    /// System V objects, message queues and /dev/shm.
    package var ipc = NamespaceSource.own
    /// Whether there is a /dev/shm at all.
    package var hasSharedMemory = true
    /// Whether host and domain name are the host's.
    package var usesHostNames = false
    /// Whether control groups are seen from the host's root.
    package var usesHostCgroups = false

    /// All its own.
    package init() {}
}
