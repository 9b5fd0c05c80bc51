import Dockerfile
import Testing

@Suite("rules of .dockerignore")
struct IgnoreTests {
    /// Of moby/patternmatcher's own table.
    static let table: [(pattern: String, path: String, isExcluded: Bool)] = [
        ("**", "file", true), ("**", "file/", true), ("**/", "file", true), ("**/", "file/", true), ("**", "/", true),
        ("**/", "/", true), ("**", "dir/file", true), ("**/", "dir/file", true), ("**", "dir/file/", true),
        ("**/", "dir/file/", true), ("**/**", "dir/file", true), ("**/**", "dir/file/", true),
        ("dir/**", "dir/file", true), ("dir/**", "dir/file/", true), ("dir/**", "dir/dir2/file", true),
        ("dir/**", "dir/dir2/file/", true), ("**/dir", "dir", true), ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true), ("**/dir2/*", "dir/dir2/file/", true),
        ("**/dir2/**", "dir/dir2/dir3/file", true), ("**/dir2/**", "dir/dir2/dir3/file/", true),
        ("**file", "file", true), ("**file", "dir/file", true), ("**/file", "dir/file", true),
        ("**file", "dir/dir/file", true), ("**/file", "dir/dir/file", true), ("**/file*", "dir/dir/file", true),
        ("**/file*", "dir/dir/file.txt", true), ("**/file*txt", "dir/dir/file.txt", true),
        ("**/file*.txt", "dir/dir/file.txt", true), ("**/file*.txt*", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true), ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/*.txt", "file.txt", true), ("**/**/*.txt", "file.txt", true), ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/file.txt", true), ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false), ("a/*.txt", "a/file.txt", true), ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ae", false), ("a[b-d]e", "ace", true), ("a[b-d]e", "aae", false), ("a[^b-d]e", "aze", true),
        (".*", ".foo", true), (".*", "foo", false), ("abc.def", "abcdef", false), ("abc.def", "abc.def", true),
        ("abc.def", "abcZdef", false), ("abc?def", "abcZdef", true), ("abc?def", "abcdef", false),
        ("a\\\\", "a\\", true), ("**/foo/bar", "foo/bar", true), ("**/foo/bar", "dir/foo/bar", true),
        ("**/foo/bar", "dir/dir2/foo/bar", true), ("abc/**", "abc", false), ("abc/**", "abc/def", true),
        ("abc/**", "abc/def/ghi", true), ("**/.foo", ".foo", true), ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true), ("a(b)c/def", "a(b)c/xyz", false), ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        (
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true
        ),
        ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true),
        ("ä?ö", "äüö", true), ("ä[ü]ö", "äüö", true), ("node_modules", "web/node_modules", false),
        ("node_modules", "node_modules/a/b", true), ("/build", "build/x", true), ("build/", "build", true),
    ]

    @Test("match as Go's do", arguments: table.indices)
    func matches(index: Int) {
        let (pattern, path, isExcluded) = Self.table[index]
        #expect(IgnoreRules(Array(pattern.utf8)).excludes(path, isDirectory: false) == isExcluded, "\(pattern) \(path)")
    }

    @Test("are read line by line; the last one that matches decides")
    func lines() {
        let text = "\u{FEFF}# comment\n\n  *.md  \r\n!README.md\n#x\nREADME-secret.md\n! docs/keep\ndocs\n!docs/keep\n"
        let rules = IgnoreRules(Array(text.utf8))
        #expect(rules.patterns == ["*.md", "!README.md", "README-secret.md", "!docs/keep", "docs", "!docs/keep"])
        #expect(rules.excludes("a.md", isDirectory: false))
        #expect(!rules.excludes("README.md", isDirectory: false))
        #expect(rules.excludes("README-secret.md", isDirectory: false))
        #expect(rules.excludes("docs/a", isDirectory: false))
        #expect(!rules.excludes("docs/keep/a", isDirectory: false))
        #expect(!rules.excludes("x", isDirectory: false))
    }

    @Test("tell where something may have been taken back in")
    func walking() {
        let rules = IgnoreRules(patterns: ["*", "!src/**/*.c", "!a/b/c", "!x/y/**"])
        for directory in ["src", "src/deep/er", "a", "a/b", "a/b/c", "x", "x/y", "x/y/z"] {
            #expect(rules.mayContainIncluded(directory), "\(directory)")
        }
        for directory in ["srcs", "b", "a/c", "x/z", "a/bb"] {
            #expect(!rules.mayContainIncluded(directory), "\(directory)")
        }
        #expect(!IgnoreRules(patterns: ["*"]).mayContainIncluded("a"))
    }

    @Test("keep what is malformed apart", arguments: ["a[", "[", "a[]b", "!", "a\\", "[a-", "[-a]"])
    func malformed(pattern: String) {
        let rules = IgnoreRules(patterns: [pattern, "ok"])
        #expect(rules.malformed == [pattern])
        #expect(rules.patterns == ["ok"])
    }

    @Test("patterns of COPY match the whole path")
    func pathPatterns() throws {
        #expect(try #require(GoPathPattern("*.c")).matches("a.c"))
        #expect(try !#require(GoPathPattern("*.c")).matches("d/a.c"))
        #expect(try !#require(GoPathPattern("d")).matches("d/a.c"))
        #expect(try #require(GoPathPattern("**/*.c")).matches("d/e/a.c"))
        #expect(GoPathPattern("a[") == nil)
        #expect(GoPathPattern.isPattern("a?") && !GoPathPattern.isPattern("a\\?b"))
    }

    @Test("take no more than one pass, however many stars")
    func stars() {
        let rules = IgnoreRules(patterns: [String(repeating: "*a", count: 2000) + "b", "**/a**/a**/a**/a**/a**/b"])
        #expect(!rules.excludes(String(repeating: "a/", count: 3000), isDirectory: false))
    }
}
