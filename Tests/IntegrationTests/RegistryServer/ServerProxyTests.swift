import HTTP
import JSONText
import Linux
import OCI
import Registry
import Testing

/// A server that keeps images of another registry: of one of our own, which counts what it is asked.
@Suite("a registry server before another", .timeLimit(.minutes(3)))
struct ServerProxyTests {
    /// Runs a body with a registry and one that keeps its images.
    private static func with(
        _ options: [String],
        _ body: @escaping @Sendable (_ upstream: ServerLab, _ proxy: ServerLab) async throws -> Void
    ) async throws {
        try await ServerLab.with { upstream in
            let all = options.map { $0.replacing("UPSTREAM", with: "http://\(upstream.authority)") }
            try await ServerLab.with(all) { proxy in try await body(upstream, proxy) }
        }
    }

    /// How often upstream was asked for a path by a method.
    private static func asked(_ lab: ServerLab, _ method: String, _ path: String) throws -> Int {
        try lab.logText().split(separator: "\n").count { $0.contains(" \(method) \(path) ") }
    }

    @Test("an image is fetched once, kept, and served while upstream is away")
    func kept() async throws {
        try await Self.with(["--proxy", "UPSTREAM", "--proxy-ttl", "0s"]) { upstream, proxy in
            let image = SampleImage()
            try await upstream.blocking { try image.push(upstream.client("team/app"), tag: "v1") }
            func pull() async throws {
                try await proxy.blocking {
                    let client = try proxy.client("team/app")
                    #expect(try client.manifest("v1").bytes == image.manifest)
                    for bytes in image.layers + [image.config] {
                        #expect(try client.blobBytes(SampleImage.digest(bytes)) == bytes)
                    }
                }
            }
            try await pull()
            try await pull()
            let layer = try SampleImage.digest(image.layers[0])
            try await upstream.eventually("upstream was asked once") {
                try Self.asked(upstream, "GET", "/v2/team/app/blobs/\(layer)") == 1
                    && Self.asked(upstream, "GET", "/v2/team/app/manifests/v1") == 1
            }
            #expect(try await proxy.send("GET", "/v2/team/app/manifests/v9").code == "MANIFEST_UNKNOWN")
            #expect(try await proxy.send("POST", "/v2/team/app/blobs/uploads/").code == "UNSUPPORTED")
            let put = try await proxy.send("PUT", "/v2/team/app/manifests/v1", body: image.manifest)
            #expect(put.status == 405)

            // A tag that moves upstream moves here.
            let newer = SampleImage(seed: 9)
            try await upstream.blocking { try newer.push(upstream.client("team/app"), tag: "v1") }
            #expect(try await proxy.send("GET", "/v2/team/app/manifests/v1").body == newer.manifest)
            try await upstream.kill()
            let stale = try await proxy.send("GET", "/v2/team/app/manifests/v1")
            #expect(stale.body == newer.manifest)
            #expect(stale.headers["Warning"]?.hasPrefix("299 - ") == true)
            let missing = try SampleImage.digest(newer.layers[0])
            #expect(try await proxy.send("GET", "/v2/team/app/blobs/\(missing)").status == 504)
            try proxy.verifyContents()
        }
    }

    @Test("clients that want the same blob at once share one transfer")
    func shared() async throws {
        try await Self.with(["--proxy", "mirror=UPSTREAM"]) { upstream, proxy in
            let layer = (0..<20_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
            let digest = try SampleImage.digest(layer)
            try await upstream.blocking { try upstream.client("big").upload(BlobContent(layer)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<8 {
                    group.addTask {
                        let range: HTTPHeaders = client == 7 ? ["Range": "bytes=19999990-"] : [:]
                        let answer = try await proxy.send("GET", "/v2/mirror/big/blobs/\(digest)", range)
                        if client == 7 {
                            #expect(answer.status == 206)
                            #expect(answer.body == Array(layer[19_999_990...]))
                        } else {
                            #expect(answer.body == layer)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await upstream.eventually("upstream was asked once") {
                try Self.asked(upstream, "GET", "/v2/big/blobs/\(digest)") == 1
            }
            // Other repositories are its own.
            try await proxy.blocking { try SampleImage().push(proxy.client("own"), tag: "v1") }
            try proxy.verify()
        }
    }

    @Test("what was longest not used is dropped where there is a limit")
    func limit() async throws {
        try await Self.with(["--proxy", "UPSTREAM", "--max-size", "2m"]) { upstream, proxy in
            let blobs = (0..<4).map { seed in [UInt8](repeating: UInt8(seed), count: 900 << 10) }
            for blob in blobs { try await upstream.push(blob, to: "a") }
            for blob in blobs {
                let answer = try await proxy.send("GET", "/v2/a/blobs/\(try SampleImage.digest(blob))")
                #expect(answer.body == blob)
            }
            try await proxy.eventually("the cache is within its limit") {
                try proxy.files().filter { $0.hasPrefix("blobs/") }.count <= 2
            }
            for blob in blobs {
                #expect(try await proxy.send("GET", "/v2/a/blobs/\(try SampleImage.digest(blob))").body == blob)
            }
        }
    }
}
