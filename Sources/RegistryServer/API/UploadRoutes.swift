import HTTP
import Linux
import OCI

/// `/v2/<name>/blobs/uploads/` and what it leads to.
struct UploadRoutes: Sendable {
    let store: RegistryStore
    let uploads: UploadTable
    /// Most bytes of one blob.
    let blobLimit: Int64

    private static let batchSize = 512 << 10

    // MARK: Beginning

    /// POST: begins an upload, takes a whole blob, or mounts one from another repository.
    ///
    /// - Parameter mayRead: whether the caller may pull from a repository.
    func begin(_ call: APICall, _ repository: RepositoryName, mayRead: (RepositoryName) -> Bool) async throws {
        guard call.method == "POST" else { throw APIFailure.wrongMethod("POST") }
        if let mount = call.query("mount") {
            guard let digest = Digest(mount) else { throw APIFailure.badDigest }
            if let from = call.query("from") {
                guard let source = RepositoryName(from) else { throw APIFailure.badName }
                // A repository that may not be read has, to this client, no such blob.
                if mayRead(source) {
                    let isMounted = try await BlockingExecutor.shared.run {
                        try store.mount(digest, from: source, to: repository)
                    }
                    if isMounted { return try await created(call, repository, digest) }
                }
            }
        }
        let wanted = try call.query("digest").map { text throws(APIFailure) -> Digest in
            guard let digest = Digest(text) else { throw APIFailure.badDigest }
            return digest
        }
        let algorithm = try call.query("digest-algorithm").map { text throws(APIFailure) -> Digest.Algorithm in
            guard let algorithm = Digest.Algorithm(rawValue: text) else {
                throw APIFailure(400, .digestInvalid, "the algorithms are sha256 and sha512")
            }
            return algorithm
        }
        let session = try await BlockingExecutor.shared.run {
            try uploads.begin(in: repository, algorithm: wanted?.algorithm ?? algorithm)
        }
        guard let session else {
            throw APIFailure(
                429, .tooManyRequests, "too many uploads are under way", headers: ["Retry-After": "30"])
        }
        guard let wanted else { return try await accepted(call, session, 202) }
        _ = session.claim()
        do {
            try await receive(call, session, expecting: call.length)
            try await finish(call, session, wanted)
        } catch {
            session.yield()
            // Nobody was told of the session, so nobody can go on with it.
            await BlockingExecutor.shared.run { uploads.remove(session.id) }
            throw error
        }
    }

    // MARK: Going on

    func handle(_ call: APICall, _ repository: RepositoryName, id: String) async throws {
        let session = try await BlockingExecutor.shared.run { try uploads.session(id, in: repository) }
        guard let session else { throw APIFailure.unknownUpload }
        switch call.method {
        case "GET", "HEAD": try await accepted(call, session, 204)
        case "PATCH":
            try await exclusively(session) {
                try await receive(call, session, expecting: try chunk(call, session))
            }
            // Told when the next request can have it: a client does not wait.
            try await accepted(call, session, 202)
        case "PUT": try await exclusively(session) { try await put(call, session) }
        case "DELETE":
            guard session.end() else { throw Self.busy }
            await BlockingExecutor.shared.run { uploads.remove(id) }
            try await call.respond(204)
        default: throw APIFailure.wrongMethod("GET, PATCH, PUT, DELETE")
        }
    }

    private static let busy = APIFailure(
        409, .uploadInvalid, "another request has this upload", headers: ["Retry-After": "1"])

    private func exclusively(_ session: UploadSession, _ body: () async throws -> Void) async throws {
        guard session.claim() else { throw Self.busy }
        defer { session.yield() }
        try await body()
    }

    private func put(_ call: APICall, _ session: UploadSession) async throws {
        guard let text = call.query("digest"), let digest = Digest(text) else { throw APIFailure.badDigest }
        try await receive(call, session, expecting: try chunk(call, session))
        try await finish(call, session, digest)
    }

    /// Checks that a chunk begins where the last one ended; how many bytes it has, where that was said.
    private func chunk(_ call: APICall, _ session: UploadSession) throws -> Int64? {
        guard let field = call.headers["Content-Range"] else { return call.length }
        guard let range = ChunkRange(field) else {
            throw APIFailure(400, .uploadInvalid, "`Content-Range` is not FIRST-LAST, in bytes")
        }
        guard range.first == session.offset else {
            throw APIFailure(
                416, .uploadInvalid, "the next byte of this upload is \(session.offset), not \(range.first)",
                headers: Self.position(session))
        }
        if let length = call.length, length != range.count {
            throw APIFailure(400, .sizeInvalid, "`Content-Range` has \(range.count) bytes, the body \(length)")
        }
        return range.count
    }

    /// Takes a body.
    private func receive(_ call: APICall, _ session: UploadSession, expecting count: Int64?) async throws {
        let start = session.offset
        if let count, start + count > blobLimit { throw tooLarge }
        var batch: [UInt8] = []
        var received: Int64 = 0
        while let piece = try await call.nextPiece() {
            received += Int64(piece.count)
            guard received <= count ?? .max, start + received <= blobLimit else {
                try await rewind(session, to: start)
                throw start + received > blobLimit ? tooLarge : Self.wrongLength
            }
            if batch.isEmpty { batch = piece } else { batch += piece }
            if batch.count >= Self.batchSize {
                try await append(batch, session)
                batch = []
            }
        }
        if !batch.isEmpty { try await append(batch, session) }
        if let count, received != count {
            try await rewind(session, to: start)
            throw Self.wrongLength
        }
    }

    private var tooLarge: APIFailure {
        APIFailure(413, .sizeInvalid, "a blob may have \(blobLimit) bytes here")
    }

    private static let wrongLength = APIFailure(
        400, .sizeInvalid, "the body does not have as many bytes as were announced")

    private func append(_ bytes: [UInt8], _ session: UploadSession) async throws {
        try await BlockingExecutor.shared.run { () throws(SystemError) in try session.append(bytes) }
    }

    private func rewind(_ session: UploadSession, to offset: Int64) async throws {
        try await BlockingExecutor.shared.run { () throws(SystemError) in try session.rewind(to: offset) }
    }

    // MARK: Ending

    private func finish(_ call: APICall, _ session: UploadSession, _ digest: Digest) async throws {
        let found = try await BlockingExecutor.shared.run { () throws -> Digest? in
            let (found, size) = try session.complete(digest.algorithm)
            if found == digest {
                try uploads.commit(session, digest, size: size)
            } else {
                uploads.remove(session.id)
            }
            return found
        }
        guard found == digest else {
            throw APIFailure(
                400, .digestInvalid, "what came has the digest \(found?.description ?? "of nothing"), not \(digest)")
        }
        try await created(call, session.repository, digest)
    }

    private func created(_ call: APICall, _ repository: RepositoryName, _ digest: Digest) async throws {
        try await call.respond(
            201,
            headers: ["Location": "/v2/\(repository)/blobs/\(digest)", "Docker-Content-Digest": digest.description])
    }

    /// Where the upload goes on, as an address without a host: right behind any proxy.
    private func accepted(_ call: APICall, _ session: UploadSession, _ status: Int) async throws {
        try await call.respond(status, headers: Self.position(session))
    }

    private static func position(_ session: UploadSession) -> HTTPHeaders {
        [
            "Location": "/v2/\(session.repository)/blobs/uploads/\(session.id)",
            "Range": "0-\(max(0, session.offset - 1))", "Docker-Upload-UUID": session.id,
        ]
    }
}
