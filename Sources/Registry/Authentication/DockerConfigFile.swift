import JSONText
import Linux

/// Docker's `config.json`, as far as registries go; everything else in it is kept as it is.
package struct DockerConfigFile: Sendable {
    /// The file's path.
    package let path: String
    private var content: JSONObject
    /// Folders searched for credential helpers; nil is `PATH`.
    var helperSearchPath: String?

    /// The file of the calling user: in `$DOCKER_CONFIG`, else in `~/.docker`; nil without a home.
    package static var defaultPath: String? {
        if let folder = Environment.get("DOCKER_CONFIG"), !folder.isEmpty { return "\(folder)/config.json" }
        guard let home = Environment.get("HOME"), home.hasPrefix("/") else { return nil }
        return "\(home)/.docker/config.json"
    }

    /// Reads a file; one that is not there is empty.
    ///
    /// - Throws: `RegistryError.configuration`.
    package init(path: String, helperSearchPath: String? = nil) throws(RegistryError) {
        self.path = path
        self.helperSearchPath = helperSearchPath
        let bytes: [UInt8]
        do throws(SystemError) {
            guard try Files.statusIfPresent(path) != nil else {
                content = JSONObject()
                return
            }
            bytes = try Files.readAll(path, limit: 4 << 20)
        } catch {
            throw .configuration(path: path, error.description)
        }
        do throws(JSONParseError) {
            let value =
                bytes.isEmpty ? JSONValue.object([:]) : try JSONValue.parse(bytes, limits: JSONLimits(depth: 32))
            guard let object = value.objectValue else {
                throw JSONParseError(line: 1, column: 1, reason: "it is \(value.kindDescription), not an object")
            }
            content = object
        } catch {
            throw .configuration(path: path, error.description)
        }
    }

    /// Reads a file, changes it and writes it, while no other process of ours does.
    ///
    /// - Throws: `RegistryError.configuration`.
    package static func changing<Value>(
        _ path: String, helperSearchPath: String? = nil,
        _ body: (inout DockerConfigFile) throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value {
        let lock: FileLock
        do throws(SystemError) {
            let target = Files.exists(path) ? try Files.realPath(path) : path
            let folder = target.lastIndex(of: "/").map { String(target[..<$0]) } ?? "."
            if !Files.exists(folder) { try Files.makeDirectories(folder, mode: 0o700) }
            lock = try FileLock.directory(folder)
        } catch {
            throw .configuration(path: path, error.description)
        }
        var file = try DockerConfigFile(path: path, helperSearchPath: helperSearchPath)
        let value = try body(&file)
        withExtendedLifetime(lock) {}
        return value
    }

    /// Whether the secret of a registry is kept by a helper, and not readably in the file.
    package func isProtected(_ domain: String) throws(RegistryError) -> Bool { try helper(for: domain) != nil }

    /// The user's name that is kept for a registry, where it is one.
    package func user(for domain: String) throws(RegistryError) -> String? {
        guard case .password(let user, _) = try credentials(for: domain) else { return nil }
        return user
    }

    /// The name under which a registry's credentials are kept.
    package static func key(for domain: String) -> String {
        domain == "docker.io" || domain == "index.docker.io" || domain == "registry-1.docker.io"
            ? "https://index.docker.io/v1/" : domain
    }

    /// The registry's name as image references have it, of the name its credentials are kept under.
    package static func domain(ofKey key: String) -> String {
        let host = host(of: key)
        return Self.key(for: host) == Self.key(for: "docker.io") ? "docker.io" : host
    }

    /// The credentials of a registry: from its own helper, else from the store, else from the file; nil without.
    package func credentials(for domain: String) throws(RegistryError) -> RegistryCredentials? {
        let key = Self.key(for: domain)
        if let helper = try helper(for: domain) {
            return try helper.get(key)
        }
        guard let auths = content["auths"]?.objectValue else { return nil }
        if let exact = auths[key]?.objectValue { return RegistryCredentials(exact) }
        let host = Self.host(of: key)
        for (name, value) in auths where Self.host(of: name) == host {
            if let object = value.objectValue, let found = RegistryCredentials(object) { return found }
        }
        return nil
    }

    /// Keeps credentials and writes the file.
    package mutating func store(_ credentials: RegistryCredentials, for domain: String) throws(RegistryError) {
        let key = Self.key(for: domain)
        var entry = JSONObject()
        switch credentials {
        case .registryToken: throw .configuration(path: path, "a registry token is not kept")
        case .password(let user, let password):
            if let helper = try helper(for: domain) {
                try helper.store(key, user: user, secret: password)
            } else {
                entry["auth"] = .string(Base64.encode(Array("\(user):\(password)".utf8)))
            }
        case .identityToken(let token):
            if let helper = try helper(for: domain) {
                try helper.store(key, user: RegistryCredentials.tokenUser, secret: token)
            } else {
                entry["auth"] = .string(Base64.encode(Array("\(RegistryCredentials.tokenUser):".utf8)))
                entry["identitytoken"] = .string(token)
            }
        }
        var auths = content["auths"]?.objectValue ?? JSONObject()
        auths[key] = .object(entry)
        content["auths"] = .object(auths)
        try write()
    }

    /// Forgets a registry's credentials and writes the file.
    ///
    /// - Returns: whether there were any.
    @discardableResult
    package mutating func erase(_ domain: String) throws(RegistryError) -> Bool {
        let key = Self.key(for: domain)
        var wasThere = false
        if let helper = try helper(for: domain) {
            wasThere = try helper.get(key) != nil
            if wasThere { try helper.erase(key) }
        }
        var auths = content["auths"]?.objectValue ?? JSONObject()
        let host = Self.host(of: key)
        let names = auths.keys.filter { $0 == key || Self.host(of: $0) == host }
        guard !names.isEmpty else { return wasThere }
        for name in names { auths[name] = nil }
        content["auths"] = auths.isEmpty ? nil : .object(auths)
        try write()
        return true
    }

    private func helper(for domain: String) throws(RegistryError) -> CredentialProgram? {
        let own = content["credHelpers"]?.objectValue
        let named = own?[domain]?.stringValue ?? own?[Self.host(of: Self.key(for: domain))]?.stringValue
        guard let name = named ?? content["credsStore"]?.stringValue, !name.isEmpty else { return nil }
        guard let helper = CredentialProgram(name: name, searchPath: helperSearchPath) else {
            throw .configuration(path: path, "`\(name)` is no name of a credential helper")
        }
        return helper
    }

    /// The host of a key, which may be a whole address with an old path.
    private static func host(of key: String) -> String {
        var rest = Substring(key)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return String(rest.prefix { $0 != "/" })
    }

    private func write() throws(RegistryError) {
        do throws(SystemError) {
            // A link, as dotfile keepers make it, stays one.
            let target = Files.exists(path) ? try Files.realPath(path) : path
            if let slash = target.lastIndex(of: "/"), !Files.exists(String(target[..<slash])) {
                try Files.makeDirectories(String(target[..<slash]), mode: 0o700)
            }
            try Files.writeAtomically(
                target, JSONValue.object(content).serializedBytes(.pretty) + [0x0A], mode: 0o600)
        } catch {
            throw .configuration(path: path, error.description)
        }
    }
}
