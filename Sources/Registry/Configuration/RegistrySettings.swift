import JSONText
import Linux

/// What the host's owner says of one registry.
package struct RegistryEntry: Sendable, Hashable {
    /// Hosts (`mirror.example:5000`) or addresses asked before the registry itself, in order, when pulling.
    package var mirrors: [String] = []
    /// A file of authorities in PEM.
    package var authorityFile: String?
    /// A file with our certificate.
    package var clientCertificate: String?
    /// A file with its key.
    package var clientKey: String?
    /// Whether plain HTTP and certificates that cannot be verified are taken.
    package var isInsecure = false

    /// An entry that changes nothing.
    package init() {}
}

/// The host's configuration of registries: `registries.json` and Docker's folder of certificates.
package struct RegistrySettings: Sendable {
    /// Where the file is for the whole host.
    package static let path = "/etc/stackctl/registries.json"

    /// By the registry's name as in image references, such as `docker.io` or `registry.example:5000`.
    package private(set) var entries: [String: RegistryEntry]
    private var trusts: [String: TransportTrust] = [:]
    private let certificateRoot: String

    /// Settings given in code.
    package init(_ entries: [String: RegistryEntry] = [:], certificateRoot: String = "/etc/docker/certs.d") {
        self.entries = entries
        self.certificateRoot = certificateRoot
    }

    /// Reads configuration files in order; a registry in a later one replaces that of an earlier one, and a file that
    /// is not there says nothing.
    ///
    /// - Throws: `RegistryError.configuration`, with the file and the field that is wrong.
    package static func load(_ paths: [String] = [path]) throws(RegistryError) -> RegistrySettings {
        var entries: [String: RegistryEntry] = [:]
        for path in paths {
            let bytes: [UInt8]
            do throws(SystemError) {
                guard try Files.statusIfPresent(path) != nil else { continue }
                bytes = try Files.readAll(path, limit: 1 << 20)
            } catch {
                throw .configuration(path: path, error.description)
            }
            entries.merge(try RegistrySettingsFile(path: path).parse(bytes)) { $1 }
        }
        return RegistrySettings(entries)
    }

    /// Whether plain HTTP and unverified certificates are taken from a host: where named so, and on loopback unless
    /// an authority was given for it.
    func isInsecure(_ authority: String) -> Bool {
        if let entry = entries[authority] {
            if entry.isInsecure { return true }
            if entry.authorityFile != nil { return false }
        }
        guard let host = WebAddress.split(authority: authority)?.host, LoopbackHost.contains(host) else { return false }
        return ((try? CertificateFolder.read(authority, root: certificateRoot))??.authorities.isEmpty) ?? true
    }

    /// Whom to trust as a host, by its name with the port where one is given.
    func checkedTrust(for authority: String) throws(RegistryError) -> TransportTrust {
        var trust = try CertificateFolder.read(authority, root: certificateRoot) ?? TransportTrust()
        if let entry = entries[authority] {
            if let file = entry.authorityFile { trust.authorities += try CertificateFolder.authorities(file) }
            if let certificate = entry.clientCertificate {
                trust.clientCertificate = certificate
                trust.clientKey = entry.clientKey
            }
        }
        trust.isVerified = !isInsecure(authority)
        return trust
    }

    /// Whom to trust as a host that a registry sent us to; a folder that cannot be read adds nothing.
    func trust(for authority: String) -> TransportTrust {
        (try? checkedTrust(for: authority)) ?? TransportTrust()
    }
}

/// Reads `registries.json`.
struct RegistrySettingsFile {
    let path: String

    func parse(_ bytes: [UInt8]) throws(RegistryError) -> [String: RegistryEntry] {
        let value: JSONValue
        do throws(JSONParseError) {
            value = try JSONValue.parse(bytes, limits: JSONLimits(depth: 16, bytes: 1 << 20))
        } catch {
            throw fail(error.description)
        }
        guard let object = value.objectValue else { throw fail("it is \(value.kindDescription), not an object") }
        var entries: [String: RegistryEntry] = [:]
        for (key, value) in object {
            guard key == "registries" else { throw fail("`\(key)` is not known; `registries` is") }
            guard let registries = value.objectValue else { throw fail("`registries` is not an object") }
            for (name, value) in registries {
                guard WebAddress.split(authority: name) != nil else { throw fail("`\(name)` is not HOST or HOST:PORT") }
                guard let fields = value.objectValue else { throw fail("`\(name)` is not an object") }
                entries[name] = try entry(name, fields)
            }
        }
        try checkMirrors(entries)
        return entries
    }

    private func entry(_ name: String, _ fields: JSONObject) throws(RegistryError) -> RegistryEntry {
        var entry = RegistryEntry()
        for (key, value) in fields {
            switch key {
            case "mirrors":
                let texts = value.arrayValue?.map(\.stringValue) ?? [nil]
                for text in texts {
                    guard let text, MirrorAddress(text) != nil else {
                        throw fail("`mirrors` of `\(name)` is not a list of HOST[:PORT] or https://HOST[:PORT]")
                    }
                    entry.mirrors.append(text)
                }
            case "ca": entry.authorityFile = try file(name, key, value)
            case "clientCertificate": entry.clientCertificate = try file(name, key, value)
            case "clientKey": entry.clientKey = try file(name, key, value)
            case "insecure":
                guard let flag = value.boolValue else { throw fail("`insecure` of `\(name)` is not true or false") }
                entry.isInsecure = flag
            default:
                throw fail(
                    "`\(key)` of `\(name)` is not known; mirrors, ca, clientCertificate, clientKey and insecure are")
            }
        }
        guard (entry.clientCertificate == nil) == (entry.clientKey == nil) else {
            throw fail("`clientCertificate` and `clientKey` of `\(name)` need each other")
        }
        return entry
    }

    /// Plain HTTP needs to be allowed by name, for mirrors too.
    private func checkMirrors(_ entries: [String: RegistryEntry]) throws(RegistryError) {
        let settings = RegistrySettings(entries)
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            for mirror in entry.mirrors.compactMap(MirrorAddress.init)
            where mirror.isSecure == false && !settings.isInsecure(mirror.authority) {
                throw fail(
                    "the mirror `\(mirror.authority)` of `\(name)` is plain http, and has no entry with `insecure`")
            }
        }
    }

    private func file(_ name: String, _ key: String, _ value: JSONValue) throws(RegistryError) -> String {
        guard let path = value.stringValue, path.hasPrefix("/") else {
            throw fail("`\(key)` of `\(name)` is not an absolute path")
        }
        return path
    }

    private func fail(_ reason: String) -> RegistryError { .configuration(path: path, reason) }
}

/// A mirror as it is written: a host, or an address that says the scheme.
struct MirrorAddress: Sendable, Hashable {
    /// Host and port as written.
    let authority: String
    /// The scheme where it is given.
    let isSecure: Bool?
    /// A path before `/v2/`, or empty.
    let prefix: String

    init?(_ text: String) {
        var rest = Substring(text)
        if text.hasPrefix("https://") {
            isSecure = true
            rest = rest.dropFirst("https://".count)
        } else if text.hasPrefix("http://") {
            isSecure = false
            rest = rest.dropFirst("http://".count)
        } else {
            isSecure = nil
        }
        authority = String(rest.prefix { $0 != "/" })
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path = path.dropLast() }
        prefix = String(path)
        guard WebAddress.split(authority: authority) != nil, WebAddress("https://\(authority)\(prefix)/") != nil,
            !prefix.contains("?"), !prefix.contains("#")
        else { return nil }
    }
}
