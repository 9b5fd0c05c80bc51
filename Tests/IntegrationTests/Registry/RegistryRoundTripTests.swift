import Archives
import Linux
import OCI
import Registry
import Testing

/// The client against Debian's `docker-registry`.
@Suite("Debian's registry", .enabled(if: RegistryLab.isPossible), .timeLimit(.minutes(5)))
struct RegistryRoundTripTests {
    @Test(
        "an image that is pushed comes back byte for byte, whichever way it was sent",
        arguments: [UploadMode.automatic, .monolithic, .chunked(1 << 20)])
    func roundTrip(mode: UploadMode) async throws {
        try await RegistryLab.with { lab in
            let image = SampleImage()
            let client = try RegistryClient(domain: lab.authority, repository: "team/app", options: lab.options())
            try client.ping()
            let digest = try image.push(client, tag: "v1", mode: mode)
            #expect(try client.resolve("v1").digest == digest)
            #expect(try client.resolve("v1").size == Int64(image.manifest.count))
            #expect(try client.manifest("v1").bytes == image.manifest)
            #expect(try client.manifest(digest).mediaType == MediaType.ociManifest)
            for layer in image.layers {
                let name = try SampleImage.digest(layer)
                #expect(try client.exists(name))
                #expect(try client.blobBytes(name, size: Int64(layer.count)) == layer)
                #expect(try client.upload(BlobContent(layer)) == .existed)
            }
            #expect(RegistryLab.code { _ = try client.manifest("v2") } == "SC4108")
        }
    }

    @Test("a pull that goes on verifies the whole by the hash of its beginning")
    func resumedPull() async throws {
        try await RegistryLab.with { lab in
            let layer = SampleImage().layers[0]
            let client = try RegistryClient(domain: lab.authority, repository: "a", options: lab.options())
            try client.upload(BlobContent(layer))
            let digest = try SampleImage.digest(layer)
            for (start, isRight) in [(1_000_000, true), (layer.count, true), (1_000_000, false)] {
                let hash = SHA256()
                hash.update(isRight ? Array(layer[..<start]) : Array(repeating: 0, count: start))
                let stream = try client.blob(digest, size: Int64(layer.count), from: Int64(start), hash: hash)
                var rest: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 100_000)
                do {
                    while true {
                        let count = try buffer.withUnsafeMutableBytes { try stream.read(into: $0) }
                        if count == 0 { break }
                        rest += buffer[..<count]
                    }
                    #expect(isRight)
                    #expect(rest == Array(layer[start...]))
                } catch {
                    #expect(!isRight)
                    #expect(stream.failure?.code == "SC4111")
                }
            }
        }
    }

    @Test("a blob that another repository has is mounted, not sent")
    func mount() async throws {
        try await RegistryLab.with { lab in
            let content = BlobContent(SampleImage().layers[1])
            let digest = try #require(Digest(content.digest))
            let first = try RegistryClient(domain: lab.authority, repository: "one", options: lab.options())
            let second = try RegistryClient(domain: lab.authority, repository: "two/deep", options: lab.options())
            let third = try RegistryClient(domain: lab.authority, repository: "three", options: lab.options())
            #expect(try first.upload(content) == .uploaded)
            #expect(try second.upload(content, mountingFrom: "one") == .mounted)
            #expect(try second.exists(digest))
            #expect(try third.mount(digest, from: "two/deep"))
            #expect(try !third.mount(SampleImage.digest([1]), from: "one"))
            #expect(try third.upload(BlobContent([1]), mountingFrom: "one") == .uploaded)
        }
    }

    @Test("all tags are listed, and manifests go by digest")
    func tagsAndDeletion() async throws {
        try await RegistryLab.with { lab in
            let image = SampleImage()
            let client = try RegistryClient(domain: lab.authority, repository: "many", options: lab.options())
            let tags = (1...7).map { "t\($0)" }
            var digest: Digest?
            for tag in tags { digest = try image.push(client, tag: tag) }
            // This version neither sorts nor pages.
            #expect(try client.tags(pageSize: 2).sorted() == tags)
            let pushed = try #require(digest)
            try client.deleteManifest(pushed.description)
            #expect(RegistryLab.code { _ = try client.manifest(pushed) } == "SC4108")
            try client.deleteBlob(SampleImage.digest(image.layers[1]))
            #expect(try !client.exists(SampleImage.digest(image.layers[1])))
        }
    }

    @Test("referrers are found under their tag where the registry has no list")
    func referrers() async throws {
        try await RegistryLab.with { lab in
            let image = SampleImage()
            let client = try RegistryClient(domain: lab.authority, repository: "signed", options: lab.options())
            let digest = try image.push(client, tag: "v1")
            #expect(try client.referrers(to: digest).isEmpty)
            let signature = try SampleImage(seed: 9).push(client, tag: nil)
            let index = """
                {"schemaVersion":2,"mediaType":"\(MediaType.ociIndex)","manifests":[{"mediaType":\
                "\(MediaType.ociManifest)","digest":"\(signature)","size":\(image.manifest.count),\
                "artifactType":"application/x.sig","annotations":{"by":"alice"}}]}
                """
            try client.putManifest(
                Array(index.utf8), mediaType: MediaType.ociIndex, reference: "sha256-\(digest.hex)")
            let found = try client.referrers(to: digest)
            #expect(found.map(\.digest) == [signature])
            #expect(found.first?.annotations == ["by": "alice"])
            #expect(try client.referrers(to: digest, artifactType: "application/x.sig").count == 1)
            #expect(try client.referrers(to: digest, artifactType: "other").isEmpty)
        }
    }

    @Test("TLS of a private authority with a password: the right ones only")
    func secured() async throws {
        try await RegistryLab.with(.secured) { lab in
            func client(_ password: String?, authority file: String?) throws -> RegistryClient {
                let options = lab.options(
                    user: password == nil ? nil : RegistryLab.user, password: password ?? "", authority: file)
                return try RegistryClient(domain: lab.authority, repository: "private", options: options)
            }
            let good = try client(RegistryLab.password, authority: lab.authorityFile)
            try good.ping()
            let image = SampleImage()
            let digest = try image.push(good, tag: "v1", mode: .chunked(1 << 20))
            #expect(try good.manifest("v1").digest == digest)
            #expect(try good.blobBytes(SampleImage.digest(image.layers[0])) == image.layers[0])

            let wrong = try client("wrong", authority: lab.authorityFile)
            #expect(RegistryLab.code { _ = try wrong.manifest("v1") } == "SC4106")
            let anonymous = try client(nil, authority: lab.authorityFile)
            #expect(RegistryLab.code { _ = try anonymous.manifest("v1") } == "SC4106")
            // Where an authority is given, loopback is no excuse for another one.
            let foreign = try client(RegistryLab.password, authority: lab.folder + "/other.pem")
            #expect(RegistryLab.code { _ = try foreign.manifest("v1") } == "SC4103")

            let options = lab.options(authority: lab.authorityFile)
            let right = RegistryCredentials.password(user: RegistryLab.user, password: RegistryLab.password)
            #expect(try RegistryLogin.verify(right, domain: lab.authority, options: options) == right)
            let bad = RegistryCredentials.password(user: RegistryLab.user, password: "x")
            #expect(
                RegistryLab.code { _ = try RegistryLogin.verify(bad, domain: lab.authority, options: options) }
                    == "SC4106")
        }
    }

    @Test("a registry that wants our certificate gets it, and nobody else gets in")
    func clientCertificate() async throws {
        try await RegistryLab.with(.mutual) { lab in
            var options = lab.options(authority: lab.authorityFile)
            options.retry.attempts = 2
            let without = try RegistryClient(domain: lab.authority, repository: "a", options: options)
            #expect(RegistryLab.code { try without.ping() } != nil)
            var entry = RegistryEntry()
            entry.authorityFile = lab.authorityFile
            entry.clientCertificate = lab.folder + "/server.pem"
            entry.clientKey = lab.folder + "/server.key"
            options.settings = RegistrySettings([lab.authority: entry])
            try RegistryClient(domain: lab.authority, repository: "a", options: options).ping()
        }
    }

    @Test("a redirect from https to http is refused")
    func downgrade() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-registry-")
        defer { try? Files.removeTree(folder) }
        try await RegistryLab.makeCertificates(folder)
        try Files.makeDirectories(folder + "/v2/a/manifests")
        // openssl's server sends files as whole responses.
        let response = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n"
        try Files.write(folder + "/v2/a/manifests/latest", Array(response.utf8))
        let log = try Files.open(folder + "/log", [.writeOnly, .create])
        var request = SpawnRequest(
            "/usr/bin/openssl",
            ["s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key", "-HTTP"])
        request.workingDirectory = folder
        request.descriptors[1] = log.raw
        request.descriptors[2] = log.raw
        let server = try Spawn.start(request)
        let port = try await RegistryLab.port(of: server, log: folder + "/log", after: "ACCEPT")
        let code = await BlockingExecutor.shared.run { () -> String? in
            var options = RegistryOptions()
            var entry = RegistryEntry()
            entry.authorityFile = folder + "/ca.pem"
            options.settings = RegistrySettings(["127.0.0.1:\(port)": entry])
            let made = options
            return RegistryLab.code {
                _ = try RegistryClient(domain: "127.0.0.1:\(port)", repository: "a", options: made).manifest("latest")
            }
        }
        try server.send(9)
        _ = try await server.exitStatus()
        #expect(code == "SC4114")
    }

    @Test("a token server that is not encrypted gets nothing from a registry that is")
    func plainTokenServer() async throws {
        try await RegistryLab.with(.tokenElsewhere) { lab in
            let options = lab.options(user: "u", password: "hush", authority: lab.authorityFile)
            let client = try RegistryClient(domain: lab.authority, repository: "a", options: options)
            #expect(RegistryLab.code { _ = try client.manifest("v1") } == "SC4114")
        }
    }

    @Test("a registry that is not there is named")
    func absent() async throws {
        let code = await BlockingExecutor.shared.run {
            RegistryLab.code { _ = try RegistryClient(domain: "127.0.0.1:1", repository: "a").manifest("v1") }
        }
        #expect(code == "SC4102")
    }
}
