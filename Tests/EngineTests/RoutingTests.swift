import Testing

@testable import Engine
@testable import EngineAPI

@Suite("Routing")
struct RoutingTests {
    @Test("versions are taken off, too old and too new ones refused in Docker's words")
    func versions() throws {
        #expect(try APIVersion.split("/v1.24/info") == (24, "/info"))
        #expect(try APIVersion.split("/v1.50/containers/json") == (50, "/containers/json"))
        #expect(try APIVersion.split("/version") == (51, "/version"))
        #expect(try APIVersion.split("/volumes") == (51, "/volumes"))
        let old = #expect(throws: EngineError.self) { try APIVersion.split("/v1.12/info") }
        #expect(old?.message.contains("client version 1.12 is too old. Minimum supported API version is 1.24") == true)
        #expect(throws: EngineError.self) { try APIVersion.split("/v1.99/info") }
        #expect(throws: EngineError.self) { try APIVersion.split("/v2.0/info") }
    }

    @Test("names with slashes are one variable, HEAD goes to GET, nothing else matches")
    func matching() {
        var router = Router()
        router.on("GET", "/images/{name…}/json") { _ in }
        router.on("GET", "/images/json") { _ in }
        router.on("DELETE", "/images/{name…}") { _ in }
        router.on("POST", "/containers/{id}/start") { _ in }
        #expect(router.match("GET", "/images/a/b/c:1/json")?.variables == ["name": "a/b/c:1"])
        #expect(router.match("HEAD", "/images/json")?.variables == [:])
        #expect(router.match("DELETE", "/images/x/y")?.variables == ["name": "x/y"])
        #expect(router.match("POST", "/containers/abc/start")?.variables == ["id": "abc"])
        #expect(router.match("GET", "/containers/abc/start") == nil)
        #expect(router.match("POST", "/containers/a/b/start")?.variables == ["id": "a/b"])
        #expect(router.match("POST", "/images/a/b/start") == nil)
        #expect(router.match("GET", "/") == nil)
        #expect(router.match("GET", "/images//json")?.variables == [:])
    }

    @Test("the health probe takes 2xx and 3xx, and nothing that is not HTTP")
    func probe() {
        #expect(WebProbe.parse(Array("HTTP/1.1 204 No Content\r\n\r\n".utf8)).isHealthy)
        #expect(WebProbe.parse(Array("HTTP/1.0 301 Moved\r\nA: b\r\n\r\nbody".utf8)).text.hasSuffix("body"))
        #expect(!WebProbe.parse(Array("HTTP/1.1 500 No\r\n\r\n".utf8)).isHealthy)
        #expect(!WebProbe.parse(Array("SSH-2.0".utf8)).isHealthy)
        #expect(!WebProbe.parse([]).isHealthy)
    }
}
