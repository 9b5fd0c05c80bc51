import Linux
import Testing

@testable import Builder

struct TransferValueTests {
    @Test(arguments: [
        ("755", 0o644, false, 0o755), ("0", 0o644, false, 0), ("7777", 0, true, 0o7777),
        ("u+x", 0o644, false, 0o744), ("a-w", 0o666, false, 0o444), ("go=", 0o777, false, 0o700),
        ("u=rwX,go=rX", 0o600, false, 0o644), ("u=rwX,go=rX", 0o700, false, 0o755), ("X", 0o600, true, -1),
        ("+X", 0o600, true, 0o711), ("g=u", 0o640, false, 0o660), ("o=g-w", 0o664, false, 0o664),
        ("u+s,g+s", 0o755, false, 0o6755), ("+t", 0o755, true, 0o1755), ("u=rw+x", 0o000, false, 0o700),
        ("", 0o644, false, -1), ("u", 0, false, -1), ("u+q", 0, false, -1), ("8", 0, false, -1),
        ("10000", 0, false, -1), ("u+x,", 0, false, -1), ("=", 0o755, false, 0),
    ])
    func modes(text: String, before: Int, isDirectory: Bool, after: Int) throws {
        guard after >= 0 else {
            #expect(throws: TransferMode.Malformed.self, "\(text)") { try TransferMode(text) }
            return
        }
        let mode = try TransferMode(text).applied(to: UInt16(before), isDirectory: isDirectory)
        #expect(mode == UInt16(after), "\(text) gives \(String(mode, radix: 8))")
    }

    @Test func pathsAreCleanAndLinksAreResolvedInside() throws {
        #expect(TreePath.clean("/a//b/./../c/") == Array("a/c".utf8))
        #expect(TreePath.clean("../../x") == Array("x".utf8))
        #expect(TreePath.clean("/") == [])
        let links = ["l": "/a/b", "a/up": "../../..", "d/rel": "x/y", "loop": "loop", "base/l": "/t"]
        func resolve(_ path: String, base: String = "", followsLast: Bool = true) throws -> String {
            let found = try TreePath.resolve(Array(path.utf8), in: Array(base.utf8), followsLast: followsLast) {
                links[String(decoding: $0, as: UTF8.self)].map { Array($0.utf8) }
            }
            return String(decoding: found, as: UTF8.self)
        }
        #expect(try resolve("l/c") == "a/b/c")
        #expect(try resolve("l", followsLast: false) == "l")
        #expect(try resolve("a/up/etc") == "etc")
        #expect(try resolve("d/rel/z") == "d/x/y/z")
        #expect(try resolve("l/f", base: "base") == "base/t/f")
        #expect(throws: SystemError.self) { try resolve("loop/x") }
    }

    @Test func namesOfWebFiles() {
        #expect(WebName.name(of: "http://h/a/b.tar.gz?x=/y", disposition: nil) == "b.tar.gz")
        #expect(WebName.name(of: "http://h/a%20b", disposition: nil) == "a b")
        #expect(WebName.name(of: "http://h/", disposition: "attachment; filename=\"../x.txt\"") == "x.txt")
        #expect(WebName.name(of: "http://h", disposition: nil) == nil)
        #expect(WebName.name(of: "http://h/%2e%2e", disposition: nil) == nil)
        #expect(WebName.name(of: "http://h/a%2fb", disposition: nil) == nil)
        #expect(Timestamp(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT") == Timestamp(seconds: 784_111_777))
        #expect(Timestamp(httpDate: "yesterday") == nil)
    }

    @Test func addressesOfRepositories() throws {
        let plain = try GitReference("https://h/r.git#main:a/../b")
        #expect(plain.remote == "https://h/r.git" && plain.reference == "main" && plain.directory == "b")
        let query = try GitReference("https://h/r.git?tag=v1&keep-git-dir=true&submodules=false&commit=abc")
        #expect(query.reference == "refs/tags/v1" && query.checksum == "abc")
        #expect(query.keepsGitDirectory == true && !query.hasSubmodules)
        #expect(try GitReference("git@h:r.git#x").remote == "git@h:r.git")
        #expect(try GitReference("github.com/a/b").remote == "https://github.com/a/b")
        for bad in [
            "ext::x", "file:///x", "/x", "-o@h:x", "https://h/r.git#-x", "https://h/r.git#a..b", "https://h/r.git?q=1",
            "https://h/r git", "https://h/r.git?ref=a&ref=b",
        ] {
            #expect(throws: BuildFailure.self, "\(bad)") { try GitReference(bad) }
        }
        #expect(GitReference.isRepository("https://h/x.git#m") && !GitReference.isRepository("https://h/x.tar"))
    }
}
