import OCI
import Testing

@Suite("Image references")
struct ImageReferenceTests {
    @Test(
        "a name is completed as Docker does",
        arguments: [
            ("nginx", "docker.io/library/nginx", "nginx"),
            ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"),
            ("user/app", "docker.io/user/app", "user/app"),
            ("index.docker.io/nginx", "docker.io/library/nginx", "nginx"),
            ("docker.io/library/nginx", "docker.io/library/nginx", "nginx"),
            ("docker.io/nginx", "docker.io/library/nginx", "nginx"),
            ("localhost/app", "localhost/app", "localhost/app"),
            ("localhost:5000/app:a", "localhost:5000/app:a", "localhost:5000/app:a"),
            (
                "registry.example.org:5000/team/app", "registry.example.org:5000/team/app",
                "registry.example.org:5000/team/app"
            ),
            ("Registry/app", "Registry/app", "Registry/app"),
            ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
            ("a__b/c---d/e.f_g", "docker.io/a__b/c---d/e.f_g", "a__b/c---d/e.f_g"),
            ("library/x/y", "docker.io/library/x/y", "library/x/y"),
        ])
    func completion(written: String, full: String, familiar: String) throws {
        let reference = try ImageReference(written)
        #expect(reference.description == full)
        #expect(reference.familiar == familiar)
        #expect(try ImageReference(reference.familiar) == reference)
        #expect(try ImageReference(reference.description) == reference)
    }

    @Test("the same repository at another tag or at a digest")
    func elsewhere() throws {
        let digest = try #require(Digest("sha256:" + String(repeating: "a", count: 64)))
        let name = try ImageReference("host:5000/app:1")
        #expect(name.at(digest).description == "host:5000/app@\(digest)")
        #expect(try name.at(digest).at(tag: "2").description == "host:5000/app:2")
        #expect(throws: ImageReferenceError.badTag("a b")) { try name.at(tag: "a b") }
    }

    @Test("latest is added only where neither tag nor digest is given")
    func defaultTag() throws {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        #expect(try ImageReference("nginx").withDefaultTag.tag == "latest")
        #expect(try ImageReference("nginx:1").withDefaultTag.tag == "1")
        let pinned = try ImageReference("nginx:1@" + digest)
        #expect(pinned.withDefaultTag == pinned)
        #expect(pinned.familiar == "nginx:1@" + digest)
        #expect(try ImageReference("nginx@" + digest).withDefaultTag.tag == nil)
    }

    @Test(
        "what is no reference is refused, with the part that is wrong",
        arguments: [
            ("", ImageReferenceError.empty), ("Nginx", .upperCase("library/Nginx")),
            (String(repeating: "a", count: 64), .looksLikeIdentifier(String(repeating: "a", count: 64))),
            ("nginx:", .badTag("")), ("nginx:-a", .badTag("-a")), ("a//b", .badPath("a//b")),
            ("-a", .badPath("library/-a")), ("a..b", .badPath("library/a..b")), ("a___b", .badPath("library/a___b")),
            ("host.:5000/a", .badDomain("host.:5000")), ("-host.x/a", .badDomain("-host.x")),
            ("nginx@sha256:abc", .badDigest("sha256:abc")), ("host.x:port/a", .badDomain("host.x:port")),
            ("nginx:" + String(repeating: "t", count: 129), .badTag(String(repeating: "t", count: 129))),
            (String(repeating: "a", count: 250), .tooLong(268)), ("a b", .badPath("library/a b")),
            ("../a", .badDomain("..")), ("a/", .badPath("a/")), ("[::1/a", .badDomain("[::1")),
        ])
    func refused(text: String, reason: ImageReferenceError) {
        #expect(throws: reason) { try ImageReference(text) }
    }

    @Test("random bytes never do more than be refused")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("aZ0.-_/:@[]%é \u{0}")
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...20, using: &generator)
            let text = String((0..<count).compactMap { _ in letters.randomElement(using: &generator) })
            if let reference = try? ImageReference(text) {
                #expect((try? ImageReference(reference.description)) == reference)
            }
        }
    }
}

@Suite("Digests and platforms")
struct DigestTests {
    @Test("only complete lower-case digests of known algorithms are digests")
    func digests() {
        let hex = String(repeating: "0f", count: 32)
        #expect(Digest("sha256:" + hex)?.shortHex == "0f0f0f0f0f0f")
        #expect(Digest("sha512:" + hex + hex)?.description == "sha512:" + hex + hex)
        for text in [
            "sha256:" + hex.dropLast(), "sha256:" + hex.uppercased(), "md5:" + hex, hex, "sha256" + hex, ":" + hex,
        ] {
            #expect(Digest(text) == nil)
        }
    }

    @Test("a platform is read from its short form")
    func platforms() {
        #expect(Platform("linux/arm/v7") == Platform(os: "linux", architecture: "arm", variant: "v7"))
        #expect(Platform("linux/amd64")?.description == "linux/amd64")
        #expect(Platform("linux") == nil && Platform("linux//x") == nil && Platform("a/b/c/d") == nil)
    }
}
