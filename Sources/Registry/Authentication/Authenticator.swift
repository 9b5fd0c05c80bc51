import HTTP
import JSONText
import Linux
import Synchronization

/// Answers the challenges of one host and remembers tokens by scope.
final class Authenticator: Sendable {
    private enum Scheme { case unknown, basic, bearer(TokenServer) }

    private struct Token {
        var text: String
        /// On the monotonic clock.
        var expires: Int64
    }

    private struct State {
        var scheme = Scheme.unknown
        var tokens: [String: Token] = [:]
        /// The credentials, once they were looked up.
        var credentials: RegistryCredentials??
        /// A long-lived token that came with the last access token.
        var refreshToken: String?
    }

    private let transport: Transport
    private let lookUp: @Sendable () throws(RegistryError) -> RegistryCredentials?
    private let wantsRefreshToken: Bool
    private let state = Mutex(State())

    /// Most tokens kept.
    private static let tokenLimit = 64
    /// The life of a token that does not say, and the longest that is believed, in seconds.
    private static let life = (usual: Int64(60), longest: Int64(3600))

    /// - Parameter wantsRefreshToken: whether to ask for a long-lived token, as a login does.
    init(
        transport: Transport, wantsRefreshToken: Bool = false,
        credentials: @escaping @Sendable () throws(RegistryError) -> RegistryCredentials?
    ) {
        self.transport = transport
        self.wantsRefreshToken = wantsRefreshToken
        lookUp = credentials
    }

    /// A long-lived token the token server gave with an access token.
    var refreshToken: String? { state.withLock { $0.refreshToken } }

    /// The `Authorization` field known to be wanted, before a request is made; nil where nothing is known.
    func header(_ scopes: [AccessScope], _ trust: TransportTrust) throws(RegistryError) -> String? {
        switch state.withLock({ $0.scheme }) {
        case .unknown:
            if case .registryToken(let token) = try credentials() { return "Bearer \(token)" }
            return nil
        case .basic: return try basic()
        case .bearer(let server): return try "Bearer " + token(from: server, scopes, trust)
        }
    }

    /// Learns from a 401; the field to try again with, nil when there is nothing to try.
    ///
    /// - Parameter used: the field of the request that was refused.
    func answer(
        _ response: RegistryResponse, _ scopes: [AccessScope], used: String?, _ trust: TransportTrust
    ) throws(RegistryError) -> String? {
        let challenges = Challenge.parse(response.headers.all("WWW-Authenticate"))
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            let server = try TokenServer(bearer, of: response, settings: transport.settings)
            // The registry may know better what is needed than we do.
            let key = Self.key(server, scopes)
            state.withLock { state in
                state.scheme = .bearer(server)
                if let used, state.tokens[key].map({ "Bearer \($0.text)" }) == used { state.tokens[key] = nil }
            }
            let header = try "Bearer " + token(from: server, scopes, trust)
            return header == used ? nil : header
        }
        if challenges.contains(where: { $0.scheme == "basic" }) {
            guard let header = try basic(), header != used else { return nil }
            state.withLock { $0.scheme = .basic }
            return header
        }
        return nil
    }

    private func credentials() throws(RegistryError) -> RegistryCredentials? {
        if let known = state.withLock({ $0.credentials }) { return known }
        let found = try lookUp()
        state.withLock { $0.credentials = .some(found) }
        return found
    }

    private func basic() throws(RegistryError) -> String? {
        guard case .password(let user, let password) = try credentials() else { return nil }
        return Self.basic(user, password)
    }

    private static func basic(_ user: String, _ password: String) -> String {
        "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
    }

    private static func key(_ server: TokenServer, _ scopes: [AccessScope]) -> String {
        "\(server.realm.text) \(server.service ?? "") \(server.scopes(scopes).joined(separator: " "))"
    }

    // MARK: Tokens

    private func token(
        from server: TokenServer, _ scopes: [AccessScope], _ trust: TransportTrust
    ) throws(RegistryError) -> String {
        let key = Self.key(server, scopes)
        let now = Clock.monotonic()
        if let known = state.withLock({ $0.tokens[key] }), known.expires > now { return known.text }
        if case .registryToken(let token) = try credentials() { return token }
        let (text, life) = try fetch(server, server.scopes(scopes), trust)
        // A request that begins with the token must not outlive it.
        let seconds = max(1, min(life, Self.life.longest) - 10)
        state.withLock { state in
            if state.tokens.count >= Self.tokenLimit { state.tokens.removeAll() }
            state.tokens[key] = Token(text: text, expires: now + seconds * 1_000_000_000)
        }
        return text
    }

    private func fetch(
        _ server: TokenServer, _ scopes: [String], _ trust: TransportTrust
    ) throws(RegistryError) -> (token: String, life: Int64) {
        var attempt = 1
        while true {
            let response: RegistryResponse
            do throws(RegistryError) {
                response = try request(server, scopes, trust)
            } catch {
                attempt += 1
                guard case .interrupted(let name, _) = error, attempt <= transport.retry.attempts else { throw error }
                try transport.pause(transport.retry.delay(before: attempt), name)
                continue
            }
            if RetryPolicy.isTransient(response.status) {
                attempt += 1
                if let delay = transport.retry.delay(before: attempt, headers: response.headers) {
                    response.close()
                    try transport.pause(delay, response.name)
                    continue
                }
            }
            return try read(response)
        }
    }

    private func request(
        _ server: TokenServer, _ scopes: [String], _ trust: TransportTrust
    ) throws(RegistryError) -> RegistryResponse {
        let credentials = try credentials()
        // A token server on the registry's own host is trusted as the registry is.
        let serverTrust =
            server.isOnRegistryHost ? trust : transport.settings.trust(for: server.realm.authority)
        var request = WireRequest(
            method: "GET", address: server.realm, headers: ["Accept": "application/json"], trust: serverTrust)
        if case .identityToken(let token) = credentials {
            request.method = "POST"
            request.headers.set("Content-Type", "application/x-www-form-urlencoded")
            let form = Array(server.refreshForm(token, scopes).utf8)
            // Not followed: the form holds the secret.
            request.body = .bytes(form)
            return try transport.send(request)
        }
        if case .password(let user, let password) = credentials {
            request.headers.set("Authorization", Self.basic(user, password))
        }
        request.address = server.query(scopes, isLogin: wantsRefreshToken)
        return try transport.follow(request) { () throws(RegistryError) in .none }
    }

    private func read(_ response: RegistryResponse) throws(RegistryError) -> (token: String, life: Int64) {
        guard response.status == 200 else { throw ErrorList.error(response) }
        let value = try JSONAnswer.object(response, "the token", limit: 64 * 1024).value
        let given = [value["token"], value["access_token"]].compactMap { $0?.stringValue }.first { !$0.isEmpty }
        guard let token = given, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .badAnswer(response.name, "the answer has no `token`")
        }
        if let refresh = value["refresh_token"]?.stringValue, !refresh.isEmpty {
            state.withLock { $0.refreshToken = refresh }
        }
        let life = value["expires_in"]?.intValue ?? 0
        return (token, life > 0 ? life : Self.life.usual)
    }
}

/// Where tokens come from, as a `Bearer` challenge says.
struct TokenServer: Sendable, Hashable {
    let realm: WebAddress
    let service: String?
    /// Scopes the challenge names.
    let challenged: [String]
    let isOnRegistryHost: Bool

    /// What to ask for: what is to be done, else what the challenge says.
    func scopes(_ wanted: [AccessScope]) -> [String] {
        wanted.isEmpty ? challenged : wanted.sorted().map(\.description)
    }

    /// The realm with the query of a token request.
    ///
    /// - Parameter isLogin: whether a long-lived token is wanted too.
    func query(_ scopes: [String], isLogin: Bool) -> WebAddress {
        var address = realm
        if let service { address = address.adding(query: "service", RequestTarget.encoded(service)) }
        for scope in scopes { address = address.adding(query: "scope", RequestTarget.encoded(scope)) }
        if isLogin {
            address = address.adding(query: "client_id", "stackctl").adding(query: "offline_token", "true")
        }
        return address
    }

    /// The form of a refresh (distribution, "OAuth2 Token Authentication").
    func refreshForm(_ token: String, _ scopes: [String]) -> String {
        var fields = [("grant_type", "refresh_token"), ("client_id", "stackctl"), ("refresh_token", token)]
        if let service { fields.append(("service", service)) }
        if !scopes.isEmpty { fields.append(("scope", scopes.joined(separator: " "))) }
        return fields.map { "\($0.0)=\(RequestTarget.encoded($0.1))" }.joined(separator: "&")
    }
}

extension TokenServer {
    /// The server a challenge names.
    ///
    /// - Throws: `RegistryError.redirect` when a secret would go there unencrypted.
    init(_ challenge: Challenge, of response: RegistryResponse, settings: RegistrySettings) throws(RegistryError) {
        let text = challenge.parameters["realm"] ?? ""
        guard let realm = WebAddress(text) else {
            throw .badAnswer(response.name, "the realm of its token server, `\(text.prefix(200))`, is no address")
        }
        isOnRegistryHost = realm.host == response.address.host
        if !realm.isSecure {
            guard !response.address.isSecure else {
                throw .redirect(response.name, "its token server \(realm) is not encrypted, though the registry is")
            }
            guard isOnRegistryHost || settings.isInsecure(realm.authority) else {
                throw .redirect(response.name, "its token server \(realm) is not encrypted, and not named as insecure")
            }
        }
        self.realm = realm
        service = challenge.parameters["service"]
        challenged = (challenge.parameters["scope"] ?? "").split(separator: " ").prefix(16).map(String.init)
    }
}
