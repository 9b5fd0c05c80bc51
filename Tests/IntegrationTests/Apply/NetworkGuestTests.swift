import Apply
import JSONText
import Linux
import Testing

@Suite("Containers of others in a stack's network", .serialized, .timeLimit(.minutes(5)))
struct NetworkGuestTests {
    private static func resources(_ more: JSONObject) -> [String: JSONObject] {
        var network: JSONObject = ["subnet": "10.78.0.0/24"]
        for (key, value) in more { network[key] = value }
        return [
            "network.lan": network,
            "container.web": StackLab.sleeper(["networks": [["network": ["$ref": "network.lan", "attribute": "id"]]]]),
        ]
    }

    @Test("are in it again once it has been made anew, with their names and addresses")
    func comeBack() async throws {
        let lab = try await StackLab()
        try await lab.apply(Self.resources([:]))
        let host = lab.host
        for (name, address) in [("fixed", ["--ip", "10.78.0.77"]), ("free", []), ("ended", [])] {
            try await host.docker(
                words: ["run", "-d", "--name", name, "--stop-signal", "KILL", "--network", "shop_lan"] + address
                    + ["--network-alias", "\(name)-too", "busybox", "sleep", "1000"])
        }
        try await host.docker("stop", "ended")
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        let free = try await host.docker("inspect", "-f", format, "free").line
        let changed = Self.resources(["labels": ["a": "b"], "options": ["com.docker.network.driver.mtu": "1400"]])
        let plan = try await lab.plan(changed)
        #expect(plan.lines.contains { $0.hasPrefix("recreate network.lan") }, "\(plan.lines)")
        #expect(plan.notes == ["containers that are not of this stack lose the network while it is made anew"])
        try await lab.apply(changed)
        #expect(try await host.docker("inspect", "-f", format, "fixed").line == "10.78.0.77")
        #expect(try await host.docker("inspect", "-f", format, "free").line == free)
        try await host.docker("start", "ended")
        for name in ["fixed", "free", "ended"] {
            #expect(try await lab.run("shop-web", "nslookup", "\(name)-too").contains("10.78.0."))
            #expect(try await lab.run(name, "nslookup", "web").contains("10.78.0."))
        }
        try await host.docker("rm", "-f", "fixed", "free", "ended")
        try await lab.takeDown()
    }

    @Test("get other addresses where the network does not have theirs any more")
    func otherAddresses() async throws {
        let lab = try await StackLab()
        try await lab.apply(Self.resources([:]))
        try await lab.host.docker(
            "run", "-d", "--name", "fixed", "--stop-signal", "KILL", "--network", "shop_lan", "--ip", "10.78.0.77",
            "busybox", "sleep", "1000")
        try await lab.apply(Self.resources(["subnet": "10.79.0.0/24"]))
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        #expect(try await lab.host.docker("inspect", "-f", format, "fixed").line.hasPrefix("10.79.0."))
        #expect(try await lab.run("shop-web", "nslookup", "fixed").contains("10.79.0."))
        try await lab.host.docker("rm", "-f", "fixed")
        try await lab.takeDown()
    }
}
