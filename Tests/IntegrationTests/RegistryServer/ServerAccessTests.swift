import HTTP
import JSONText
import Linux
import OCI
import Registry
import Testing

/// Who may do what.
@Suite("access to the registry server", .timeLimit(.minutes(3)))
struct ServerAccessTests {
    @Test(
        "a user of the file may push and pull, a stranger nothing",
        arguments: [["--htpasswd", "FOLDER/htpasswd"], ["--htpasswd", "FOLDER/htpasswd", "--token"]])
    func users(options: [String]) async throws {
        try await ServerLab.with(options) { lab in
            try await lab.blocking {
                let image = SampleImage()
                let alice = try lab.client("a", user: ServerLab.user, password: ServerLab.password)
                let digest = try image.push(alice, tag: "v1")
                #expect(try alice.manifest("v1").digest == digest)
                try alice.deleteManifest("v1")
                for (user, password) in [(nil, ""), ("alice", "wrong"), ("bob", "opensesame")] {
                    let other = try lab.client("a", user: user, password: password)
                    #expect(RegistryLab.code { _ = try other.manifest(digest) } != nil)
                    #expect(RegistryLab.code { _ = try other.upload(BlobContent([1])) } != nil)
                }
            }
            for target in ["/v2/", "/v2/_catalog", "/v2/a/tags/list", "/metrics"] {
                let answer = try await lab.send("GET", target)
                #expect(answer.status == 401, "\(target)")
                #expect(answer.code == "UNAUTHORIZED")
                let scheme = options.contains("--token") ? "Bearer realm=\"http://\(lab.authority)/token\"" : "Basic "
                #expect(answer.headers["WWW-Authenticate"]?.hasPrefix(scheme) == true)
            }
            #expect(try await lab.send("GET", "/healthz").status == 200)
            let credentials = "Basic YWxpY2U6b3BlbnNlc2FtZQ=="
            // A request is counted once its answer has gone: the client may be ahead of that.
            let line = "stackctl_registry_requests_total{method=\"GET\",route=\"metrics\",status=\"401\"} 1"
            var metrics = ""
            for _ in 0..<3_000 where !metrics.contains(line) {
                metrics = try await lab.send("GET", "/metrics", ["Authorization": credentials]).text
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(metrics.contains(line))
        }
    }

    @Test("where everybody may pull, nobody but users may push")
    func anonymous() async throws {
        try await ServerLab.with(["--htpasswd", "FOLDER/htpasswd", "--anonymous-pull"]) { lab in
            try await lab.blocking {
                let image = SampleImage()
                let alice = try lab.client("a", user: ServerLab.user, password: ServerLab.password)
                try image.push(alice, tag: "v1")
                let stranger = try lab.client("a")
                #expect(try stranger.manifest("v1").bytes == image.manifest)
                #expect(try stranger.blobBytes(SampleImage.digest(image.config)) == image.config)
                #expect(RegistryLab.code { _ = try stranger.upload(BlobContent([1, 2])) } != nil)
                #expect(RegistryLab.code { try stranger.deleteManifest("v1") } != nil)
            }
            #expect(try await lab.send("GET", "/v2/").status == 401)
            #expect(try await lab.send("GET", "/v2/_catalog").status == 401)
            if Files.exists("/usr/bin/skopeo") {
                let result = try await Spawn.run(
                    SpawnRequest(
                        "/usr/bin/skopeo", ["inspect", "--raw", "--tls-verify=false", "docker://\(lab.authority)/a:v1"]),
                    timeout: .seconds(150))
                #expect(result.outputText == String(decoding: SampleImage().manifest, as: UTF8.self))
            }
        }
    }

    @Test("a token is good for what it was asked for, and for nobody who changes it")
    func tokens() async throws {
        try await ServerLab.with(["--htpasswd", "FOLDER/htpasswd", "--token"]) { lab in
            let credentials = "Basic YWxpY2U6b3BlbnNlc2FtZQ=="
            let answer = try await lab.send(
                "GET", "/token?service=stackctl-registry&scope=repository%3Aa%3Apull", ["Authorization": credentials])
            let token = try #require(answer.json["token"]?.stringValue)
            func status(_ method: String, _ target: String, _ token: String) async throws -> Int {
                try await lab.send(method, target, ["Authorization": "Bearer \(token)"]).status
            }
            #expect(try await status("GET", "/v2/a/tags/list", token) == 404)
            #expect(try await status("POST", "/v2/a/blobs/uploads/", token) == 401)
            #expect(try await status("GET", "/v2/b/tags/list", token) == 401)
            #expect(try await status("GET", "/v2/a/tags/list", token + "A") == 401)
            let parts = token.split(separator: ".")
            #expect(try await status("GET", "/v2/a/tags/list", "\(parts[0]).\(parts[1]).") == 401)
            // {"alg":"none"}
            #expect(try await status("GET", "/v2/a/tags/list", "eyJhbGciOiJub25lIn0.\(parts[1]).") == 401)
            #expect(try await lab.send("GET", "/token?scope=repository%3Aa%3Apull").status == 401)
            #expect(try Files.status(lab.root + "/token.key").mode & 0o77 == 0)
        }
    }

    @Test("with a certificate it speaks TLS, and tells a client that does not", .enabled(if: RegistryLab.isPossible))
    func tls() async throws {
        let options = [
            "--tls-cert", "FOLDER/server.pem", "--tls-key", "FOLDER/server.key", "--htpasswd", "FOLDER/htpasswd",
            "--token",
        ]
        try await ServerLab.with(options, prepare: { try await RegistryLab.makeCertificates($0) }) { lab in
            try await lab.blocking {
                var options = RegistryOptions()
                options.credentials = { _ throws(RegistryError) in
                    .password(user: ServerLab.user, password: ServerLab.password)
                }
                var entry = RegistryEntry()
                entry.authorityFile = lab.folder + "/ca.pem"
                options.settings = RegistrySettings([lab.authority: entry])
                let client = try RegistryClient(domain: lab.authority, repository: "a", options: options)
                let image = SampleImage()
                try image.push(client, tag: "v1")
                #expect(try client.manifest("v1").bytes == image.manifest)
                #expect(try client.blobBytes(SampleImage.digest(image.layers[0])) == image.layers[0])
            }
            let plain = try await lab.raw(Array("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            #expect(!plain.contains("200 OK"))
            try lab.process.send(1)
            try await lab.eventually("the certificate is read anew") { try lab.logText().contains("anew") }
        }
    }

    @Test("a file of users with a bad line is refused with the line's number")
    func badFile() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-server-")
        defer { try? Files.removeTree(folder) }
        let lines = "# users\nalice:\(ServerLab.passwordHash)\nbob:$apr1$x$y\n"
        try Files.write(folder + "/users", Array(lines.utf8))
        let result = try await Spawn.run(
            SpawnRequest(
                ServerLab.program(),
                [
                    "registry", "serve", "--root", folder + "/root", "--listen", "127.0.0.1:0", "--htpasswd",
                    folder + "/users",
                ]), timeout: .seconds(150))
        #expect(result.status.code == 1)
        let sentences = result.errorText.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(sentences.contains("/users, line 3"))
    }

    @Test("a second server on the same root or port says what is in the way")
    func conflicts() async throws {
        try await ServerLab.with { lab in
            func second(_ root: String, _ port: String) async throws -> String {
                let result = try await Spawn.run(
                    SpawnRequest(
                        ServerLab.program(),
                        ["registry", "serve", "--root", root, "--listen", "127.0.0.1:\(port)"]),
                    timeout: .seconds(150))
                #expect(result.status.code == 1)
                return result.errorText
            }
            for (root, port, code) in [
                (lab.root, "0", "SC4202"), (lab.folder + "/other", "\(lab.port)", "SC4204"),
                ("/proc/nowhere", "0", "SC4201"),
            ] {
                let text = try await second(root, port)
                #expect(text.contains(code), "\(text)")
            }
        }
    }
}
