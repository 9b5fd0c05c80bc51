import JSONText

/// What proves who we are to a registry.
///
/// Its description never shows a secret.
package enum RegistryCredentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// A user's name and password, or a token that is used as one.
    case password(user: String, password: String)
    /// A long-lived token that buys access tokens (OAuth 2 refresh token).
    case identityToken(String)
    /// A token the registry takes as it is.
    case registryToken(String)

    /// The user's name that Docker stores for an identity token.
    static let tokenUser = "<token>"

    package var description: String {
        switch self {
        case .password(let user, _): "the password of \(user)"
        case .identityToken: "an identity token"
        case .registryToken: "a registry token"
        }
    }

    package var debugDescription: String { description }

    /// The credentials in an object of Docker's (`auths` entry, `X-Registry-Auth`); nil when it has none.
    init?(_ object: JSONObject) {
        func text(_ key: String) -> String? {
            guard let text = object[key]?.stringValue, !text.isEmpty else { return nil }
            return text
        }
        if let token = text("registrytoken") {
            self = .registryToken(token)
        } else if let token = text("identitytoken") {
            self = .identityToken(token)
        } else if let user = text("username"), let password = text("password") {
            self.init(user: user, password: password)
        } else if let auth = text("auth"), let bytes = Base64.decode(auth),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0
        {
            var password = bytes[(colon + 1)...]
            // Old clients padded with NUL.
            while password.last == 0 { password.removeLast() }
            self.init(
                user: String(decoding: bytes[..<colon], as: UTF8.self),
                password: String(decoding: password, as: UTF8.self))
        } else {
            return nil
        }
    }

    /// Credentials as a helper or a file gives them.
    init(user: String, password: String) {
        self = user == Self.tokenUser ? .identityToken(password) : .password(user: user, password: password)
    }

    /// Reads Docker's `X-Registry-Auth` field: base64url of `{"username":…,"password":…,"identitytoken":…}`.
    ///
    /// Nil when it holds no credentials, such as `{}`, and when it is no such thing: Docker ignores those too.
    package init?(registryAuthHeader text: String) {
        guard text.utf8.count <= 64 * 1024, let bytes = Base64.decode(text),
            let object = (try? JSONValue.parse(bytes, limits: JSONLimits(depth: 8)))?.objectValue
        else { return nil }
        self.init(object)
    }

    /// Reads Docker's `X-Registry-Config` field: base64url of an object of such objects by registry.
    ///
    /// - Returns: credentials by the registry's name as image references have it.
    static func byRegistry(registryConfigHeader text: String) -> [String: RegistryCredentials] {
        guard text.utf8.count <= 1 << 20, let bytes = Base64.decode(text),
            let object = (try? JSONValue.parse(bytes, limits: JSONLimits(depth: 8)))?.objectValue
        else { return [:] }
        var found: [String: RegistryCredentials] = [:]
        for (key, value) in object {
            guard let credentials = value.objectValue.flatMap({ RegistryCredentials($0) }) else { continue }
            found[DockerConfigFile.domain(ofKey: key)] = credentials
        }
        return found
    }

    /// Reads Docker's `AuthConfig`, the body of `POST /auth`; nil when it holds no credentials.
    package init?(authConfig value: JSONValue) {
        guard let object = value.objectValue else { return nil }
        self.init(object)
    }

    /// The registry an `AuthConfig` is for, by its name as image references have it; Docker Hub where it says none.
    package static func registry(ofAuthConfig value: JSONValue) -> String {
        guard let address = value["serveraddress"]?.stringValue, !address.isEmpty else { return "docker.io" }
        return DockerConfigFile.domain(ofKey: address)
    }

    /// The credentials as Docker's `X-Registry-Auth` field.
    ///
    /// - Parameter domain: the registry's name as image references have it.
    package func registryAuthHeader(for domain: String) -> String {
        var object = json
        object["serveraddress"] = .string(DockerConfigFile.key(for: domain))
        return Self.headerText(object)
    }

    /// Credentials by the registry's name, as Docker's `X-Registry-Config` field.
    package static func registryConfigHeader(_ credentials: [String: RegistryCredentials]) -> String {
        headerText(
            JSONObject(credentials.sorted { $0.key < $1.key }.map { (DockerConfigFile.key(for: $0), .object($1.json)) })
        )
    }

    private static func headerText(_ object: JSONObject) -> String {
        let text = Base64.encode(JSONValue.object(object).serializedBytes(.compact))
        return String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }

    /// The members of Docker's `AuthConfig`.
    package var json: JSONObject {
        switch self {
        case .password(let user, let password): ["username": .string(user), "password": .string(password)]
        case .identityToken(let token): ["identitytoken": .string(token)]
        case .registryToken(let token): ["registrytoken": .string(token)]
        }
    }
}
