import HTTP
import JSONText
import Linux
import OCI
import Registry
import Testing

/// Whatever a client sends, it gets a clear answer, and what is stored stays as it was.
@Suite("hostile clients of the registry server", .timeLimit(.minutes(3)))
struct ServerHostileTests {
    private static let image = SampleImage(length: 100_000)

    /// Runs a body with a server that has an image, and checks that nothing of the store has changed.
    private static func unchanged(
        _ options: [String] = [], _ body: @escaping @Sendable (ServerLab) async throws -> Void
    ) async throws {
        try await ServerLab.with(options) { lab in
            try await lab.blocking { try Self.image.push(lab.client("good"), tag: "v1") }
            let before = try lab.files()
            try await body(lab)
            #expect(try lab.files() == before)
            #expect(try await lab.send("GET", "/v2/good/manifests/v1").body == Self.image.manifest)
        }
    }

    private static let zero = "sha256:" + String(repeating: "0", count: 64)

    @Test("names that are none lead nowhere")
    func names() async throws {
        try await Self.unchanged { lab in
            let long = String(repeating: "a", count: 256)
            for (method, target, status) in [
                ("GET", "/v2/../../etc/passwd/manifests/x", 400), ("GET", "/v2/..%2f..%2fetc/blobs/\(Self.zero)", 400),
                ("POST", "/v2/%2e%2e/blobs/uploads/", 400), ("POST", "/v2/a%00b/blobs/uploads/", 400),
                ("POST", "/v2/Upper/blobs/uploads/", 400), ("POST", "/v2/a//b/blobs/uploads/", 400),
                ("POST", "/v2/a+b/blobs/uploads/", 400), ("POST", "/v2/\(long)/blobs/uploads/", 400),
                ("GET", "/v2/good/manifests/..", 400), ("GET", "/v2/good/manifests/%2e%2e%2f%2e%2e", 404),
                ("GET", "/v2/good/manifests/-x", 400), ("GET", "/v2/good/blobs/sha256:../../format", 404),
                ("GET", "/v2/good/blobs/md5:abc", 400), ("GET", "/v2/good/referrers/latest", 400),
                ("GET", "/v2/good/blobs/uploads/..%2f..%2fformat", 404), ("DELETE", "/v2/good/blobs/uploads/..", 404),
                ("DELETE", "/v2/good/blobs/uploads/.", 404),
                ("PUT", "/v2/good/blobs/uploads/x?digest=\(Self.zero)", 404),
                ("PATCH", "/v2/good/blobs/uploads/00000000-0000-4000-8000-000000000000", 404),
                ("POST", "/v2/good/blobs/uploads/?digest=sha256:short", 400),
                ("POST", "/v2/good/blobs/uploads/?mount=nonsense&from=good", 400),
                ("POST", "/v2/good/blobs/uploads/?mount=\(Self.zero)&from=../x", 400),
                ("GET", "/nothing/here", 404), ("BREW", "/v2/good/manifests/v1", 405), ("POST", "/v2/", 405),
                ("GET", "/v2/good/tags/list?n=-1", 400), ("GET", "/v2/good/tags/list?n=many", 400),
            ] {
                let answer = try await lab.send(method, target)
                #expect(answer.status == status, "\(method) \(target): \(answer.text)")
                #expect(answer.code != nil, "\(method) \(target)")
            }
        }
    }

    @Test("manifests that are none, or name what is not there, are refused")
    func manifests() async throws {
        try await Self.unchanged { lab in
            let descriptor = #"{"mediaType":"x","digest":"\#(Self.zero)","size":1}"#
            let config = try SampleImage.digest(Self.image.config)
            func manifest(_ config: String, _ more: String = "") -> String {
                #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":\#(config),"layers":[]\#(more)}"#
            }
            let deep = String(repeating: "[", count: 100_000)
            let good = Self.image.manifest
            for (name, type, body, code) in [
                ("t", MediaType.ociManifest, "", "MANIFEST_INVALID"),
                ("t", MediaType.ociManifest, "not json", "MANIFEST_INVALID"),
                ("t", MediaType.ociManifest, deep, "MANIFEST_INVALID"),
                ("t", MediaType.ociManifest, "[]", "MANIFEST_INVALID"), ("t", "text/plain", "{}", "MANIFEST_INVALID"),
                ("t", MediaType.ociIndex, manifest(descriptor), "MANIFEST_INVALID"),
                ("t", MediaType.ociManifest, manifest(descriptor), "MANIFEST_BLOB_UNKNOWN"),
                (
                    "t", MediaType.ociManifest,
                    manifest(#"{"mediaType":"x","digest":"\#(config)","size":1}"#), "SIZE_INVALID"
                ),
                (
                    "t", MediaType.ociManifest, manifest(descriptor, #","subject":{"digest":"../x"}"#),
                    "MANIFEST_INVALID"
                ),
                (
                    "t", MediaType.ociIndex,
                    #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[\#(descriptor)]}"#,
                    "MANIFEST_BLOB_UNKNOWN"
                ),
                (Self.zero, MediaType.ociManifest, String(decoding: good, as: UTF8.self), "DIGEST_INVALID"),
            ] {
                let answer = try await lab.send(
                    "PUT", "/v2/good/manifests/\(name)", ["Content-Type": type], body: Array(body.utf8))
                #expect(answer.code == code, "\(body.prefix(200)): \(answer.text)")
            }
            let large = [UInt8](repeating: 0x20, count: (4 << 20) + 1)
            let refused = try await lab.send(
                "PUT", "/v2/good/manifests/t", ["Content-Type": MediaType.ociManifest], body: large)
            #expect(refused.status == 413)
            // What one repository has is not another's.
            let other = try await lab.send(
                "PUT", "/v2/other/manifests/t", ["Content-Type": MediaType.ociManifest], body: good)
            #expect(other.code == "MANIFEST_BLOB_UNKNOWN")
        }
    }

    @Test("bodies that lie about themselves leave nothing")
    func bodies() async throws {
        try await Self.unchanged(["--max-blob", "128k"]) { lab in
            let bytes = Array("twelve bytes".utf8)
            let digest = try SampleImage.digest(bytes)
            let start = "POST /v2/good/blobs/uploads/?digest=\(digest) HTTP/1.1\r\nHost: x\r\n"
            // Ends early.
            _ = try await lab.raw(Array("\(start)Content-Length: 12\r\n\r\ntwelve".utf8))
            // A chunk that is no chunk.
            _ = try await lab.raw(Array("\(start)Transfer-Encoding: chunked\r\n\r\nzz\r\ntwelve".utf8))
            _ = try await lab.raw(Array("\(start)Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".utf8))
            // Both framings.
            let both = try await lab.raw(
                Array("\(start)Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".utf8))
            #expect(both.hasPrefix("HTTP/1.1 400 "))
            // Another content than the digest names.
            let other = try await lab.send("POST", "/v2/good/blobs/uploads/?digest=\(Self.zero)", body: bytes)
            #expect(other.code == "DIGEST_INVALID")
            // More than is allowed, announced and not.
            let large = [UInt8](repeating: 7, count: (128 << 10) + 1)
            let name = try SampleImage.digest(large)
            #expect(try await lab.send("POST", "/v2/good/blobs/uploads/?digest=\(name)", body: large).status == 413)
            let place = try #require(try await lab.send("POST", "/v2/good/blobs/uploads/").headers["Location"])
            let head = "PATCH \(place) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            let answer = try await lab.raw(
                Array("\(head)\(String(large.count, radix: 16))\r\n".utf8) + large + Array("\r\n0\r\n\r\n".utf8))
            #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer.prefix(200))")
            #expect(try await lab.send("GET", place).headers["Range"] == "0-0")
            #expect(try await lab.send("DELETE", place).status == 204)
            try await lab.eventually("no upload is left") { try Files.list(lab.root + "/uploads").isEmpty }
        }
    }

    @Test("heads that are too large or no HTTP are refused")
    func heads() async throws {
        try await Self.unchanged { lab in
            let long = String(repeating: "x", count: 100_000)
            #expect(
                try await lab.raw(Array("GET /v2/ HTTP/1.1\r\nHost: x\r\nA: \(long)\r\n\r\n".utf8)).contains(" 431 "))
            let many = (0..<1000).map { "A\($0): b\r\n" }.joined()
            #expect(try await lab.raw(Array("GET /v2/ HTTP/1.1\r\nHost: x\r\n\(many)\r\n".utf8)).contains(" 431 "))
            for text in ["\u{16}\u{3}\u{1}", "GET\r\n\r\n", "GET /v2/ HTTP/9.9\r\nHost: x\r\n\r\n"] {
                let answer = try await lab.raw(Array(text.utf8))
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 "), "\(text)")
            }
            let smuggled = "GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n"
            #expect(try await lab.raw(Array(smuggled.utf8)).hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test("an upload has one writer at a time, and there are only so many uploads")
    func uploads() async throws {
        try await Self.unchanged(["--max-uploads", "2"]) { lab in
            let first = try #require(try await lab.send("POST", "/v2/good/blobs/uploads/").headers["Location"])
            #expect(try await lab.send("POST", "/v2/good/blobs/uploads/").status == 202)
            let third = try await lab.send("POST", "/v2/good/blobs/uploads/")
            #expect(third.status == 429)
            #expect(third.headers["Retry-After"] != nil)
            var writers: [AsyncSocket] = []
            defer { for writer in writers { writer.close() } }
            try await lab.eventually("the second writer is refused") {
                // The second may have come first, and then it is this one that was refused.
                let writer = try await AsyncSocket.connect(to: .loopback, port: lab.port)
                writers.append(writer)
                try await writer.writeAll(
                    Array("PATCH \(first) HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".utf8))
                return try await lab.send("PATCH", first, body: [1]).status == 409
            }
        }
    }
}
