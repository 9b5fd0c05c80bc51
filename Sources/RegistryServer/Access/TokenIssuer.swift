import Archives
import JSONText
import Linux
import Registry

/// Makes and verifies the bearer tokens of this registry: JSON web tokens signed with a key that never leaves the root.
///
/// Source: RFC 7519; distribution, "Docker Registry v2 Bearer token specification".
struct TokenIssuer: Sendable {
    /// What a token says.
    struct Claims: Sendable, Hashable {
        var user: String?
        var grants: [AccessGrant]
    }

    /// How long a token is good, in seconds.
    static let lifetime: Int64 = 300
    static let service = "stackctl-registry"
    /// A registry on another machine may have a clock that goes before this one.
    private static let leeway: Int64 = 30
    private static let lengthLimit = 16 << 10
    private let key: [UInt8]

    /// An issuer with the key in the store, which is made when missing.
    init(_ files: StoreFiles) throws {
        let name = "token.key"
        if let known = try files.read(name, limit: 64), known.count == 32 {
            key = known
        } else {
            key = try Random.bytes(32)
            try files.write(name, key)
        }
    }

    init(key: [UInt8]) { self.key = key }

    /// A signed token.
    func token(_ claims: Claims, now: Timestamp = Clock.now()) -> String {
        var payload = JSONObject()
        payload["iss"] = .string(Self.service)
        payload["aud"] = .string(Self.service)
        payload["sub"] = .string(claims.user ?? "")
        payload["iat"] = .int(now.seconds)
        payload["nbf"] = .int(now.seconds - Self.leeway)
        payload["exp"] = .int(now.seconds + Self.lifetime)
        payload["access"] = .array(claims.grants.map { .object(Self.entry($0)) })
        let signed = Self.encode(Self.header) + "." + Self.encode(JSONValue.object(payload).serializedBytes())
        return signed + "." + Self.encode(HMACSHA256.code(Array(signed.utf8), key: key))
    }

    /// What a token says; nil where it is not ours, was changed, or is not good now.
    func claims(_ token: String, now: Timestamp = Clock.now()) -> Claims? {
        guard token.utf8.count <= Self.lengthLimit else { return nil }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64.decode(parts[0]), let payload = Base64.decode(parts[1]),
            let code = Base64.decode(parts[2]),
            HMACSHA256.verify(code, of: Array("\(parts[0]).\(parts[1])".utf8), key: key),
            // One kind of signature only: whatever else the header claims is not discussed.
            header == Self.header,
            let claims = try? JSONValue.parse(payload, limits: JSONLimits(depth: 8)),
            claims["aud"]?.stringValue == Self.service,
            let start = claims["nbf"]?.intValue, let end = claims["exp"]?.intValue,
            start <= now.seconds, now.seconds < end
        else { return nil }
        let user = claims["sub"]?.stringValue ?? ""
        let grants = (claims["access"]?.arrayValue ?? []).compactMap(Self.grant)
        return Claims(user: user.isEmpty ? nil : user, grants: grants)
    }

    private static let header = Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)

    private static func entry(_ grant: AccessGrant) -> JSONObject {
        switch grant.subject {
        case .catalog: return ["type": "registry", "name": "catalog", "actions": ["*"]]
        case .repository(let name):
            let words = RepositoryAction.allCases.filter(grant.actions.contains).map { JSONValue.string($0.rawValue) }
            return ["type": "repository", "name": .string(name), "actions": .array(words)]
        }
    }

    private static func grant(_ entry: JSONValue) -> AccessGrant? {
        guard let type = entry["type"]?.stringValue, let name = entry["name"]?.stringValue else { return nil }
        let words = (entry["actions"]?.arrayValue ?? []).compactMap(\.stringValue)
        return AccessGrant(scope: "\(type):\(name):\(words.joined(separator: ","))")
    }

    /// Base64 in the alphabet for addresses, without padding.
    private static func encode(_ bytes: [UInt8]) -> String {
        Base64.encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
