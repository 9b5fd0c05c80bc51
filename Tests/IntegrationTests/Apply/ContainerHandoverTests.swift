import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("A container that starts before the one it replaces is gone", .serialized, .timeLimit(.minutes(5)))
struct ContainerHandoverTests {
    private let address = "container.web[1]"

    private func server(_ says: String, _ more: JSONObject = JSONObject()) -> JSONObject {
        var attributes = StackLab.sleeper([
            "command": ["sh", "-c", .string("mkdir -p /w; echo \(says) > /w/index.html; httpd -f -p 80 -h /w")],
            "ports": [["published": 18_200, "target": 80]],
            "healthcheck": ["test": ["CMD", "wget", "-qO-", "127.0.0.1"], "interval": 100_000_000, "retries": 600],
            "update": ["order": "startFirst", "healthyWithin": 120_000_000_000, "onFailure": "rollBack"],
        ])
        for (key, value) in more { attributes[key] = value }
        return attributes
    }

    private func asked(_ lab: StackLab) async throws -> String {
        let result = try await Spawn.run(SpawnRequest("/usr/bin/busybox", ["wget", "-qO-", "127.0.0.1:18200"]))
        return result.outputText
    }

    @Test("it takes ports and name over once it is healthy; the old one goes then")
    func replaces() async throws {
        let lab = try await StackLab()
        try await lab.apply([address: server("one")])
        try await lab.host.eventually("it answers") { try await self.asked(lab) == "one\n" }
        let before = try await lab.container("shop-web-1").id
        try await lab.apply([address: server("two")])
        #expect(try await asked(lab) == "two\n")
        #expect(try await lab.container("shop-web-1").id != before)
        #expect(try await lab.host.docker("ps", "-a", "--format", "{{.Names}}").out == "shop-web-1\n")
        try await lab.takeDown()
    }

    @Test(
        "one that does not get healthy goes, and the old one has lost nothing",
        arguments: [
            ["test": ["CMD", "false"], "interval": 50_000_000, "retries": 2] as JSONValue,
            ["test": ["CMD", "false"], "interval": 60_000_000_000] as JSONValue,
        ])
    func rollsBack(_ check: JSONValue) async throws {
        let lab = try await StackLab()
        try await lab.apply([address: server("one")])
        try await lab.host.eventually("it answers") { try await self.asked(lab) == "one\n" }
        let before = try await lab.container("shop-web-1").id
        let sick = server(
            "two", ["healthcheck": check, "update": ["order": "startFirst", "healthyWithin": 2_000_000_000]])
        let result = try await lab.attempt([address: sick])
        #expect(result.failures.count == 1, "\(result.failures)")
        #expect(try await asked(lab) == "one\n")
        #expect(try await lab.container("shop-web-1").id == before)
        #expect(try await lab.host.docker("ps", "-a", "--format", "{{.Names}}").out == "shop-web-1\n")
        #expect(try await lab.plan([address: server("one")]).lines == [])
        try await lab.takeDown()
    }
}
