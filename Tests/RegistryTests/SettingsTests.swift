import Linux
import Testing

@testable import Registry

@Suite("registries.json")
struct RegistrySettingsTests {
    private func parse(_ text: String) throws(RegistryError) -> [String: RegistryEntry] {
        try RegistrySettingsFile(path: "/etc/x.json").parse(Array(text.utf8))
    }

    @Test("every field")
    func fields() throws {
        let entries = try parse(
            """
            {"registries": {"docker.io": {"mirrors": ["m:5000", "https://n/hub/"]}, "r": {"ca": "/a",
             "clientCertificate": "/c", "clientKey": "/k"}, "l:5000": {"insecure": true}}}
            """)
        #expect(entries["docker.io"]?.mirrors == ["m:5000", "https://n/hub/"])
        #expect(entries["r"]?.authorityFile == "/a")
        #expect(entries["r"]?.clientKey == "/k")
        #expect(entries["l:5000"]?.isInsecure == true)
        #expect(MirrorAddress("https://n/hub/")?.prefix == "/hub")
    }

    @Test(
        "mistakes name the file and the field",
        arguments: [
            ("[]", "object"), ("{", "line"), (#"{"mirrors":[]}"#, "`mirrors`"), (#"{"registries":[]}"#, "`registries`"),
            (#"{"registries":{"a":{"insecur":true}}}"#, "`insecur`"),
            (#"{"registries":{"a":{"insecure":"yes"}}}"#, "`insecure`"),
            (#"{"registries":{"a":{"ca":"relative"}}}"#, "`ca`"),
            (#"{"registries":{"a":{"mirrors":"m"}}}"#, "`mirrors`"),
            (#"{"registries":{"a":{"mirrors":["a b"]}}}"#, "`mirrors`"), (#"{"registries":{"a/b":{}}}"#, "`a/b`"),
            (#"{"registries":{"a":{"clientKey":"/k"}}}"#, "`clientKey`"),
            (#"{"registries":{"a":{"mirrors":["http://plain.example"]}}}"#, "plain http"),
        ])
    func mistakes(text: String, word: String) {
        let error = #expect(throws: RegistryError.self) { try parse(text) }
        #expect(error?.description.contains("/etc/x.json") == true)
        #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
    }

    @Test("insecure are those named so, and loopback unless an authority is given")
    func insecure() throws {
        var named = RegistryEntry()
        named.isInsecure = true
        var secured = RegistryEntry()
        secured.authorityFile = "/ca"
        let settings = RegistrySettings(["lab:5000": named, "127.0.0.1:5001": secured], certificateRoot: "/nowhere")
        for name in ["lab:5000", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"] {
            #expect(settings.isInsecure(name), "\(name)")
        }
        for name in ["lab", "lab:5001", "127.0.0.1:5001", "docker.io", "localhost.evil:5000", "10.0.0.1:5000"] {
            #expect(!settings.isInsecure(name), "\(name)")
        }
    }

    @Test("a plain http mirror needs to be named insecure, or to be loopback")
    func plainMirrors() throws {
        _ = try parse(#"{"registries":{"a":{"mirrors":["http://127.0.0.1:5000"]}}}"#)
        _ = try parse(#"{"registries":{"a":{"mirrors":["http://m"]},"m":{"insecure":true}}}"#)
    }

    @Test("Docker's folder of certificates")
    func certificateFolder() throws {
        let root = try Files.temporaryDirectory()
        defer { try? Files.removeTree(root) }
        try Files.makeDirectories(root + "/r:5000")
        for (name, text) in [("b.crt", "B"), ("a.crt", "A"), ("me.cert", "C"), ("me.key", "K"), ("x.txt", "X")] {
            try Files.write("\(root)/r:5000/\(name)", Array(text.utf8))
        }
        let trust = try #require(try CertificateFolder.read("r:5000", root: root))
        #expect(trust.authorities == Array("A\nB\n".utf8))
        #expect(trust.clientCertificate?.hasSuffix("/me.cert") == true)
        #expect(trust.clientKey?.hasSuffix("/me.key") == true)
        #expect(try CertificateFolder.read("other", root: root) == nil)
        #expect(try CertificateFolder.read("../r:5000", root: root + "/r:5000") == nil)
        try Files.unlink(root + "/r:5000/me.key")
        #expect(throws: RegistryError.self) { try CertificateFolder.read("r:5000", root: root) }
    }
}
