import Archives
import Linux
import OCI
import Registry
import Synchronization
import Testing

/// The client against servers that are slow, wrong or malicious.
@Suite("A registry that misbehaves", .timeLimit(.minutes(5)))
struct HostileRegistryTests {
    /// Options that try again soon.
    private static func options(
        credentials: RegistryCredentials? = nil, silence: Duration = .seconds(60)
    ) -> RegistryOptions {
        var options = RegistryOptions()
        options.retry.first = .milliseconds(10)
        options.limits.silence = silence
        options.credentials = { _ throws(RegistryError) in credentials }
        return options
    }

    private static func client(
        _ server: ScriptedServer, _ options: RegistryOptions = options()
    ) throws(RegistryError) -> RegistryClient {
        try RegistryClient(domain: server.authority, repository: "team/app", options: options)
    }

    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    private static func digest(_ bytes: [UInt8]) throws -> Digest {
        try #require(Digest(sha256Hex: SHA256.hex(of: bytes)))
    }

    private static func readAll(_ stream: BlobStream) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10_000, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = try stream.read(into: buffer)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func error(_ body: () throws -> Void) -> RegistryError? {
        do {
            try body()
            return nil
        } catch {
            return error as? RegistryError
        }
    }

    @Test("a blob that breaks off goes on at the same byte, as often as it takes")
    func resumes() async throws {
        let all = Self.content
        let server = try ScriptedServer { request, _ in
            let start = request.field("Range").flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
            let part = all[start..<min(start + 100_000, all.count)]
            let range = start > 0 ? "Content-Range: bytes \(start)-\(all.count - 1)/\(all.count)\r\n" : ""
            return [
                .text("HTTP/1.1 \(start > 0 ? 206 : 200) X\r\n\(range)Content-Length: \(all.count - start)\r\n\r\n"),
                .send(Array(part)),
            ]
        }
        let digest = try Self.digest(all)
        let bytes = try await server.serving {
            try Self.readAll(Self.client(server).blob(digest, size: Int64(all.count)))
        }
        #expect(bytes == all)
        #expect(server.requests.map { $0.field("Range") } == [nil, "bytes=100000-", "bytes=200000-"])
    }

    @Test("a server without ranges sends what is there already once more, and it is passed over")
    func noRanges() async throws {
        let all = Self.content
        let server = try ScriptedServer { _, number in
            [
                .text("HTTP/1.1 200 X\r\nContent-Length: \(all.count)\r\n\r\n"),
                .send(number == 1 ? Array(all[..<150_000]) : all),
            ]
        }
        let digest = try Self.digest(all)
        let bytes = try await server.serving { try Self.readAll(Self.client(server).blob(digest)) }
        #expect(bytes == all)
    }

    @Test("silence in the middle counts as a break")
    func silence() async throws {
        let all = Array(Self.content[..<1000])
        let server = try ScriptedServer { _, number in
            [.text("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n"), .send(Array(all[..<500]))]
                + (number == 1 ? [.wait(.seconds(20))] : [.send(Array(all[500...]))])
        }
        let digest = try Self.digest(all)
        let options = Self.options(silence: .seconds(5))
        let bytes = try await server.serving { try Self.readAll(Self.client(server, options).blob(digest)) }
        #expect(bytes == all)
    }

    @Test("a blob of another digest ends in an error that names both")
    func wrongDigest() async throws {
        let server = try ScriptedServer { _, _ in [.answer(200, [], "evil")] }
        let digest = try Self.digest(Array("good".utf8))
        let failure = try await server.serving {
            let stream = try Self.client(server).blob(digest, size: 4)
            #expect(throws: ArchiveError.self) { try Self.readAll(stream) }
            return stream.failure
        }
        guard case .digestMismatch(_, let expected, let found) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(expected == digest.description)
        #expect(found == (try Self.digest(Array("evil".utf8)).description))
    }

    @Test("a blob of another size is refused before it is read")
    func wrongSize() async throws {
        let server = try ScriptedServer { _, _ in [.answer(200, [], "too long")] }
        let digest = try Self.digest(Array("good".utf8))
        let error = try await server.serving { Self.error { _ = try Self.client(server).blob(digest, size: 4) } }
        #expect(error?.code == "SC4112")
    }

    @Test("a connection that breaks for ever is given up")
    func givesUp() async throws {
        let server = try ScriptedServer { _, _ in [.text("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\nabc")] }
        let digest = try Self.digest(Self.content)
        let failure = try await server.serving {
            let stream = try Self.client(server).blob(digest, size: 1000)
            #expect(throws: ArchiveError.self) { try Self.readAll(stream) }
            return stream.failure
        }
        #expect(failure?.code == "SC4104" || failure?.code == "SC4105", "\(String(describing: failure))")
        #expect(server.requests.count <= 10)
    }

    @Test("HTML instead of a manifest is an error that says what was asked of whom")
    func html() async throws {
        let server = try ScriptedServer { _, _ in
            [.answer(200, ["Content-Type: text/html"], "<html>Sign in to the hotel's network</html>")]
        }
        let error = try await server.serving { Self.error { _ = try Self.client(server).manifest("latest") } }
        let text = error?.description ?? ""
        #expect(text.contains("GET http://\(server.authority)/v2/team/app/manifests/latest"), "\(text)")
        #expect(text.contains("text/html") && text.contains("hotel"), "\(text)")
    }

    @Test("a manifest's digest is checked against what was asked and what the registry says")
    func manifestDigest() async throws {
        let digest = try Self.digest(Array("x".utf8))
        let server = try ScriptedServer { request, _ in
            let said = request.line.contains("latest") ? ["Docker-Content-Digest: \(digest)"] : []
            return [.answer(200, ["Content-Type: application/vnd.oci.image.manifest.v1+json"] + said, "{}")]
        }
        let errors = try await server.serving {
            [
                Self.error { _ = try Self.client(server).manifest(digest) },
                Self.error { _ = try Self.client(server).manifest("latest") },
            ]
        }
        #expect(errors.map { $0?.code } == ["SC4111", "SC4111"])
    }

    @Test("a manifest beyond 4 MiB is refused")
    func hugeManifest() async throws {
        let server = try ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 X\r\n\r\n{")]
                + Array(repeating: .send(Array(repeating: 0x20, count: 1 << 20)), count: 6)
        }
        let error = try await server.serving { Self.error { _ = try Self.client(server).manifest("latest") } }
        #expect(error?.code == "SC4110")
    }

    @Test("a head without end is refused")
    func hugeHead() async throws {
        let line = "X-Filler: " + String(repeating: "x", count: 1000) + "\r\n"
        let server = try ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 X\r\n")] + Array(repeating: .text(line), count: 1000)
        }
        let error = try await server.serving { Self.error { _ = try Self.client(server).manifest("latest") } }
        #expect(error?.code == "SC4105", "\(String(describing: error))")
    }

    @Test("redirects end after five")
    func endlessRedirects() async throws {
        let server = try ScriptedServer { request, number in
            [.answer(307, ["Location: /v2/team/app/manifests/r\(number)"])]
        }
        let error = try await server.serving { Self.error { _ = try Self.client(server).manifest("latest") } }
        #expect(error?.code == "SC4114")
        #expect(server.requests.count == 6 || server.requests.count == 12)
    }

    @Test(
        "redirects to what is no web address are refused",
        arguments: ["file:///etc/passwd", "gopher://x/", "", "http://user:pw@127.0.0.1/"])
    func oddRedirects(location: String) async throws {
        let server = try ScriptedServer { _, _ in [.answer(302, ["Location: \(location)"])] }
        let error = try await server.serving { Self.error { _ = try Self.client(server).manifest("latest") } }
        #expect(error?.code == "SC4114", "\(String(describing: error))")
    }

    @Test("a redirect to another host goes without the password")
    func redirectWithoutSecret() async throws {
        let other = try ScriptedServer { _, _ in [.answer(200, [], "good")] }
        let server = try ScriptedServer { request, _ in
            request.field("Authorization") == nil
                ? [.answer(401, ["WWW-Authenticate: Basic realm=\"x\""])]
                : [.answer(307, ["Location: http://\(other.authority)/blob?signature=1"])]
        }
        let digest = try Self.digest(Array("good".utf8))
        let bytes = try await other.serving {
            try BlockingWait.run {
                try await server.serving {
                    let options = Self.options(credentials: .password(user: "u", password: "hush"))
                    return try Self.readAll(Self.client(server, options).blob(digest))
                }
            }
        }
        #expect(bytes == Array("good".utf8))
        #expect(server.requests.last?.field("Authorization")?.hasPrefix("Basic ") == true)
        #expect(other.requests.count == 1)
        #expect(other.requests.first?.field("Authorization") == nil)
    }

    @Test("429 with Retry-After and 503 are asked again")
    func retries() async throws {
        let server = try ScriptedServer { _, number in
            switch number {
            case 1: [.answer(429, ["Retry-After: 1"])]
            case 2: [.answer(503)]
            default: [.answer(200, ["Content-Type: application/json"], #"{"name":"team/app","tags":["a"]}"#)]
            }
        }
        let start = Clock.monotonic()
        let tags = try await server.serving { try Self.client(server).tags() }
        #expect(tags == ["a"])
        #expect(server.requests.count == 3)
        #expect(Clock.monotonic() - start > 900_000_000)
    }

    @Test("a wait beyond a minute is said, not waited for")
    func longRetryAfter() async throws {
        let body = #"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#
        let server = try ScriptedServer { _, _ in [.answer(429, ["Retry-After: 3600"], body)] }
        let error = try await server.serving { Self.error { _ = try Self.client(server).tags() } }
        #expect(error?.description.contains("TOOMANYREQUESTS: slow down") == true)
        #expect(server.requests.count == 1)
    }

    @Test("a search is asked at /v1/search, and its texts are made harmless")
    func search() async throws {
        let body =
            #"{"results":[{"name":"a/b","description":"x\u001b[31m","star_count":3,"is_official":true},{"x":1}]}"#
        let server = try ScriptedServer { _, _ in [.answer(200, [], body)] }
        let found = try await server.serving {
            try RegistrySearch.run("a b&c", domain: server.authority, limit: 5, options: Self.options())
        }
        #expect(found.map(\.name) == ["a/b"])
        #expect(found.first?.stars == 3 && found.first?.isOfficial == true)
        #expect(found.first?.description == "x [31m")
        #expect(server.requests.first?.line == "GET /v1/search?q=a%20b%26c&n=5 HTTP/1.1")
    }

    @Test("pages of tags are joined, relative links and all")
    func pages() async throws {
        let server = try ScriptedServer { request, number in
            let links = ["Link: </v2/team/app/tags/list?n=2&last=b>; rel=\"next\"", "Link: <list?last=d>; rel=next"]
            let tags = [#"["a","b"]"#, #"["c","d"]"#, #"["e"]"#]
            return [.answer(200, number <= 2 ? [links[number - 1]] : [], "{\"tags\":\(tags[(number - 1) % 3])}")]
        }
        let tags = try await server.serving { try Self.client(server).tags(pageSize: 2) }
        #expect(tags == ["a", "b", "c", "d", "e"])
        let lines = server.requests.map(\.line)
        #expect(lines.first?.hasPrefix("GET /v2/team/app/tags/list?n=2 ") == true)
        #expect(lines.last?.hasPrefix("GET /v2/team/app/tags/list?last=d ") == true)
    }

    @Test("pages of tags that go round or lead elsewhere end in an error")
    func hostilePages() async throws {
        for link in ["</v2/team/app/tags/list?n=1>; rel=next", "<http://127.0.0.2:9/x>; rel=next"] {
            let server = try ScriptedServer { _, _ in [.answer(200, ["Link: \(link)"], #"{"tags":["a"]}"#)] }
            let error = try await server.serving { Self.error { _ = try Self.client(server).tags() } }
            #expect(error?.code == "SC4105", "\(String(describing: error))")
        }
    }

    @Test("a mirror that fails or lies is passed over")
    func mirrors() async throws {
        let manifest = #"{"schemaVersion":2}"#
        let server = try ScriptedServer { _, _ in [.answer(200, [], manifest)] }
        let mirror = try ScriptedServer { request, _ in
            request.line.contains("sha256") ? [.answer(200, [], "{}")] : [.answer(500)]
        }
        let digest = try Self.digest(Array(manifest.utf8))
        let notices = Mutex<[String]>([])
        let found = try await mirror.serving {
            try BlockingWait.run {
                try await server.serving {
                    var options = Self.options()
                    var entry = RegistryEntry()
                    entry.mirrors = [mirror.authority]
                    options.settings = RegistrySettings([server.authority: entry])
                    options.retry.attempts = 2
                    options.onNotice = { text in notices.withLock { $0.append(text) } }
                    let client = try Self.client(server, options)
                    return [try client.manifest(digest).digest, try client.manifest("latest").digest]
                }
            }
        }
        #expect(found == [digest, digest])
        #expect(notices.withLock { $0.count } == 2)
    }

    @Test("tokens are asked for once per scope, and a new one when the old one is refused")
    func tokens() async throws {
        let server = try ScriptedServer { request, number in
            if request.line.hasPrefix("GET /token") {
                return [.answer(200, [], "{\"token\":\"t\(number)\",\"expires_in\":300}")]
            }
            let realm = "http://\(request.field("Host") ?? "")/token"
            // The first token is good for two requests.
            let used = request.field("Authorization")
            guard let used, used != "Bearer t2" || number < 5 else {
                return [.answer(401, ["WWW-Authenticate: Bearer realm=\"\(realm)\",service=\"s\""])]
            }
            return [.answer(200, [], #"{"tags":["a"]}"#)]
        }
        try await server.serving {
            let client = try Self.client(server, Self.options(credentials: .password(user: "u", password: "p")))
            for _ in 0..<3 { #expect(try client.tags() == ["a"]) }
        }
        let tokens = server.requests.filter { $0.line.hasPrefix("GET /token") }
        #expect(tokens.count == 2)
        #expect(tokens.first?.line.contains("service=s&scope=repository%3Ateam%2Fapp%3Apull") == true)
        #expect(tokens.first?.field("Authorization") == "Basic dTpw")
    }

    @Test("an identity token is traded by POST")
    func identityToken() async throws {
        let server = try ScriptedServer { request, _ in
            if request.line.hasPrefix("POST /token") { return [.answer(200, [], #"{"access_token":"good"}"#)] }
            guard request.field("Authorization") == "Bearer good" else {
                let realm = "http://\(request.field("Host") ?? "")/token"
                return [.answer(401, ["WWW-Authenticate: Bearer realm=\"\(realm)\",service=\"s\""])]
            }
            return [.answer(200, [], #"{"tags":null}"#)]
        }
        try await server.serving {
            let client = try Self.client(server, Self.options(credentials: .identityToken("long")))
            #expect(try client.tags() == [])
        }
        let post = server.requests.first { $0.line.hasPrefix("POST") }
        let form = String(decoding: post?.body ?? [], as: UTF8.self)
        #expect(form.contains("grant_type=refresh_token") && form.contains("refresh_token=long"))
    }

    @Test("a caller who wants no more is obeyed at once")
    func cancels() async throws {
        let server = try ScriptedServer { _, _ in [.wait(.seconds(30))] }
        let error = try await server.serving {
            var options = Self.options()
            let start = Clock.monotonic()
            options.isCancelled = { Clock.monotonic() - start > 300_000_000 }
            let client = try Self.client(server, options)
            return Self.error { _ = try client.tags() }
        }
        #expect(error?.code == "SC4118")
    }

    @Test("an upload goes on where the registry is, after a break and after 416")
    func uploadRecovers() async throws {
        let all = Self.content
        let received = Mutex<[UInt8]>([])
        let server = try ScriptedServer { request, number in
            let place = "Location: /v2/team/app/blobs/uploads/1?state=\(number)"
            func range() -> String { "Range: 0-\(received.withLock { $0.count } - 1)" }
            switch request.line.split(separator: " ").first {
            case "HEAD": return [.answer(404)]
            case "POST": return [.answer(202, [place])]
            case "GET": return [.answer(204, [place, range()])]
            case "PATCH":
                let start = request.field("Content-Range").flatMap { Int($0.split(separator: "-")[0]) }
                guard start == received.withLock({ $0.count }) else { return [.answer(416, [place, range()])] }
                // Of the second chunk only a part is kept, and the answer is lost.
                let part = start == 100_000 ? Array(request.body.prefix(30_000)) : request.body
                received.withLock { $0 += part }
                return part.count < request.body.count ? [] : [.answer(202, [place, range()])]
            default: return [.answer(201)]
            }
        }
        let outcome = try await server.serving {
            try Self.client(server).upload(BlobContent(all), mode: .chunked(100_000))
        }
        #expect(outcome == .uploaded)
        #expect(received.withLock { $0 } == all)
        #expect(server.requests.last?.line.contains("&digest=sha256%3A") == true)
    }
}
