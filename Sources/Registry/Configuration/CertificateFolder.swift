import Linux

/// Docker's folder of a registry's certificates, `/etc/docker/certs.d/HOST[:PORT]`.
///
/// Every `*.crt` is an authority; `NAME.cert` is a certificate of ours and `NAME.key` its key.
struct CertificateFolder: Sendable {
    static let root = "/etc/docker/certs.d"
    /// Most bytes of all authorities of a registry.
    private static let authorityLimit = 4 << 20

    /// What the folder of a host says; nil when there is none.
    static func read(_ authority: String, root: String = root) throws(RegistryError) -> TransportTrust? {
        // A name with a slash would lead elsewhere.
        guard !authority.contains("/"), !authority.hasPrefix(".") else { return nil }
        let folder = "\(root)/\(authority)"
        let entries: [String]
        do throws(SystemError) {
            guard try Files.statusIfPresent(folder) != nil else { return nil }
            entries = try Files.list(folder).map(\.name).sorted()
        } catch {
            throw .configuration(path: folder, error.description)
        }
        var trust = TransportTrust()
        for name in entries where name.hasSuffix(".crt") {
            trust.authorities += try authorities("\(folder)/\(name)")
        }
        if let certificate = entries.first(where: { $0.hasSuffix(".cert") }) {
            let key = certificate.dropLast(".cert".count) + ".key"
            guard entries.contains(String(key)) else {
                throw .configuration(path: "\(folder)/\(certificate)", "its key `\(key)` is missing")
            }
            trust.clientCertificate = "\(folder)/\(certificate)"
            trust.clientKey = "\(folder)/\(key)"
        }
        return trust
    }

    /// The content of a file of authorities.
    static func authorities(_ path: String) throws(RegistryError) -> [UInt8] {
        do throws(SystemError) {
            // A file need not end with a line end, and two of them are joined.
            return try Files.readAll(path, limit: authorityLimit) + [0x0A]
        } catch {
            throw .configuration(path: path, error.description)
        }
    }
}
