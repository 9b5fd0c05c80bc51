import OCI
import Testing

@testable import RegistryServer

@Suite("routes")
struct RouteTests {
    private static let digest = "sha256:" + String(repeating: "a", count: 64)

    @Test(
        "a path is read from its end, since a name may hold the words of the API",
        arguments: [
            ("/v2/", "version", nil), ("/v2", "version", nil), ("/v2/_catalog", "catalog", nil),
            ("/v2/a/tags/list", "tags", "a"), ("/v2/tags/list/tags/list", "tags", "tags/list"),
            ("/v2/blobs/manifests/blobs/\(digest)", "blob", "blobs/manifests"),
            ("/v2/a/blobs/uploads/", "upload", "a"), ("/v2/a/blobs/uploads", "upload", "a"),
            ("/v2/blobs/uploads/blobs/uploads/x", "upload", "blobs/uploads"),
            ("/v2/a/b/manifests/latest", "manifest", "a/b"), ("/v2/a/manifests/\(digest)", "manifest", "a"),
            ("/v2/a/referrers/\(digest)", "referrers", "a"),
        ] as [(String, String, String?)])
    func good(path: String, label: String, repository: String?) throws {
        let route = try Route(path: path)
        #expect(route.label == label)
        #expect(route.repository?.description == repository)
    }

    @Test(
        "a path whose name, tag or digest is none is refused",
        arguments: [
            "/v2/../manifests/x", "/v2/a/../b/manifests/x", "/v2//manifests/x", "/v2/A/manifests/x",
            "/v2/a/manifests/", "/v2/a/manifests/..", "/v2/a/manifests/sha256:x", "/v2/a/blobs/latest", "/v1/a",
            "/v2/manifests/x", "/v2/a/b", "", "/", "v2/a/manifests/x", "/v2/a+b/tags/list",
        ])
    func bad(path: String) {
        #expect(throws: APIFailure.self) { try Route(path: path) }
    }
}

@Suite("parts of contents")
struct ByteRangeTests {
    @Test(
        "a range is a part of the content, or the whole where it is of a kind that is passed over",
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-0", .part(from: 0, count: 1)), ("bytes=0-", .part(from: 0, count: 10)),
            ("bytes=9-99", .part(from: 9, count: 1)), ("bytes=-3", .part(from: 7, count: 3)),
            ("bytes=-99", .part(from: 0, count: 10)), ("bytes=-0", .unsatisfiable), ("bytes=10-", .unsatisfiable),
            ("bytes=5-4", .whole), ("bytes=-", .whole), ("bytes=1-2,3-4", .whole), ("items=1-2", .whole),
            ("bytes=99999999999999999999-", .whole), ("bytes=+1-2", .whole),
        ] as [(String?, ByteRange)])
    func ranges(field: String?, range: ByteRange) {
        #expect(ByteRange(field, size: 10) == range)
    }

    @Test(
        "a chunk's range has two numbers in order",
        arguments: ["5-4", "-4", "4-", "a-b", "1-2-3", "bytes 1-2", " 1-2", ""])
    func chunks(field: String) {
        #expect(ChunkRange(field) == nil)
        #expect(ChunkRange("4-9")?.count == 6)
    }

    @Test("a list is given in parts")
    func pages() throws {
        let names = ["V1", "_x", "latest", "v10", "v2"]
        #expect(try Page(names, number: "2", last: nil, most: nil).entries == ["V1", "_x"])
        #expect(try Page(names, number: "2", last: "_x", most: nil).next == "n=2&last=v10")
        #expect(
            try Page(names, number: "2", last: "v10", most: nil) == Page(names, number: nil, last: "v10", most: nil))
        // The last one given need not exist any more.
        #expect(try Page(names, number: nil, last: "b", most: nil).entries == ["latest", "v10", "v2"])
        #expect(try Page(names, number: "9", last: nil, most: 3).next == "n=3&last=latest")
        #expect(try Page(names, number: "0", last: nil, most: nil).next == nil)
        #expect(try Page([], number: nil, last: "x", most: nil).entries.isEmpty)
    }
}
