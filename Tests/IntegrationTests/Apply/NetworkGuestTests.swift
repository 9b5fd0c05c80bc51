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

    @Test("wait for the next time where there is no room for them, which is told")
    func noRoom() async throws {
        let lab = try await StackLab()
        func network(_ subnet: String) -> [String: JSONObject] { ["network.lan": ["subnet": .string(subnet)]] }
        try await lab.apply(network("10.78.0.0/24"))
        let names = ["first", "second", "third"]
        for name in names {
            try await lab.host.docker(
                "run", "-d", "--name", name, "--stop-signal", "KILL", "--network", "shop_lan", "busybox", "sleep",
                "1000")
        }
        /// Those that have an address in the network.
        func guests() async throws -> [String] {
            var found: [String] = []
            for name in names {
                let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
                if try await lab.host.docker("inspect", "-f", format, name).line != "" { found.append(name) }
            }
            return found
        }
        _ = lab.progress
        // A gateway and one more.
        try await lab.apply(network("10.79.0.0/30"))
        let told = lab.progress.filter { $0.hasSuffix(", which was in the network, cannot be connected again") }
        #expect(try await guests().count == 1 && told.count == 2, "\(told)")
        try await lab.apply(network("10.78.0.0/24"))
        #expect(try await guests() == names)
        try await lab.host.docker(words: ["rm", "-f"] + names)
        try await lab.takeDown()
    }
}
