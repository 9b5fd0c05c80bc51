import Archives
import HTTP
import OCI

extension RegistryClient {
    /// Size of a chunk where nothing else is asked for, in bytes.
    private static let usualChunk: Int64 = 32 << 20
    /// How often an upload begins from its first byte.
    private static let beginnings = 3

    /// Pushes a blob: nothing is sent where the repository has it or can take it from another.
    ///
    /// - Parameter source: a repository of the same registry that may have it.
    @discardableResult
    package func upload(
        _ content: BlobContent, mode: UploadMode = .automatic, mountingFrom source: String? = nil
    ) throws(RegistryError) -> UploadOutcome {
        guard let digest = Digest(content.digest) else { throw .unsupportedDigest(content.digest) }
        if try exists(digest) { return .existed }
        var beginning = 1
        while true {
            guard let session = try begin(content, digest, mountingFrom: beginning == 1 ? source : nil) else {
                return .mounted
            }
            do throws(RegistryError) {
                try send(content, digest, mode, session)
                return .uploaded
            } catch {
                beginning += 1
                guard Self.mayBeginAnew(error), beginning <= Self.beginnings else { throw error }
                try transport.pause(options.retry.delay(before: beginning), Self.name(error, content))
            }
        }
    }

    /// Takes a blob from another repository of the registry without sending it.
    ///
    /// - Returns: whether the registry did.
    package func mount(_ digest: Digest, from source: String) throws(RegistryError) -> Bool {
        let content = BlobContent(digest: digest.description, size: 0) { _ in MemorySource([]) }
        guard let session = try begin(content, digest, mountingFrom: source) else { return true }
        session.cancel()
        return false
    }

    /// Opens an upload; nil when the blob was mounted instead.
    private func begin(
        _ content: BlobContent, _ digest: Digest, mountingFrom source: String?
    ) throws(RegistryError) -> UploadSession? {
        var target = path("blobs/uploads/")
        var scopes = [AccessScope.push(repository)]
        if let source, source != repository {
            target +=
                "?mount=\(RequestTarget.encoded(digest.description))&from=\(RequestTarget.encoded(source))"
            scopes.append(.pull(source))
        }
        let response = try origin.call(
            RegistryCall(method: "POST", target: .path(target), scopes: scopes), expecting: [201, 202])
        defer { response.close() }
        if response.status == 201 { return nil }
        return try UploadSession(response, endpoint: origin, content: content, scopes: [.push(repository)])
    }

    private func send(
        _ content: BlobContent, _ digest: Digest, _ mode: UploadMode, _ begun: UploadSession
    ) throws(RegistryError) {
        var session = begun
        let chunk: Int64?
        switch mode {
        case .monolithic: chunk = nil
        case .automatic: chunk = content.size > Self.usualChunk ? Self.usualChunk : nil
        case .chunked(let size): chunk = max(1, size)
        }
        var attempt = 1
        var mark: Int64 = 0
        while true {
            do throws(RegistryError) {
                if chunk == nil { return try session.sendWhole() }
                while session.offset < content.size { try session.sendChunk(chunk ?? content.size) }
                return try session.finish()
            } catch {
                if session.offset > mark {
                    mark = session.offset
                    attempt = 1
                }
                attempt += 1
                guard Self.isRecoverable(error), attempt <= options.retry.attempts else { throw error }
                try transport.pause(options.retry.delay(before: attempt), Self.name(error, content))
                // The answer may be what got lost, not the bytes.
                if try exists(digest) { return }
                try session.recover()
            }
        }
    }

    /// Whether to ask how far the registry is, and go on there.
    private static func isRecoverable(_ error: RegistryError) -> Bool {
        switch error {
        case .interrupted, .unreachable: true
        case .refused(_, let status, _, _): status == 416 || RetryPolicy.isTransient(status)
        default: false
        }
    }

    /// Whether an upload the registry forgot, or cannot go on with, may begin again.
    private static func mayBeginAnew(_ error: RegistryError) -> Bool {
        switch error {
        case .notFound: true
        case .refused(_, status: 416, _, _): true
        default: false
        }
    }

    private static func name(_ error: RegistryError, _ content: BlobContent) -> RequestName {
        switch error {
        case .interrupted(let name, _), .unreachable(let name, _), .notFound(let name, _),
            .refused(let name, _, _, _):
            name
        default: RequestName(method: "PUT", address: content.digest)
        }
    }
}
