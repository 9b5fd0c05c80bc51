import JSONText
import Linux
import Testing

@testable import Registry

@Suite("X-Registry-Auth")
struct RegistryAuthHeaderTests {
    private func header(_ json: String) -> String { Base64.encode(Array(json.utf8)) }

    @Test("each kind of credentials")
    func kinds() {
        #expect(
            RegistryCredentials(registryAuthHeader: header(#"{"username":"a","password":"b","serveraddress":"x"}"#))
                == .password(user: "a", password: "b"))
        #expect(
            RegistryCredentials(registryAuthHeader: header(#"{"username":"a","identitytoken":"t"}"#))
                == .identityToken("t"))
        #expect(RegistryCredentials(registryAuthHeader: header(#"{"registrytoken":"r"}"#)) == .registryToken("r"))
        #expect(
            RegistryCredentials(registryAuthHeader: header(#"{"auth":"YTpiOmM="}"#))
                == .password(user: "a", password: "b:c"))
        #expect(
            RegistryCredentials(registryAuthHeader: header(#"{"username":"<token>","password":"t"}"#))
                == .identityToken("t"))
    }

    @Test(
        "none, or nothing that could be read",
        arguments: [
            "", "e30=", "e30", "!!!", "bnVsbA==", "W10=", "eyJ1c2VybmFtZSI6MX0=",
            String(repeating: "A", count: 100_000),
        ])
    func none(text: String) { #expect(RegistryCredentials(registryAuthHeader: text) == nil) }

    @Test("what a client sends is what the daemon reads")
    func roundTrip() throws {
        let all: [RegistryCredentials] = [
            .password(user: "a", password: "p>?ü/"), .identityToken("t~~~"), .registryToken("r"),
        ]
        for credentials in all {
            let text = credentials.registryAuthHeader(for: "docker.io")
            #expect(!text.contains("+") && !text.contains("/"))
            #expect(RegistryCredentials(registryAuthHeader: text) == credentials)
            #expect(RegistryCredentials(authConfig: .object(credentials.json)) == credentials)
        }
    }

    @Test("credentials of many registries, under the names of image references")
    func many() throws {
        let text = header(
            #"{"https://index.docker.io/v1/":{"username":"a","password":"b"},"x.example:5000":{"identitytoken":"t"},"n":{}}"#
        )
        let access = RegistryAccess(registryAuth: nil, registryConfig: text)
        #expect(
            access.others == ["docker.io": .password(user: "a", password: "b"), "x.example:5000": .identityToken("t")])
        #expect(RegistryAccess(registryAuth: "e30=", registryConfig: "!").others.isEmpty)
    }

    @Test("the credentials of a request are for its registry, and not for a mirror")
    func ofOneRegistry() throws {
        let own = RegistryCredentials.password(user: "a", password: "b")
        let options = try RegistryAccess(own, others: ["mirror.example": .identityToken("t")])
            .options(for: "docker.io", settings: [])
        #expect(try options.credentials("docker.io") == own)
        #expect(try options.credentials("mirror.example") == .identityToken("t"))
        #expect(try options.credentials("other.example") == nil)
    }

    @Test(
        "a server is known by the name in image references",
        arguments: [
            ("https://index.docker.io/v1/", "docker.io"), ("docker.io", "docker.io"), ("", "docker.io"),
            ("https://x.example:5000/v2/", "x.example:5000"), ("127.0.0.1:5000", "127.0.0.1:5000"),
        ])
    func servers(written: String, domain: String) {
        #expect(RegistryCredentials.registry(ofAuthConfig: ["serveraddress": .string(written)]) == domain)
    }

    @Test("a description shows no secret")
    func description() {
        let all: [RegistryCredentials] = [
            .password(user: "u", password: "hush"), .identityToken("hush"), .registryToken("hush"),
        ]
        for credentials in all { #expect(!"\(credentials) \(String(reflecting: credentials))".contains("hush")) }
    }
}

@Suite("config.json")
struct DockerConfigFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = try Files.temporaryDirectory()
        defer { try? Files.removeTree(folder) }
        try body(folder)
    }

    @Test("entries are found by name, by host and by Docker Hub's old address")
    func lookUp() throws {
        try withFolder { folder in
            let path = folder + "/config.json"
            try Files.write(
                path,
                Array(
                    """
                    {"auths": {"https://index.docker.io/v1/": {"auth": "aHViOnB3"}, "https://old.example/v2/": {"auth": "bzpw"},
                     "reg.example:5000": {"auth": "cjpwOnE=", "identitytoken": "long"}, "empty.example": {},
                     "bad.example": {"auth": "%%%"}, "odd.example": 7}}
                    """.utf8))
            let file = try DockerConfigFile(path: path)
            #expect(try file.credentials(for: "docker.io") == .password(user: "hub", password: "pw"))
            #expect(try file.credentials(for: "old.example") == .password(user: "o", password: "p"))
            #expect(try file.credentials(for: "reg.example:5000") == .identityToken("long"))
            for name in ["reg.example", "empty.example", "bad.example", "odd.example", "none.example"] {
                #expect(try file.credentials(for: name) == nil, "\(name)")
            }
        }
    }

    @Test("storing and erasing keeps everything else, with mode 0600")
    func preserving() throws {
        try withFolder { folder in
            let path = folder + "/sub/config.json"
            try Files.makeDirectories(folder + "/sub")
            try Files.write(
                path, Array(#"{"detachKeys":"ctrl-x","z":[1,{"y":null}],"auths":{"a":{"auth":"YTpi"}}}"#.utf8))
            var file = try DockerConfigFile(path: path)
            try file.store(.password(user: "me", password: "p:w"), for: "docker.io")
            try file.store(.identityToken("tok"), for: "b")
            #expect(try Files.status(path).mode == 0o600)
            var again = try DockerConfigFile(path: path)
            #expect(try again.credentials(for: "docker.io") == .password(user: "me", password: "p:w"))
            #expect(try again.credentials(for: "b") == .identityToken("tok"))
            #expect(try again.erase("docker.io"))
            #expect(try !again.erase("docker.io"))
            try again.erase("b")
            let value = try JSONValue.parse(try Files.readAll(path))
            #expect(value == ["detachKeys": "ctrl-x", "z": [1, ["y": nil]], "auths": ["a": ["auth": "YTpi"]]])
        }
    }

    @Test("a file that is not there is made, in a folder of one's own")
    func made() throws {
        try withFolder { folder in
            var file = try DockerConfigFile(path: folder + "/new/config.json")
            #expect(try file.credentials(for: "a") == nil)
            try file.store(.password(user: "u", password: "p"), for: "a")
            #expect(try Files.status(folder + "/new").mode == 0o700)
            #expect(try DockerConfigFile(path: file.path).credentials(for: "a") == .password(user: "u", password: "p"))
        }
    }

    @Test("a link to the file stays a link")
    func link() throws {
        try withFolder { folder in
            try Files.write(folder + "/real", Array("{}".utf8))
            try Files.symlink("real", at: folder + "/config.json")
            var file = try DockerConfigFile(path: folder + "/config.json")
            try file.store(.password(user: "u", password: "p"), for: "a")
            #expect(try Files.readLink(folder + "/config.json") == "real")
            #expect(try Files.readText(folder + "/real").contains("auths"))
        }
    }

    @Test(
        "what is no such file names it",
        arguments: ["[", "[]", "7", "{\"auths\"", String(repeating: "[", count: 9_999)])
    func malformed(text: String) throws {
        try withFolder { folder in
            try Files.write(folder + "/config.json", Array(text.utf8))
            let error = #expect(throws: RegistryError.self) { try DockerConfigFile(path: folder + "/config.json") }
            #expect(error?.description.contains("config.json") == true)
        }
    }
}

@Suite("credential helpers", .timeLimit(.minutes(5)))
struct CredentialProgramTests {
    /// A helper that keeps what it is given in files of its folder.
    private static let script = """
        #!/bin/sh
        cd "$(dirname "$0")"
        case "$1" in
        get) read -r server; [ "$server" = slow ] && exec sleep 60
             [ -e kept ] || { echo "credentials not found in native keychain"; exit 1; }
             cat kept ;;
        store) cat > kept ;;
        erase) rm kept ;;
        list) echo '{"https://a/": "me"}' ;;
        esac
        """

    private func withHelper(_ body: @escaping @Sendable (String) throws -> Void) async throws {
        let folder = try Files.temporaryDirectory()
        defer { try? Files.removeTree(folder) }
        // By another program: each that another test starts meanwhile would have the file open, too, until it is executed,
        // and the kernel executes nothing that may be written to.
        let written = try await Spawn.run(
            SpawnRequest("/bin/sh", ["-c", "cat > \"$0\" && chmod 755 \"$0\"", folder + "/docker-credential-test"]),
            input: Array(Self.script.utf8))
        try #require(written.status.isSuccess, "\(written.errorText)")
        try await BlockingExecutor.shared.run { () throws in try body(folder) }
    }

    @Test("config.json's helper stores, gets and erases")
    func roundTrip() async throws {
        try await withHelper { folder in
            let path = folder + "/config.json"
            try Files.write(path, Array(#"{"credHelpers":{"reg.example":"test"}}"#.utf8))
            var file = try DockerConfigFile(path: path, helperSearchPath: folder)
            #expect(try file.credentials(for: "reg.example") == nil)
            try file.store(.password(user: "u", password: "hush"), for: "reg.example")
            #expect(try !Files.readText(path).contains("hush"))
            #expect(try file.credentials(for: "reg.example") == .password(user: "u", password: "hush"))
            #expect(try file.credentials(for: "other.example") == nil)
            #expect(try file.erase("reg.example"))
            #expect(try file.credentials(for: "reg.example") == nil)
        }
    }

    @Test("a list, a time-out, and a program that is missing")
    func failures() async throws {
        try await withHelper { folder in
            var helper = try #require(CredentialProgram(name: "test", searchPath: folder))
            #expect(try helper.list() == ["https://a/": "me"])
            helper.timeout = .milliseconds(200)
            let late = #expect(throws: RegistryError.self) { try helper.get("slow") }
            #expect(late?.description.contains("not done") == true)
            let missing = try #require(CredentialProgram(name: "absent", searchPath: folder))
            let error = #expect(throws: RegistryError.self) { try missing.get("x") }
            #expect(error?.description.contains("docker-credential-absent") == true)
        }
    }

    @Test("a name that is no word is refused", arguments: ["", "../evil", "a/b", "a b", "a;b", "$(x)"])
    func badNames(name: String) { #expect(CredentialProgram(name: name) == nil) }
}
