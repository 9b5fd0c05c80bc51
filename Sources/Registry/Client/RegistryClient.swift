import Archives
import HTTP
import JSONText
import Linux
import OCI

/// How a client of registries behaves.
package struct RegistryOptions: Sendable {
    /// The host's configuration.
    package var settings = RegistrySettings()
    /// Who we are to a registry, by its name as in image references; asked once per registry.
    package var credentials: @Sendable (String) throws(RegistryError) -> RegistryCredentials?
    /// How often and when to try again.
    package var retry = RetryPolicy()
    /// How long a peer may take.
    package var limits = TransferLimits()
    /// Whether to stop; asked several times a second while something is waited for.
    package var isCancelled: @Sendable () -> Bool = { false }
    /// Told of a mirror that did not help, in one sentence.
    package var onNotice: @Sendable (String) -> Void = { _ in }

    /// The defaults, without credentials.
    package init() {
        credentials = { _ throws(RegistryError) in nil }
    }

    /// The host's configuration and the credentials of the calling user's `config.json`.
    ///
    /// - Parameter settings: configuration files in order, later ones stronger.
    package static func ofCallingUser(
        settings paths: [String] = [RegistrySettings.path]
    ) throws(RegistryError) -> RegistryOptions {
        var options = RegistryOptions()
        options.settings = try RegistrySettings.load(paths)
        if let path = DockerConfigFile.defaultPath {
            let file = try DockerConfigFile(path: path)
            options.credentials = { domain throws(RegistryError) in try file.credentials(for: domain) }
        }
        return options
    }
}

/// A client of one repository of one registry.
///
/// Every call blocks until it is done: make them from a blocking executor. Any number of threads may use one client.
package final class RegistryClient: Sendable {
    /// The registry's name as in image references.
    package let domain: String
    /// The repository in it, such as `library/nginx`.
    package let repository: String
    let options: RegistryOptions
    let transport: Transport
    /// The registry itself.
    let origin: Endpoint
    /// Mirrors in order, then the registry: where is looked when pulling.
    let pullEndpoints: [Endpoint]

    /// A client; nothing is asked of the network yet.
    ///
    /// - Throws: `RegistryError.configuration`.
    package init(
        domain: String, repository: String, options: RegistryOptions = RegistryOptions()
    ) throws(RegistryError) {
        guard Self.isPlain(repository, and: "/") else {
            throw .configuration(path: repository, "this is no repository's name")
        }
        self.domain = domain
        self.repository = repository
        self.options = options
        let transport = Transport(
            settings: options.settings, retry: options.retry, limits: options.limits, isCancelled: options.isCancelled)
        self.transport = transport
        origin = try Endpoint(
            domain: domain, transport: transport, authenticator: Self.authenticator(transport, options, domain))
        var endpoints: [Endpoint] = []
        for text in options.settings.entries[domain]?.mirrors ?? [] {
            guard let mirror = MirrorAddress(text) else {
                throw .configuration(path: text, "this is no mirror's address")
            }
            let authenticator = Self.authenticator(transport, options, mirror.authority)
            endpoints.append(try Endpoint(mirror: mirror, transport: transport, authenticator: authenticator))
        }
        pullEndpoints = endpoints + [origin]
    }

    /// A client of the repository an image's name is in.
    package convenience init(
        _ reference: ImageReference, options: RegistryOptions = RegistryOptions()
    ) throws(RegistryError) {
        try self.init(domain: reference.domain, repository: reference.path, options: options)
    }

    private static func authenticator(
        _ transport: Transport, _ options: RegistryOptions, _ name: String
    ) -> Authenticator {
        let credentials = options.credentials
        return Authenticator(transport: transport) { () throws(RegistryError) in try credentials(name) }
    }

    /// Asks whether the registry speaks the protocol and takes our credentials.
    package func ping() throws(RegistryError) {
        try origin.call(RegistryCall(method: "GET", target: .path("/v2/"), scopes: []), expecting: [200]).close()
    }

    /// Whether a text that becomes part of a path is made of the letters names are made of, and leads nowhere else.
    static func isPlain(_ text: String, and extra: Unicode.Scalar) -> Bool {
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": true
            default: scalar == extra
            }
        }
        return isPlain && !text.isEmpty
            && !text.split(separator: "/", omittingEmptySubsequences: false).contains {
                $0.isEmpty || $0 == "." || $0 == ".."
            }
    }

    /// A path in the repository.
    func path(_ rest: String, of repository: String? = nil) -> String { "/v2/\(repository ?? self.repository)/\(rest)" }

    /// Runs a body with each place to pull from, until one succeeds; the last one's error counts.
    func pulling<Answer>(
        _ body: (Endpoint) throws(RegistryError) -> Answer
    ) throws(RegistryError) -> Answer {
        for endpoint in pullEndpoints.dropLast() {
            do throws(RegistryError) {
                return try body(endpoint)
            } catch {
                guard error.mayBeBetterElsewhere else { throw error }
                options.onNotice("the mirror \(endpoint.name) does not help: \(error)")
            }
        }
        return try body(origin)
    }
}

/// A login: proves credentials to a registry.
package enum RegistryLogin {
    /// Checks a user's name and password.
    ///
    /// - Returns: what to keep: the password, or the long-lived token the registry gave for it.
    package static func verify(
        _ credentials: RegistryCredentials, domain: String, options: RegistryOptions = RegistryOptions()
    ) throws(RegistryError) -> RegistryCredentials {
        let transport = Transport(
            settings: options.settings, retry: options.retry, limits: options.limits, isCancelled: options.isCancelled)
        let authenticator = Authenticator(transport: transport, wantsRefreshToken: true) {
            () throws(RegistryError) in credentials
        }
        let endpoint = try Endpoint(domain: domain, transport: transport, authenticator: authenticator)
        let call = RegistryCall(method: "GET", target: .path("/v2/"), scopes: [])
        try endpoint.call(call, expecting: [200]).close()
        return authenticator.refreshToken.map { .identityToken($0) } ?? credentials
    }
}
