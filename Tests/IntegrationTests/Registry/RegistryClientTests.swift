import Archives
import JSONText
import Linux
import OCI
import Registry
import Testing

/// Pulls, pushes and logins through the stock `docker` client and our own, against Debian's registry.
@Suite(
    "Registries, through the clients", .enabled(if: RegistryLab.isPossible), .serialized, .timeLimit(.minutes(5)))
struct RegistryClientTests {
    /// Runs a body with a registry that has the images, and an engine.
    private static func withLab(
        _ kind: RegistryLab.Kind = .plain, _ body: (EngineLab, RegistryLab, String) async throws -> Void
    ) async throws {
        try await RegistryImages.withLayouts { files in
            try await RegistryLab.serving(kind) { registry in
                let lab = try await EngineLab()
                try await body(lab, registry, files)
                try await lab.takeDown()
            }
        }
    }

    @Test("the stock client pulls, shows the digest, and pushes elsewhere with all digests kept")
    func docker() async throws {
        try await Self.withLab { lab, registry, files in
            let name = "\(registry.authority)/team/app"
            try await RegistryImages.push(files + "/oci", to: "\(name):1")
            let index = try RegistryImages.digest(files + "/index.document")
            let pulled = try await lab.docker("pull", "\(name):1")
            let lines = pulled.out.split(separator: "\n").map(String.init)
            #expect(lines.first == "1: Pulling from team/app", "\(pulled.out)")
            #expect(lines.filter { $0.hasSuffix(": Pulling fs layer") }.count == 3, "\(pulled.out)")
            #expect(lines.filter { $0.hasSuffix(": Pull complete") }.count == 3, "\(pulled.out)")
            #expect(
                lines.suffix(3) == [
                    "Digest: \(index)", "Status: Downloaded newer image for \(name):1", "\(name):1",
                ], "\(pulled.out)")
            #expect(try await lab.docker("pull", "\(name):1").out.contains("Status: Image is up to date for \(name):1"))
            let digests = try await lab.docker("inspect", "-f", "{{json .RepoDigests}}", "\(name):1").line
            #expect(digests == #"["\#(name)@\#(index)"]"#)
            #expect(try await lab.docker("images", "--digests", name).out.contains(index.description))
            let missing = try await lab.docker("pull", "\(name):nope", expecting: 1)
            #expect(missing.error.contains("manifest for \(name):nope not found"), "\(missing.error)")

            // Elsewhere: the manifest of this platform, byte for byte, with layers the registry has already.
            let other = "\(registry.authority)/other/app:2"
            try await lab.docker("tag", "\(name):1", other)
            let pushed = try await lab.docker("push", other)
            let manifest = try RegistryImages.digest(files + "/amd.manifest")
            #expect(pushed.out.contains("The push refers to repository [\(registry.authority)/other/app]"))
            #expect(pushed.out.components(of: "Mounted from team/app") == 3, "\(pushed.out)")
            #expect(pushed.out.contains("2: digest: \(manifest) size: "), "\(pushed.out)")
            let seen = try await RegistryImages.skopeo(
                "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://\(other)")
            #expect(seen.contains(manifest.description), "\(seen)")
            let again = try await lab.docker("push", other)
            #expect(again.out.components(of: "Layer already exists") == 3, "\(again.out)")
            let unknown = try await lab.docker("push", "\(registry.authority)/nobody/nothing:1", expecting: 1)
            #expect(unknown.error.contains("An image does not exist locally"), "\(unknown.error)")
            #expect(try await lab.docker("rmi", other, "\(name):1").out.contains("Untagged: \(name)@\(index)"))
            let all = try await lab.docker("pull", "-a", "\(registry.authority)/other/app")
            #expect(all.out.contains("Status: Downloaded newer image"), "\(all.out)")
        }
    }

    @Test("what was made here is pushed, and other tools read it")
    func ownImage() async throws {
        try await Self.withLab { lab, registry, files in
            let name = "\(registry.authority)/own/box:1"
            try await lab.docker("tag", "busybox", name)
            let pushed = try await lab.stackctl("push", name)
            #expect(pushed.out.contains("1: digest: sha256:"), "\(pushed.out)")
            let id = try await lab.docker("images", "-q", "--no-trunc", "busybox").line
            _ = try await RegistryImages.skopeo(
                "copy", "--src-tls-verify=false", "docker://\(name)", "oci:\(files)/copied:1")
            try await LayerFixture.tool("/usr/bin/umoci", "unpack", "--image", files + "/copied:1", files + "/bundle")
            #expect(try Files.readText(files + "/bundle/rootfs/data/seed/file") == "from the image\n")
            #expect(Files.exists(files + "/copied/blobs/sha256/" + id.dropFirst("sha256:".count)))
            // Pulled back it is the same image.
            let digest = try await lab.docker("inspect", "-f", "{{index .RepoDigests 0}}", name).line
            try await lab.docker("rmi", name, "busybox")
            let pulled = try await lab.stackctl("pull", "-q", digest)
            #expect(pulled.out == digest + "\n")
            #expect(try await lab.docker("inspect", "-f", "{{.Id}}", digest).line == id)
        }
    }

    @Test("logins are checked, kept, used and forgotten")
    func logins() async throws {
        try await Self.withLab(.secured) { lab, registry, files in
            let (host, name) = (registry.authority, "\(registry.authority)/team/app:1")
            let refused = try await lab.docker("pull", name, expecting: 1)
            #expect(refused.error.contains("unauthorized"), "\(refused.error)")
            let wrong = try await lab.docker(
                "login", "-u", RegistryLab.user, "--password-stdin", host, input: "wrong", expecting: 1)
            #expect(wrong.error.contains("unauthorized"), "\(wrong.error)")
            let login = try await lab.docker(
                "login", "-u", RegistryLab.user, "--password-stdin", host, input: RegistryLab.password)
            #expect(login.out.contains("Login Succeeded"), "\(login.out)")
            _ = try await RegistryImages.skopeo(
                "copy", "--all", "--dest-tls-verify=false", "--dest-creds",
                "\(RegistryLab.user):\(RegistryLab.password)", "oci:\(files)/oci", "docker://\(name)")
            #expect(try await lab.docker("pull", "-q", name).line == name)
            #expect(try await lab.stackctl("logout", host).out == "Removing login credentials for \(host)\n")
            #expect(try await lab.stackctl("logout", host).out == "Not logged in to \(host)\n")
            #expect(try await lab.stackctl("pull", name, expecting: 1).sentences.contains("stackctl login"))

            let asked = try await lab.stackctl("login", host, expecting: 1)
            #expect(asked.sentences.contains("standard input is no terminal"), "\(asked.error)")
            let bad = try await lab.stackctl(
                "login", "-u", RegistryLab.user, "--password-stdin", host, input: "wrong\n", expecting: 1)
            #expect(bad.sentences.contains("\(host)"), "\(bad.error)")
            let good = try await lab.stackctl(
                "login", "-u", RegistryLab.user, "--password-stdin", "https://\(host)/v2/",
                input: RegistryLab.password + "\n")
            #expect(good.out == "Login Succeeded\n" && good.error.contains("stored unencrypted"), "\(good)")
            #expect(try await lab.stackctl("login", host).out.hasSuffix("Login Succeeded\n"))
            #expect(try await lab.stackctl("pull", name).out.contains("Image is up to date"))
            #expect(try await lab.docker("push", name).out.contains("Layer already exists"))
            #expect(try Files.status(lab.root + "/.docker/config.json").mode & 0o777 == 0o600)
        }
    }

    @Test("two logins at once lose none")
    func twoLogins() async throws {
        try await Self.withLab(.secured) { lab, registry, _ in
            let port = registry.authority.split(separator: ":").last.map(String.init) ?? ""
            let hosts = ["127.0.0.1:\(port)", "localhost:\(port)"]
            let path = lab.root + "/.docker/config.json"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await BlockingExecutor.shared.run { () throws(RegistryError) in
                            try DockerConfigFile.changing(path) { file throws(RegistryError) in
                                try file.store(.password(user: "u\(number)", password: "p"), for: "host\(number).test")
                            }
                        }
                    }
                }
                for host in hosts {
                    group.addTask {
                        try await lab.stackctl(
                            "login", "-u", RegistryLab.user, "--password-stdin", host, input: RegistryLab.password)
                    }
                }
                try await group.waitForAll()
            }
            let file = try DockerConfigFile(path: path)
            for number in 0..<20 { #expect(try file.user(for: "host\(number).test") == "u\(number)") }
            for host in hosts { #expect(try file.user(for: host) == RegistryLab.user) }
        }
    }

    @Test("a search shows what a registry finds, and distribution inspect what a name stands for")
    func lists() async throws {
        let server = try ScriptedServer { request, _ in
            guard request.line.contains("/v1/search?q=box&n=") else { return [.answer(404)] }
            return [
                .answer(
                    200, ["Content-Type: application/json"],
                    """
                    {"results":[{"name":"team/box","description":"a box of many things, more than fit into one line of it",
                    "star_count":7,"is_official":true},{"name":"team/dud","description":"","star_count":1}]}
                    """)
            ]
        }
        try await Self.withLab { lab, registry, files in
            try await server.whileServing {
                let found = try await lab.stackctl("search", "\(server.authority)/box")
                #expect(
                    found.out.contains("team/box   a box of many things, more than fit into one…   7"), "\(found.out)")
                let filtered = try await lab.docker("search", "--filter", "stars=3", "\(server.authority)/box")
                #expect(filtered.out.contains("team/box") && !filtered.out.contains("team/dud"), "\(filtered.out)")
            }
            try await RegistryImages.push(files + "/oci", to: "\(registry.authority)/team/app:1")
            let curl = try await LayerFixture.tool(
                "/usr/bin/curl", "-s", "--unix-socket", lab.root + "/run/stackctl.sock",
                "http://d/v1.41/distribution/\(registry.authority)/team/app:1/json")
            let answer = try JSONValue.parse(curl)
            let index = try RegistryImages.digest(files + "/index.document")
            #expect(answer["Descriptor"]?["digest"]?.stringValue == index.description)
            #expect(answer["Platforms"]?.arrayValue?.count == 2, "\(curl)")
        }
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
