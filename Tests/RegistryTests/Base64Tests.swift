import Testing

@testable import Registry

@Suite("base64")
struct Base64Tests {
    @Test(
        "RFC 4648's vectors",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
        #expect(Base64.decode(text.filter { $0 != "=" }) == Array(plain.utf8))
    }

    @Test("both alphabets are read, and every byte comes back")
    func alphabets() {
        #expect(Base64.decode("-_-_") == Base64.decode("+/+/"))
        let all = (0...255).map { UInt8($0) }
        #expect(Base64.decode(Base64.encode(all)) == all)
    }

    @Test("what is no base64 is refused", arguments: ["A", "AAAAA", "AA A", "Zg===", "ä", "Zm9v\u{0}"])
    func refused(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
