import HTTP
import Linux
import OCI

/// `/v2/<name>/blobs/<digest>`.
struct BlobRoutes: Sendable {
    let store: RegistryStore
    let proxy: ProxyCache?

    private static let pieceSize = 256 << 10

    func handle(_ call: APICall, _ repository: RepositoryName, _ digest: Digest) async throws {
        switch call.method {
        case "GET", "HEAD": try await send(call, repository, digest)
        case "DELETE":
            try proxy?.refuseChange(of: repository)
            let found = try await BlockingExecutor.shared.run { try store.removeBlob(digest, from: repository) }
            guard found else { throw APIFailure.unknownBlob }
            try await call.respond(202)
        default: throw APIFailure.wrongMethod("GET, HEAD, DELETE")
        }
    }

    private func send(_ call: APICall, _ repository: RepositoryName, _ digest: Digest) async throws {
        if let blob = try await BlockingExecutor.shared.run({ try store.blob(digest, in: repository) }) {
            if proxy?.covers(repository) == true {
                call.metrics.count(.cacheHit)
                try await BlockingExecutor.shared.run { try store.noteUse(digest) }
            }
            return try await send(call, blob)
        }
        guard let proxy, proxy.covers(repository) else { throw APIFailure.unknownBlob }
        switch try await proxy.blob(digest, in: repository, wantsBody: call.method == "GET") {
        case .stored(let blob): try await send(call, blob)
        case .known(let size):
            try await call.respond(200, headers: Self.fields(digest), length: size)
        case .coming(let download): try await send(call, download)
        }
    }

    /// Sends a content, or the part of it that was asked for.
    private func send(_ call: APICall, _ blob: OpenContent) async throws {
        var fields = Self.fields(blob.digest)
        if call.headers.lists("\"\(blob.digest)\"", in: "If-None-Match") {
            return try await call.respond(304, headers: fields)
        }
        switch Self.range(call, blob.digest, size: blob.size) {
        case .whole: try await send(call, blob, 200, fields, from: 0, count: blob.size)
        case .part(let first, let count):
            fields.set("Content-Range", "bytes \(first)-\(first + count - 1)/\(blob.size)")
            try await send(call, blob, 206, fields, from: first, count: count)
        case .unsatisfiable: throw Self.unsatisfiable(size: blob.size)
        }
    }

    private func send(
        _ call: APICall, _ blob: OpenContent, _ status: Int, _ fields: HTTPHeaders, from first: Int64, count: Int64
    ) async throws {
        try await call.begin(status, headers: fields, length: count)
        guard call.method != "HEAD" else { return try await call.finish() }
        var offset = first
        let end = first + count
        while offset < end {
            let position = offset
            let size = Int(min(Int64(Self.pieceSize), end - offset))
            let piece = try await BlockingExecutor.shared.run { () throws(SystemError) in
                try blob.file.pread(upTo: size, at: position)
            }
            guard !piece.isEmpty else {
                throw SystemError(call: "pread", errno: .EIO, subject: "\(blob.digest), which is shorter than it was")
            }
            try await call.write(piece)
            offset += Int64(piece.count)
        }
        try await call.finish()
    }

    /// Sends a content while it comes from upstream.
    private func send(_ call: APICall, _ download: BlobDownload) async throws {
        var fields = Self.fields(download.digest)
        guard let size = download.size else {
            // Its size is not known before its end, so no part of it can be named.
            try await call.begin(headers: fields)
            return try await follow(call, download, from: 0, to: .max)
        }
        switch Self.range(call, download.digest, size: size) {
        case .whole:
            try await call.begin(headers: fields, length: size)
            try await follow(call, download, from: 0, to: size)
        case .part(let first, let count):
            fields.set("Content-Range", "bytes \(first)-\(first + count - 1)/\(size)")
            try await call.begin(206, headers: fields, length: count)
            try await follow(call, download, from: first, to: first + count)
        case .unsatisfiable: throw Self.unsatisfiable(size: size)
        }
    }

    private func follow(_ call: APICall, _ download: BlobDownload, from first: Int64, to end: Int64) async throws {
        var offset = first
        while offset < end {
            let piece = try await download.next(from: offset, upTo: Int(min(Int64(Self.pieceSize), end - offset)))
            if piece.isEmpty { break }
            // Without its last piece a client cannot take for whole what is not what the digest names.
            if offset + Int64(piece.count) == download.size { try await download.verified() }
            try await call.write(piece)
            offset += Int64(piece.count)
        }
        if end == .max { try await download.verified() }
        try await call.finish()
    }

    private static func range(_ call: APICall, _ digest: Digest, size: Int64) -> ByteRange {
        if let condition = call.headers["If-Range"], condition != "\"\(digest)\"" { return .whole }
        return ByteRange(call.headers["Range"], size: size)
    }

    private static func unsatisfiable(size: Int64) -> APIFailure {
        APIFailure(
            416, .sizeInvalid, "the blob has \(size) bytes, and not those that were asked for",
            headers: ["Content-Range": "bytes */\(size)"])
    }

    /// A digest never names other bytes: whoever has them may keep them.
    private static func fields(_ digest: Digest) -> HTTPHeaders {
        [
            "Content-Type": "application/octet-stream", "Docker-Content-Digest": digest.description,
            "ETag": "\"\(digest)\"", "Accept-Ranges": "bytes", "Cache-Control": "max-age=31536000, immutable",
        ]
    }
}
