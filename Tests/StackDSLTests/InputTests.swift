import Diagnostics
import JSONText
import StackModel
import Testing

@testable import StackDSL

private enum Tier: String, CaseIterable { case small, large }

private struct WebShop: Stack {
    @Input("Web servers", in: 1...10) var servers = 2
    @Input("Domain") var domain: String
    @Input("Size") var tier = Tier.small
    @Input("Memory") var memory = ByteCount.mebibytes(64)
    @Input("Interval") var interval = Duration.seconds(5)
    @Input("Debug") var isDebug = false
    @Input("CPUs", validate: { $0 > 0 ? nil : "it must be positive" }) var cpus = 0.5

    var resources: Resources {
        Resources {
            Container("web", image: "nginx", replicas: servers) {
                Env("DOMAIN", domain)
                Env("TIER", "\(tier)")
                Limit(memory: memory, cpus: cpus)
                Healthcheck(.command("true"), every: interval)
                if isDebug { Env("DEBUG", "1") }
            }
        }
    }
}

private struct Named: Stack {
    static let name = "other-name"
    var resources: Resources { Resources() }
}

private struct NamedByInput: Stack {
    @Input var stage = "test"
    var name: String { "shop-\(stage)" }
    var resources: Resources { Resources() }
}

@Suite("Inputs")
struct InputTests {
    @Test("defaults and given values reach the resources")
    func values() {
        let document = evaluate(
            WebShop.self,
            inputs: given([
                "domain": "example.org", "servers": "3", "tier": "large", "memory": "1g", "interval": "1m30s",
                "isDebug": true, "cpus": 2,
            ]))
        #expect(document.diagnostics.isEmpty)
        #expect(document.name == "web-shop")
        #expect(document.resources.count == 3)
        let web = document.attributes("container.web[1]")
        #expect(web?["env"] == ["DOMAIN": "example.org", "TIER": "large", "DEBUG": "1"])
        #expect(web?["limits"] == ["memory": 1_073_741_824, "nanoCPUs": 2_000_000_000])
        #expect(web?["healthcheck"]?["interval"] == 90_000_000_000)
        let servers = document.inputs.first { $0.name == "servers" }
        #expect(servers?.value == 3)
        #expect(servers?.defaultValue == 2)
        #expect(servers?.type == "Int")
        #expect(document.inputs.first { $0.name == "domain" }?.required == true)
    }

    @Test("all mistakes are reported at once, with the line of the input and the nearest name")
    func mistakes() {
        let document = evaluate(
            WebShop.self,
            inputs: given([
                "server": "3", "servers": "99", "tier": "big", "memory": "lots", "isDebug": "maybe", "cpus": "-1",
            ]))
        #expect(document.resources.isEmpty)
        #expect(
            document.diagnostics.map(\.code).sorted() == [
                "SC1111", "SC1112", "SC1112", "SC1112", "SC1113", "SC1114", "SC1114",
            ])
        #expect(document.diagnostics.contains { $0.hint == "did you mean servers?" })
        #expect(
            document.diagnostics.contains { $0.summary == "the input tier must be one of small, large, not \"big\"" })
        #expect(document.diagnostics.contains { $0.hint == "add --var domain=text" })
    }

    @Test("an undeclared name from the environment is a warning")
    func environment() {
        var inputs = given(["zzz": "1"], strict: false)
        inputs.values += given(["domain": "x"]).values
        let document = evaluate(WebShop.self, inputs: inputs)
        #expect(document.diagnostics.map(\.severity) == [.warning])
        #expect(document.resources.count == 2)
    }

    @Test("a stack is named by its type, a static name, or its inputs")
    func names() {
        #expect(evaluate(Named.self, inputs: GivenInputs()).name == "other-name")
        #expect(evaluate(NamedByInput.self, inputs: given(["stage": "prod"])).name == "shop-prod")
        #expect(evaluate(NamedByInput.self, inputs: given(["stage": "Prod!"])).codes == ["SC1123"])
    }

    @Test(
        "type names become dashed names",
        arguments: [
            ("Hello", "hello"), ("WebShop", "web-shop"), ("HTTPProxy2", "http-proxy2"), ("my_stack", "my-stack"),
            ("A", "a"),
        ])
    func dashedNames(type: String, name: String) { #expect(StackName.ofType(type) == name) }

    @Test(
        "durations and amounts are read with their units",
        arguments: [("90s", 90_000), ("1m30s", 90_000), ("500ms", 500), ("1h", 3_600_000), ("1.5s", 1_500)])
    func durations(text: String, milliseconds: Int) {
        #expect(Duration.parse(text) == .milliseconds(milliseconds))
    }

    @Test(
        "other texts are no duration and no amount",
        arguments: ["", "5", "s", "5x", "-5s", "1e3s", "99999999999999999999h"])
    func notDurations(text: String) {
        #expect(Duration.parse(text) == nil)
        #expect(ByteCount(text.isEmpty ? "x" : text + "?") == nil)
    }

    @Test("the loader's JSON is read, and damaged JSON is reported")
    func loaderInputs() {
        let text = #"{"values":{"a":{"value":"1","source":"--var a","strict":false}}}"#
        let inputs = GivenInputs(json: Array(text.utf8))
        #expect(inputs.values.first?.name == "a")
        #expect(inputs.values.first?.given.mustBeDeclared == false)
        #expect(GivenInputs(json: Array("{".utf8)).problems.map(\.code) == ["SC1100"])
    }
}
