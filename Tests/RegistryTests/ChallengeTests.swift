import Testing

@testable import Registry

@Suite("WWW-Authenticate")
struct ChallengeTests {
    @Test("Docker Hub's challenge")
    func bearer() {
        let value = """
            Bearer realm="https://auth.docker.io/token",service="registry.docker.io",\
            scope="repository:library/nginx:pull,push"
            """
        #expect(
            Challenge.parse([value]) == [
                Challenge(
                    scheme: "bearer",
                    parameters: [
                        "realm": "https://auth.docker.io/token", "service": "registry.docker.io",
                        "scope": "repository:library/nginx:pull,push",
                    ])
            ])
    }

    @Test("several challenges in one field and in several")
    func several() {
        let found = Challenge.parse(["Negotiate, Basic realm=\"a, \\\"b\\\"\" , BEARER Realm = https://x/y", "Basic"])
        #expect(found.map(\.scheme) == ["negotiate", "basic", "bearer", "basic"])
        #expect(found[1].parameters == ["realm": "a, \"b\""])
        #expect(found[2].parameters == ["realm": "https://x/y"])
    }

    @Test("a parameter given twice keeps its first value")
    func twice() {
        #expect(Challenge.parse(["Bearer realm=\"a\",realm=\"b\""]).first?.parameters == ["realm": "a"])
    }

    @Test(
        "hostile fields give nothing or something, and end",
        arguments: [
            "", ",", "=", "\"", "Bearer realm=\"", "Bearer realm=\"a\\", "Bearer =", "Bearer realm=", ",,,=,",
            "Bearer \u{0}realm=\"x\"", String(repeating: "a,", count: 50_000), String(repeating: "\"", count: 50_000),
            "Bearer " + String(repeating: "a=\"b\",", count: 20_000),
        ])
    func hostile(text: String) {
        #expect(Challenge.parse([text]).count <= 8 * 1024)
    }

    @Test("a value cut off in the middle of its quotes is not taken")
    func cutOff() {
        #expect(Challenge.parse(["Bearer realm=\"https://good\",service=\"cut"]).first?.parameters["service"] == nil)
    }
}

@Suite("token servers")
struct TokenServerTests {
    private let realm = "https://auth.example/token?a=b"

    @Test("the query has service and scopes, escaped, behind what the realm has")
    func query() throws {
        let server = try #require(make())
        let address = server.query(["repository:a/b:pull", "repository:c:pull,push"], isLogin: false)
        #expect(
            address.target
                == "/token?a=b&service=reg%20%26&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull%2Cpush")
        #expect(server.query([], isLogin: true).target.hasSuffix("&client_id=stackctl&offline_token=true"))
    }

    @Test("the form of a refresh escapes the token")
    func form() throws {
        let form = try #require(make()).refreshForm("a&b=c", ["repository:a:pull"])
        #expect(form.contains("refresh_token=a%26b%3Dc"))
        #expect(form.contains("scope=repository%3Aa%3Apull"))
    }

    private func make() -> TokenServer? {
        WebAddress(realm).map {
            TokenServer(realm: $0, service: "reg &", challenged: [], isOnRegistryHost: false)
        }
    }
}
