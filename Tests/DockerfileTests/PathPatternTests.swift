import Dockerfile
import Testing

@Suite("Patterns of names")
struct PathPatternTests {
    /// The cases of Go's own tests of `path.Match`, and names of images.
    @Test(
        "match as Go's path.Match does",
        arguments: [
            ("abc", "abc", true), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true), ("a*", "abc", true),
            ("a*", "ab/c", false), ("a*/b", "abc/b", true), ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true), ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false), ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true), ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true), ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true), ("a\\*b", "a*b", true), ("a\\*b", "ab", false), ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true), ("a???b", "a☺b", false), ("[a-ζ]*", "α", true), ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false), ("a*b", "a/b", false), ("[\\]a]", "]", true), ("[\\-]", "-", true),
            ("[x\\-]", "-", true), ("[x\\-]", "z", false), ("[\\-x]", "a", false), ("*x", "xxx", true), ("", "", true),
            ("busybox", "busybox", true), ("busy*", "busybox:latest", true), ("*:1.?", "demo/box:1.2", false),
            ("demo/*:1.?", "demo/box:1.2", true), ("*/*", "docker.io/library/x", false), ("[c-a]", "b", false),
        ] as [(String, String, Bool)])
    func matches(_ pattern: String, _ text: String, _ isMatch: Bool) throws {
        #expect(try #require(GoPathPattern(pattern, crossesDirectories: false)).matches(text) == isMatch)
    }

    @Test(
        "malformed ones are refused",
        arguments: ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\", "[a\\"])
    func malformed(_ pattern: String) {
        #expect(GoPathPattern(pattern, crossesDirectories: false) == nil)
    }

    @Test("stars without end cost no more than their product")
    func stars() throws {
        let pattern = try #require(GoPathPattern(String(repeating: "a*", count: 2000) + "b", crossesDirectories: false))
        #expect(!pattern.matches(String(repeating: "a", count: 4000)))
    }
}
