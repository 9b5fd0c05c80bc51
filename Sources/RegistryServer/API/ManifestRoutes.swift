import HTTP
import JSONText
import Linux
import OCI

/// `/v2/<name>/manifests/<reference>`.
struct ManifestRoutes: Sendable {
    let store: RegistryStore
    let proxy: ProxyCache?

    /// Most tags in one request.
    private static let tagLimit = 100

    func handle(_ call: APICall, _ repository: RepositoryName, _ reference: ManifestReference) async throws {
        switch call.method {
        case "GET", "HEAD": try await send(call, repository, reference)
        case "PUT":
            try proxy?.refuseChange(of: repository)
            try await put(call, repository, reference)
        case "DELETE":
            try proxy?.refuseChange(of: repository)
            try await delete(call, repository, reference)
        default: throw APIFailure.wrongMethod("GET, HEAD, PUT, DELETE")
        }
    }

    private func send(_ call: APICall, _ repository: RepositoryName, _ reference: ManifestReference) async throws {
        var warning: String?
        let manifest: StoredManifest?
        if let proxy, proxy.covers(repository) {
            let found = try await proxy.manifest(reference, in: repository)
            manifest = found.0
            warning = found.warning
        } else {
            manifest = try await BlockingExecutor.shared.run { () throws -> StoredManifest? in
                switch reference {
                case .digest(let digest): return try store.manifest(digest, in: repository)
                case .tag(let tag):
                    guard let digest = try store.tagged(tag, in: repository) else { return nil }
                    return try store.manifest(digest, in: repository)
                }
            }
        }
        guard let manifest else { throw APIFailure.unknownManifest }
        var fields: HTTPHeaders = [
            "Content-Type": manifest.mediaType, "Docker-Content-Digest": manifest.digest.description,
            "ETag": "\"\(manifest.digest)\"",
        ]
        if let warning { fields.set("Warning", "299 - \"\(warning.replacing("\"", with: "'"))\"") }
        if call.headers.lists("\"\(manifest.digest)\"", in: "If-None-Match") {
            return try await call.respond(304, headers: fields)
        }
        try await call.respond(200, headers: fields, body: manifest.bytes)
    }

    // MARK: Pushing

    private func put(_ call: APICall, _ repository: RepositoryName, _ reference: ManifestReference) async throws {
        let bytes = try await call.body(limit: RegistryStore.manifestLimit)
        let facts = try ManifestFacts(bytes, mediaType: call.headers.mediaType)
        let (digest, tags) = try name(call, bytes, reference)
        let manifest = StoredManifest(digest: digest, mediaType: facts.mediaType, bytes: bytes)
        try await BlockingExecutor.shared.run {
            try store.putManifest(manifest, facts, tags: tags, in: repository)
        }
        var fields: HTTPHeaders = [
            "Location": "/v2/\(repository)/manifests/\(digest)", "Docker-Content-Digest": digest.description,
        ]
        if let subject = facts.subject { fields.set("OCI-Subject", subject.description) }
        if !tags.isEmpty { fields.set("OCI-Tag", tags.map(\.description).joined(separator: ", ")) }
        try await call.respond(201, headers: fields)
    }

    /// The digest a manifest is kept under, and the tags that are to name it.
    private func name(
        _ call: APICall, _ bytes: [UInt8], _ reference: ManifestReference
    ) throws -> (Digest, [TagName]) {
        switch reference {
        case .tag(let tag):
            guard let digest = ContentHash.digest(of: bytes) else { throw APIFailure.badDigest }
            return (digest, [tag])
        case .digest(let digest):
            let found = ContentHash.digest(of: bytes, digest.algorithm)
            guard found == digest else {
                throw APIFailure(
                    400, .digestInvalid,
                    "the manifest that came has the digest \(found?.description ?? "of nothing"), not \(digest)")
            }
            let texts = call.queries("tag")
            guard texts.count <= Self.tagLimit else {
                throw APIFailure(414, .unsupported, "a request may set \(Self.tagLimit) tags")
            }
            let tags = try texts.map { text throws(APIFailure) -> TagName in
                guard let tag = TagName(text) else { throw APIFailure.badReference }
                return tag
            }
            return (digest, tags)
        }
    }

    private func delete(_ call: APICall, _ repository: RepositoryName, _ reference: ManifestReference) async throws {
        let found = try await BlockingExecutor.shared.run { () throws -> Bool in
            switch reference {
            case .tag(let tag): return try store.removeTag(tag, from: repository)
            case .digest(let digest): return try store.removeManifest(digest, from: repository)
            }
        }
        guard found else { throw APIFailure.unknownManifest }
        try await call.respond(202)
    }
}
