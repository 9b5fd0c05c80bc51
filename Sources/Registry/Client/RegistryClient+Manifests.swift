import Archives
import HTTP
import JSONText
import OCI

/// A manifest or an index as the registry keeps it.
package struct FetchedManifest: Sendable, Hashable {
    /// The digest of the bytes, computed here.
    package let digest: Digest
    /// What it is.
    package let mediaType: String
    /// The bytes, exactly.
    package let bytes: [UInt8]
}

extension RegistryClient {
    /// Most bytes of a manifest.
    package static let manifestLimit = 4 << 20

    /// What we can read, best first.
    static let manifestTypes = [
        MediaType.ociIndex, MediaType.ociManifest, MediaType.dockerManifestList, MediaType.dockerManifest,
    ]

    /// Finds what a tag or a digest names, without fetching it where the registry says enough.
    package func resolve(_ reference: String) throws(RegistryError) -> Descriptor {
        try pulling { endpoint throws(RegistryError) in
            if let found = try self.head(reference, endpoint) { return found }
            let manifest = try self.fetch(reference, endpoint)
            return Descriptor(
                mediaType: manifest.mediaType, digest: manifest.digest, size: Int64(manifest.bytes.count))
        }
    }

    /// Fetches the manifest or index that a tag or a digest names.
    ///
    /// - Throws: `RegistryError.digestMismatch` when the bytes are not those the digest or the registry's own
    ///   `Docker-Content-Digest` says.
    package func manifest(_ reference: String) throws(RegistryError) -> FetchedManifest {
        try pulling { endpoint throws(RegistryError) in try self.fetch(reference, endpoint) }
    }

    /// Fetches the manifest or index of a digest.
    package func manifest(_ digest: Digest) throws(RegistryError) -> FetchedManifest {
        try manifest(digest.description)
    }

    /// Pushes a manifest or an index under a tag or its digest.
    ///
    /// - Parameter reference: a tag; nil pushes it by its digest alone.
    /// - Returns: the digest.
    @discardableResult
    package func putManifest(
        _ bytes: [UInt8], mediaType: String, reference: String? = nil
    ) throws(RegistryError) -> Digest {
        try put(bytes, mediaType: mediaType, reference: reference).digest
    }

    /// Pushes a manifest that says something of another, so that the other's readers find it.
    ///
    /// Where the registry keeps no list of referrers, the index under the tag made of the digest gets it.
    ///
    /// - Parameters:
    ///   - bytes: the manifest; its `subject` is the other.
    ///   - listed: how the list has it.
    ///   - subject: the digest of the other manifest.
    ///
    /// Source: OCI distribution specification, "Pushing Manifests with Subject" and "Referrers Tag Schema".
    package func putReferrer(
        _ bytes: [UInt8], as listed: Descriptor, of subject: Digest
    ) throws(RegistryError) {
        let answer = try put(bytes, mediaType: listed.mediaType, reference: nil)
        guard !answer.keepsReferrers else { return }
        let tag = Self.referrersTag(of: subject)
        var index = ImageIndex(manifests: [])
        do throws(RegistryError) {
            let found = try fetch(tag, origin)
            if let known = try? ImageIndex(bytes: found.bytes) { index = known }
        } catch .notFound {
            // This one is the first.
        }
        guard !index.manifests.contains(where: { $0.digest == listed.digest }) else { return }
        index.manifests.append(listed)
        _ = try put(index.serialized(), mediaType: MediaType.ociIndex, reference: tag)
    }

    /// The tag under which registries without a list of referrers have one.
    static func referrersTag(of digest: Digest) -> String {
        "\(digest.algorithm.rawValue)-\(digest.hex.prefix(64))"
    }

    private func put(
        _ bytes: [UInt8], mediaType: String, reference: String?
    ) throws(RegistryError) -> (digest: Digest, keepsReferrers: Bool) {
        let digest = try Self.digest(of: bytes)
        let response = try origin.call(
            RegistryCall(
                method: "PUT", target: .path(try manifestPath(reference ?? digest.description)),
                headers: ["Content-Type": mediaType], body: .bytes(bytes), scopes: [.push(repository)]),
            expecting: [200, 201, 202])
        defer { response.close() }
        try Self.check(response.headers["Docker-Content-Digest"], is: digest, response.name)
        return (digest, response.headers["OCI-Subject"] != nil)
    }

    /// Removes a manifest by tag or digest.
    package func deleteManifest(_ reference: String) throws(RegistryError) {
        try origin.call(
            RegistryCall(
                method: "DELETE", target: .path(try manifestPath(reference)), scopes: [.delete(repository)]),
            expecting: [200, 202, 204]
        ).close()
    }

    private func call(_ method: String, manifest reference: String) throws(RegistryError) -> RegistryCall {
        RegistryCall(
            method: method, target: .path(try manifestPath(reference)),
            headers: ["Accept": Self.manifestTypes.joined(separator: ", ")], scopes: [.pull(repository)])
    }

    private func manifestPath(_ reference: String) throws(RegistryError) -> String {
        guard Self.isPlain(reference, and: ":") else {
            throw .configuration(path: reference, "this is neither a tag nor a digest")
        }
        return path("manifests/\(reference)")
    }

    /// What the registry says by `HEAD`; nil when that is not enough.
    private func head(_ reference: String, _ endpoint: Endpoint) throws(RegistryError) -> Descriptor? {
        let response = try endpoint.call(try call("HEAD", manifest: reference))
        defer { response.close() }
        // A proxy may not know HEAD, and only a body tells why.
        guard response.status == 200, let type = response.headers.mediaType, Self.manifestTypes.contains(type),
            let digest = response.headers["Docker-Content-Digest"].flatMap({ Digest($0) }),
            let size = response.headers["Content-Length"].flatMap({ Int64($0) }), size >= 0
        else { return nil }
        if let asked = Digest(reference), asked != digest {
            throw .digestMismatch(response.name, expected: asked.description, found: digest.description)
        }
        return Descriptor(mediaType: type, digest: digest, size: size)
    }

    func fetch(_ reference: String, _ endpoint: Endpoint) throws(RegistryError) -> FetchedManifest {
        let response = try endpoint.call(try call("GET", manifest: reference), expecting: [200])
        let said = response.headers["Docker-Content-Digest"]
        let type = response.headers.mediaType
        let (value, bytes) = try JSONAnswer.object(response, "the manifest", limit: Self.manifestLimit)
        let digest = try Self.digest(of: bytes)
        if let asked = Digest(reference) { try Self.check(asked.description, is: digest, response.name) }
        try Self.check(said, is: digest, response.name)
        return FetchedManifest(
            digest: digest, mediaType: try Self.mediaType(value, header: type, response.name), bytes: bytes)
    }

    /// What a manifest is, by its own word and the response's: they must not contradict, since a manifest read as an
    /// index is another image (GHSA-mc8v-mgrf-8f4m).
    private static func mediaType(
        _ value: JSONValue, header: String?, _ name: RequestName
    ) throws(RegistryError) -> String {
        if value["schemaVersion"]?.intValue == 1 {
            throw .badAnswer(name, "the image is of Docker's schema 1, which no registry should serve any more")
        }
        let own = value["mediaType"]?.stringValue
        if let header, manifestTypes.contains(header) {
            if let own, own != header {
                throw .badAnswer(name, "the manifest says it is `\(ErrorList.shown(own))`, the answer `\(header)`")
            }
            return header
        }
        if let own { return own }
        return value["manifests"] == nil ? MediaType.ociManifest : MediaType.ociIndex
    }

    static func digest(of bytes: [UInt8]) throws(RegistryError) -> Digest {
        let hex = SHA256.hex(of: bytes)
        guard let digest = Digest(sha256Hex: hex) else { throw .unsupportedDigest(hex) }
        return digest
    }

    /// Compares a digest that was asked or said with that of the bytes.
    private static func check(
        _ expected: String?, is found: Digest, _ name: RequestName
    ) throws(RegistryError) {
        guard let expected else { return }
        if let digest = Digest(expected), digest.algorithm != found.algorithm {
            throw .unsupportedDigest(expected)
        }
        guard expected == found.description else {
            throw .digestMismatch(name, expected: ErrorList.shown(expected), found: found.description)
        }
    }
}
