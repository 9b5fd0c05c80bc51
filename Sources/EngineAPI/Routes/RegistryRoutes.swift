import Engine
import HTTP
import JSONText
import OCI
import Registry

extension APIRequest {
    /// The caller's logins where a request is about no registry in particular.
    var registryLogins: RegistryAccess {
        RegistryAccess(registryAuth: nil, registryConfig: http.headers["X-Registry-Config"])
    }
}

/// What has to do with registries: `POST /images/create`, `POST /images/{name}/push`, `POST /auth`,
/// `GET /images/search`, `GET /distribution/{name}/json`.
struct RegistryRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("POST", "/images/create") { request in
            if request.query("fromSrc") != nil {
                return try await ImageImportRoutes(engine: engine).importImage(request)
            }
            try await pull(request)
        }
        router.on("POST", "/images/{name…}/push", push)
        router.on("POST", "/auth", logIn)
        router.on("GET", "/images/search", search)
        router.on("GET", "/distribution/{name…}/json", distribution)
    }

    /// The caller's credentials.
    private static func access(_ request: APIRequest) -> RegistryAccess {
        RegistryAccess(
            registryAuth: request.http.headers["X-Registry-Auth"],
            registryConfig: request.http.headers["X-Registry-Config"])
    }

    private static func reference(_ text: String) throws -> ImageReference {
        do {
            return try ImageReference(text)
        } catch {
            throw EngineError(.invalid, "invalid reference format: \(error)")
        }
    }

    // MARK: Pulling

    private func pull(_ request: APIRequest) async throws {
        guard var name = request.query("fromImage") else {
            throw EngineError(.invalid, "`fromImage` or `fromSrc` is needed")
        }
        // Docker's client asks for all tags so.
        if name.hasSuffix(":") { name.removeLast() }
        var reference = try Self.reference(name)
        if let tag = request.query("tag") {
            do throws(ImageReferenceError) {
                if let digest = Digest(tag) {
                    reference = reference.at(digest)
                } else {
                    reference = try reference.at(tag: tag)
                }
            } catch {
                throw EngineError(.invalid, "invalid reference format: \(error)")
            }
        }
        var platform: Platform?
        if let text = request.query("platform") {
            // Docker takes an operating system alone, too.
            platform = Platform(text) ?? Platform("\(text)/\(Platform.host.architecture)")
            guard platform != nil, !text.isEmpty else {
                throw EngineError(.invalid, "\"\(text)\" is an invalid OS component of a platform")
            }
        }
        let (access, wanted, chosen) = (Self.access(request), reference, platform)
        try await ProgressStream.serve(request) { say in
            if wanted.tag != nil || wanted.digest != nil {
                return try await pull(wanted, chosen, access, say)
            }
            var isNew = false
            for tag in try await engine.remoteTags(wanted, access: access) {
                let pulled = try await pullOne(try wanted.at(tag: tag), chosen, access, say)
                isNew = isNew || pulled.isNew
            }
            say(["status": .string(Self.status(isNew, wanted.familiar))])
        }
    }

    private func pull(
        _ reference: ImageReference, _ platform: Platform?, _ access: RegistryAccess,
        _ say: @escaping ProgressStream.Say
    ) async throws {
        let pulled = try await pullOne(reference, platform, access, say)
        say(["status": .string(Self.status(pulled.isNew, reference.familiar))])
    }

    private func pullOne(
        _ reference: ImageReference, _ platform: Platform?, _ access: RegistryAccess,
        _ say: @escaping ProgressStream.Say
    ) async throws -> PulledImage {
        let pulled = try await engine.pullImage(reference, platform: platform, access: access) { update in
            for line in TransferLines.lines(update) { say(line) }
        }
        say(["status": .string("Digest: \(pulled.digest)")])
        return pulled
    }

    /// The last line, which Docker's clients look for.
    private static func status(_ isNew: Bool, _ name: String) -> String {
        isNew ? "Status: Downloaded newer image for \(name)" : "Status: Image is up to date for \(name)"
    }

    // MARK: Pushing

    private func push(_ request: APIRequest) async throws {
        let name = try Self.reference(request.variable("name"))
        guard name.digest == nil else { throw EngineError(.invalid, "cannot push a digest reference") }
        var tag = name.tag
        if let text = request.query("tag") { tag = text }
        let access = Self.access(request)
        var wanted: [ImageReference] = []
        if let tag {
            do throws(ImageReferenceError) {
                wanted = [try name.at(tag: tag)]
            } catch {
                throw EngineError(.invalid, "invalid tag: \(error)")
            }
        } else {
            wanted = try await engine.tags(of: name)
        }
        let references = wanted
        try await ProgressStream.serve(request) { say in
            for reference in references {
                let pushed = try await engine.pushImage(reference, access: access) { update in
                    for line in TransferLines.lines(update, repository: name.repository) { say(line) }
                }
                let tag = reference.tag ?? ""
                say(["status": .string("\(tag): digest: \(pushed.digest) size: \(pushed.size)")])
                say([
                    "progressDetail": [:],
                    "aux": [
                        "Tag": .string(tag), "Digest": .string(pushed.digest.description), "Size": .int(pushed.size),
                    ],
                ])
            }
        }
    }

    // MARK: Credentials and lists

    private func logIn(_ request: APIRequest) async throws {
        let body = try await request.json()
        let domain = RegistryCredentials.registry(ofAuthConfig: body)
        guard let credentials = RegistryCredentials(authConfig: body) else {
            throw EngineError(.unauthorized, "no user name and password were given for \(domain)")
        }
        let kept = try await engine.logIn(credentials, domain: domain)
        var answer: JSONObject = ["Status": "Login Succeeded", "IdentityToken": ""]
        if case .identityToken(let token) = kept { answer["IdentityToken"] = .string(token) }
        try await request.respond(.object(answer))
    }

    private func search(_ request: APIRequest) async throws {
        guard let term = request.query("term") else { throw EngineError(.invalid, "`term` is needed") }
        let limit = try request.integer("limit") ?? 25
        guard (1...100).contains(limit) else {
            throw EngineError(.invalid, "Limit \(limit) is outside the range of [1, 100]")
        }
        let filter = try request.filters(["is-automated", "is-official", "stars"])
        let found = try await engine.searchRegistry(term, limit: limit, filter, access: Self.access(request))
        try await request.respond(
            found.map { repository in
                [
                    "name": .string(repository.name), "description": .string(repository.description),
                    "star_count": .int(repository.stars), "is_official": .bool(repository.isOfficial),
                    "is_automated": .bool(repository.isAutomated),
                ]
            })
    }

    private func distribution(_ request: APIRequest) async throws {
        let reference = try Self.reference(request.variable("name"))
        let (image, platforms) = try await engine.inspectRemote(reference, access: Self.access(request))
        let descriptor = image.descriptor
        try await request.respond([
            "Descriptor": [
                "mediaType": .string(descriptor.mediaType), "digest": .string(descriptor.digest.description),
                "size": .int(descriptor.size),
            ],
            "Platforms": .array(platforms.map { .object($0.json) }),
        ])
    }
}
