import Archives
import Diagnostics
import Linux
import OCI
import Testing

@testable import RegistryServer

@Suite("proofs of who one is")
struct AccessTests {
    @Test("the code of a message is that of RFC 4231")
    func code() {
        let key = Array("Jefe".utf8)
        let code = HMACSHA256.code(Array("what do ya want for nothing?".utf8), key: key)
        #expect(SHA256.hex(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let long = [UInt8](repeating: 0xAA, count: 131)
        let second = HMACSHA256.code(Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8), key: long)
        #expect(SHA256.hex(second) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test("SHA-512 is that of FIPS 180-4")
    func sha512() {
        let hash = SHA512()
        hash.update(Array("abc".utf8))
        #expect(hash.finishHex().hasPrefix("ddaf35a193617abacc417349ae204131"))
    }

    @Test("a password has its hash, and no other does")
    func passwords() {
        let hash = "$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi"
        #expect(PasswordHash.isBcrypt(hash))
        #expect(PasswordHash.matches("opensesame", hash))
        for wrong in ["", "opensesam", "opensesame ", "opensesame\0x"] { #expect(!PasswordHash.matches(wrong, hash)) }
        for text in ["", "$apr1$x", "{SHA}x", "$2y$99" + hash.dropFirst(6), hash + "a", "plain"] {
            #expect(!PasswordHash.isBcrypt(text))
        }
    }

    @Test("a line that is no user's is named by its number")
    func lines() throws {
        let good = "alice:$2y$05$abcdefghijklmnopqrstuuQbLfdQZSxZ9gjhA5V9o8Tyc6aQRO0Qi"
        #expect(try PasswordFile.parse("# x\n\n\(good)\r\n", path: "f").keys.sorted() == ["alice"])
        for (text, line) in [("bob", 1), ("\n\(good)\n:x", 3), ("\(good)\n\(good)", 2), ("a:{SHA}x", 1)] {
            do throws(Diagnostic) {
                _ = try PasswordFile.parse(text, path: "f")
                Issue.record("`\(text)` was taken")
            } catch {
                #expect(error.summary.hasPrefix("f, line \(line):"))
            }
        }
    }

    @Test("a token says what it was made for, while it is good, to the one who has the key")
    func tokens() throws {
        let issuer = TokenIssuer(key: Array(repeating: 7, count: 32))
        let grant = try #require(AccessGrant(scope: "repository:a/b:pull,push"))
        let now = Timestamp(seconds: 1_800_000_000)
        let token = issuer.token(TokenIssuer.Claims(user: "alice", grants: [grant]), now: now)
        #expect(issuer.claims(token, now: now) == TokenIssuer.Claims(user: "alice", grants: [grant]))
        #expect(issuer.claims(token, now: Timestamp(seconds: now.seconds + TokenIssuer.lifetime)) == nil)
        #expect(issuer.claims(token, now: Timestamp(seconds: now.seconds - 60)) == nil)
        #expect(TokenIssuer(key: Array(repeating: 8, count: 32)).claims(token, now: now) == nil)
        for text in ["", ".", "..", "a.b.c", token + ".", String(token.dropLast()), "x" + token] {
            #expect(issuer.claims(text, now: now) == nil)
        }
    }

    @Test("a grant is for its repository and its actions")
    func grants() throws {
        let caller = Caller(user: "a", rights: .granted([try #require(AccessGrant(scope: "repository:a:pull"))]))
        #expect(caller.may(AccessGrant(.repository("a"), [.pull])))
        #expect(!caller.may(AccessGrant(.repository("a"), [.push])))
        #expect(!caller.may(AccessGrant(.repository("a/b"), [.pull])))
        #expect(!caller.may(AccessGrant(.catalog, [.pull])))
        #expect(!Caller(user: nil, rights: .pulling).may(AccessGrant(.catalog, [.pull])))
        #expect(!Caller(user: nil, rights: .pulling).may(AccessGrant(.repository("a"), [.delete])))
        #expect(AccessGrant(scope: "repository(plugin):a:*")?.actions.count == 3)
        for scope in ["", "repository", "repository:a", "repository:../x:pull", "registry:other:*", "user:a:b"] {
            #expect(AccessGrant(scope: scope) == nil, "\(scope)")
        }
    }

    @Test("an upstream is an address, perhaps below a prefix")
    func upstreams() throws {
        let hub = try Upstream("docker.io=https://registry-1.docker.io/")
        let name = try #require(RepositoryName("docker.io/nginx"))
        #expect(hub.repository(of: name) == "library/nginx")
        #expect(hub.repository(of: try #require(RepositoryName("nginx"))) == nil)
        #expect(try Upstream("https://r.example:5000").repository(of: name) == "docker.io/nginx")
        for text in ["", "r.example", "ftp://x", "https://", "https://a/b", "../x=https://a", "https://u@h"] {
            #expect(throws: Diagnostic.self) { try Upstream(text) }
        }
    }
}
