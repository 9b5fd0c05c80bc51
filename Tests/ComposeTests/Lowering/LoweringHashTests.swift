import JSONText
import Testing

@testable import Compose

@Suite("hashes of compose services")
struct LoweringHashTests {
    @Test(
        "SHA-256 is the standard's",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000),
                "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
            ),
        ])
    func vectors(_ text: String, _ expected: String) {
        #expect(SHA256Digest.hex(of: Array(text.utf8)) == expected)
    }

    @Test("every length around a block's end is padded", arguments: 54...66)
    func padding(_ count: Int) {
        let hex = SHA256Digest.hex(of: [UInt8](repeating: 0x61, count: count))
        #expect(hex.utf8.count == 64)
    }

    @Test(
        "what makes no other container makes no other hash",
        arguments: [
            (#""scale": 3"#, true), (#""deploy": {"replicas": 3}"#, true), (#""pull_policy": "always""#, true),
            (#""profiles": ["x"]"#, true), (#""depends_on": {}"#, true), (#""build": {"context": "/x"}"#, true),
            (#""command": ["x"]"#, false), (#""environment": {"A": "1"}"#, false),
        ])
    func service(_ written: String, _ isSame: Bool) throws {
        func hash(_ text: String) throws -> String {
            let lab = try LoweringLab(web: text)
            return ComposeHash.service(try #require(lab.project.services["web"]))
        }
        let plain = try written.contains("deploy") ? hash(#""deploy": {}"#) : hash("")
        #expect((try hash(written) == plain) == isSame)
    }

    @Test("the hash of a network is that of the text Docker Compose makes of it")
    func network() throws {
        let lab = try LoweringLab(web: "")
        let text = #"{"name":"shop_default","ipam":{}}"#
        let node = try #require(lab.project.networks["default"])
        #expect(ComposeHash.shared(ComposeLabels.network, node) == SHA256Digest.hex(of: Array(text.utf8)))
    }

    @Test("the hash of a service is that of the text Docker Compose makes of it, which has no < in it")
    func text() throws {
        let lab = try LoweringLab(
            #"{"services": {"web": {"command": ["a<b&c"], "entrypoint": null, "image": "x", "build": {"context": "/x"}}}}"#
        )
        let text = #"{"command":["a\u003cb\u0026c"],"entrypoint":null,"image":"x"}"#
        let node = try #require(lab.project.services["web"])
        #expect(ComposeHash.service(node) == SHA256Digest.hex(of: Array(text.utf8)))
    }
}
