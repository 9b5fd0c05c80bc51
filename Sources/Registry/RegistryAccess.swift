import OCI
import Synchronization

/// How registries are reached on behalf of one caller: who the caller is there, and how patient we are.
///
/// The caller's credentials come with the request; those of the host's users are none of the daemon's business.
package struct RegistryAccess: Sendable {
    /// The caller's credentials for the registry the request is about (`X-Registry-Auth`).
    package var credentials: RegistryCredentials?
    /// Credentials by the name of the registry as image references have it (`X-Registry-Config`).
    package var others: [String: RegistryCredentials]
    /// How often and when to try again.
    package var retry = RetryPolicy()
    /// How long a registry may take.
    package var limits = TransferLimits()

    /// The access of whoever's request a task works on; none outside of one.
    @TaskLocal package static var caller = RegistryAccess()

    /// Access with credentials, or none.
    package init(_ credentials: RegistryCredentials? = nil, others: [String: RegistryCredentials] = [:]) {
        self.credentials = credentials
        self.others = others
    }

    /// Access with the credentials in Docker's header fields; what is no such thing counts as none, as with Docker.
    package init(registryAuth: String?, registryConfig: String? = nil) {
        self.init(
            registryAuth.flatMap { RegistryCredentials(registryAuthHeader: $0) },
            others: registryConfig.map { RegistryCredentials.byRegistry(registryConfigHeader: $0) } ?? [:])
    }

    /// Options for a client of one registry.
    ///
    /// The credentials of the request are for this registry and for none of its mirrors.
    ///
    /// Blocking.
    ///
    /// - Parameters:
    ///   - settings: paths of configuration files, later ones stronger.
    ///   - stop: ends what is under way.
    /// - Throws: `RegistryError.configuration`.
    package func options(
        for domain: String, settings: [String] = [RegistrySettings.path], stop: StopSign = StopSign(),
        onNotice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(RegistryError) -> RegistryOptions {
        var options = RegistryOptions()
        options.settings = try RegistrySettings.load(settings)
        options.retry = retry
        options.limits = limits
        options.isCancelled = { stop.isUp }
        options.onNotice = onNotice
        let (own, others) = (credentials, others)
        options.credentials = { name throws(RegistryError) in
            name == domain ? own ?? others[name] : others[name]
        }
        return options
    }
}

/// Tells threads that work with a registry that nobody waits for it any more.
package final class StopSign: Sendable {
    private let flag = Atomic(false)

    package init() {}

    /// Whether to stop.
    package var isUp: Bool { flag.load(ordering: .relaxed) }

    /// Says stop.
    package func raise() { flag.store(true, ordering: .relaxed) }

    /// Runs a body that the cancellation of its task stops.
    package static func raisedByCancellation<Value: Sendable>(
        _ body: @Sendable (StopSign) async throws -> Value
    ) async throws -> Value {
        let stop = StopSign()
        return try await withTaskCancellationHandler {
            try await body(stop)
        } onCancel: {
            stop.raise()
        }
    }
}
