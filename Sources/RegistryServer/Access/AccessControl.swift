import HTTP
import JSONText
import Linux
import OCI
import Registry

/// Who may do what.
///
/// Users of the htpasswd file may do all; whoever gives no name may pull, where that is allowed. Without such a file
/// everybody may do all.
struct AccessControl: Sendable {
    private let passwords: PasswordVerifier?
    private let tokens: TokenIssuer?
    private let anonymousPull: Bool
    /// How clients reach this registry, as `https://HOST`; nil where a request's own words say it.
    private let address: String?
    private let isSecure: Bool

    /// - Parameters:
    ///   - tokens: makes tokens; nil where names and passwords come with each request.
    ///   - isSecure: whether TLS is spoken here.
    init(
        passwords: PasswordVerifier?, tokens: TokenIssuer?, anonymousPull: Bool, address: String?, isSecure: Bool
    ) {
        self.passwords = passwords
        self.tokens = tokens
        self.anonymousPull = anonymousPull
        self.address = address
        self.isSecure = isSecure
    }

    /// Whether callers are asked who they are.
    var isGuarded: Bool { passwords != nil }

    /// The caller of a request, who may do what it asks for.
    ///
    /// - Throws: `APIFailure` with the challenge that says how to prove who one is.
    func caller(_ call: APICall, _ route: Route) async throws -> Caller {
        guard passwords != nil else { return Caller(user: nil, rights: .everything) }
        let caller = try await identify(call, route)
        call.name(caller.user)
        guard let wanted = Self.wanted(call, route) else {
            // A client learns here how to prove who it is; told it may come in, it would never ask again.
            if case .pulling = caller.rights { throw challenge(call, route) }
            if case .nothing = caller.rights { throw challenge(call, route) }
            return caller
        }
        guard caller.may(wanted) else { throw challenge(call, route) }
        return caller
    }

    private func identify(_ call: APICall, _ route: Route) async throws -> Caller {
        guard let field = call.headers["Authorization"] else {
            return Caller(user: nil, rights: anonymousPull ? .pulling : .nothing)
        }
        if let token = Self.credential(field, "bearer") {
            guard let claims = tokens?.claims(token) else { throw challenge(call, route) }
            return Caller(user: claims.user, rights: .granted(claims.grants))
        }
        guard let user = try await user(field) else { throw challenge(call, route) }
        return Caller(user: user, rights: .everything)
    }

    /// The user that a `Basic` field proves; nil where it does not.
    private func user(_ field: String) async throws -> String? {
        guard let passwords, let text = Self.credential(field, "basic"), let bytes = Base64.decode(text),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let user = String(decoding: bytes[..<colon], as: UTF8.self)
        let password = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        return try await passwords.verify(user: user, password: password) ? user : nil
    }

    private static func credential(_ field: String, _ scheme: String) -> String? {
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == scheme else { return nil }
        return String(parts[1])
    }

    /// What a request wants to do; nil where it only asks to be let in.
    private static func wanted(_ call: APICall, _ route: Route) -> AccessGrant? {
        if route == .catalog { return AccessGrant(.catalog, [.pull]) }
        guard let repository = route.repository else { return nil }
        let action: RepositoryAction
        switch (call.method, route) {
        case ("GET", .upload), ("HEAD", .upload): action = .push
        case ("GET", _), ("HEAD", _): action = .pull
        case ("DELETE", .blob), ("DELETE", .manifest): action = .delete
        default: action = .push
        }
        return AccessGrant(.repository(repository.description), [action])
    }

    // MARK: Challenges

    private func challenge(_ call: APICall, _ route: Route) -> APIFailure {
        var field = "Basic realm=\"stackctl registry\""
        if tokens != nil {
            field = "Bearer realm=\"\(base(call))/token\",service=\"\(TokenIssuer.service)\""
            if let wanted = Self.wanted(call, route) {
                // Who pushes looks first at what is there.
                let actions = wanted.actions.contains(.pull) ? wanted.actions : wanted.actions.union([.pull])
                field += ",scope=\"\(AccessGrant(wanted.subject, actions).scope)\""
            }
        }
        return APIFailure(
            401, .unauthorized, "this needs a user's name and password, and the right ones",
            headers: ["WWW-Authenticate": field])
    }

    /// How the client reached us.
    private func base(_ call: APICall) -> String {
        if let address { return address }
        let forwarded = call.headers["X-Forwarded-Proto"]?.lowercased()
        let scheme = isSecure || forwarded == "https" ? "https" : "http"
        let host = call.headers["Host"] ?? "localhost"
        let isPlain = host.utf8.allSatisfy {
            (0x30...0x3A).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || [0x2D, 0x2E, 0x5B, 0x5D, 0x5F].contains($0)
        }
        return "\(scheme)://\(isPlain ? host : "localhost")"
    }

    // MARK: Tokens

    /// `/token`: a token for what is asked for, as far as the caller may do it.
    func token(_ call: APICall) async throws {
        guard let tokens else { throw APIFailure.noSuchPage }
        var scopes: [String]
        var user: String?
        switch call.method {
        case "GET":
            scopes = call.queries("scope")
            if let field = call.headers["Authorization"] {
                user = try await self.user(field)
                guard user != nil else { throw Self.refused }
            }
        case "POST":
            let form = try RequestTarget("/?" + String(decoding: try await call.body(limit: 64 << 10), as: UTF8.self))
            scopes = form.all("scope")
            guard form.first("grant_type") == "password", let name = form.first("username"),
                let password = form.first("password"),
                try await passwords?.verify(user: name, password: password) == true
            else { throw Self.refused }
            user = name
        default: throw APIFailure.wrongMethod("GET, POST")
        }
        guard user != nil || anonymousPull else { throw Self.refused }
        call.name(user)
        scopes = scopes.flatMap { $0.split(separator: " ").map(String.init) }
        let grants = scopes.prefix(32).compactMap { AccessGrant(scope: $0) }.compactMap { grant -> AccessGrant? in
            guard user == nil else { return grant }
            guard case .repository = grant.subject, grant.actions.contains(.pull) else { return nil }
            return AccessGrant(grant.subject, [.pull])
        }
        let token = tokens.token(TokenIssuer.Claims(user: user, grants: grants))
        try await call.respond(
            200, headers: ["Content-Type": "application/json", "Cache-Control": "no-store"],
            body: Self.answer(token))
    }

    private static func answer(_ token: String) -> [UInt8] {
        var answer = JSONObject()
        answer["token"] = .string(token)
        answer["access_token"] = .string(token)
        answer["expires_in"] = .int(TokenIssuer.lifetime)
        answer["issued_at"] = .string(Clock.now().rfc3339Seconds)
        return JSONValue.object(answer).serializedBytes()
    }

    private static let refused = APIFailure(
        401, .unauthorized, "the user's name or password is wrong",
        headers: ["WWW-Authenticate": "Basic realm=\"stackctl registry\""])
}
